#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace imgimport {
namespace {

// redis-server takes no port 0. Another program may be faster: start() tries again with the next one.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

// Its log goes to standard output.
bool comes_up(ChildProcess& process) {
  while (const auto line = process.read_line(std::chrono::seconds(30))) {
    if (line->find("Ready to accept connections") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> arguments, std::string address)
    : arguments_(std::move(arguments)), address_(std::move(address)) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    port_ = free_port();
    start();
    if (process_) return;
  }
  throw std::runtime_error("redis-server did not start; is it installed?");
}

RedisServer::~RedisServer() = default;  // ChildProcess kills it

void RedisServer::start() {
  ChildOptions options;
  options.program = "/usr/bin/env";
  options.arguments = {
      "setpriv",   "--pdeathsig", "KILL", "redis-server", "--port", std::to_string(port_), "--bind", address_, "--dir",
      dir_.path(), "--save",      "",     "--appendonly", "no",     "--protected-mode",    "no"};
  options.arguments.insert(options.arguments.end(), arguments_.begin(), arguments_.end());
  std::replace(options.arguments.begin(), options.arguments.end(), std::string("PORT"), std::to_string(port_));
  options.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  process_ = std::make_unique<ChildProcess>(options);
  if (!comes_up(*process_)) process_.reset();
}

std::string RedisServer::url() const {
  return "redis://" + address_ + ":" + std::to_string(port_);
}

RedisOptions RedisServer::options() const {
  RedisOptions options;
  options.address.host = address_;
  options.address.port = port_;
  return options;
}

void RedisServer::kill() {
  if (!process_) return;
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(30));
  process_.reset();
}

void RedisServer::restart() {
  kill();
  start();
  if (!process_) throw std::runtime_error("redis-server did not start again");
}

void RedisServer::pause() {
  freeze_process(process_->pid());
}

void RedisServer::go_on() {
  process_->signal(SIGCONT);
}

}  // namespace imgimport
