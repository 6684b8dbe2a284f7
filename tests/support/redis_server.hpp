// A real redis-server as a child process, on a free port of 127.0.0.1 or another address, without a trace on the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

// One thread. A test that crashes takes it along.
class RedisServer {
 public:
  // `arguments` are more of redis-server's own, e.g. {"--requirepass", "secret"}; "PORT" stands for its port.
  // `address`: of this machine, where it listens. Throws std::runtime_error when it does not start.
  explicit RedisServer(std::vector<std::string> arguments = {}, std::string address = "127.0.0.1");
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  std::string url() const;
  RedisOptions options() const;

  void kill();     // SIGKILL, and waits for its end
  void restart();  // on the same port, empty; kills it first where it runs
  void pause();    // SIGSTOP
  void go_on();    // SIGCONT

 private:
  void start();

  const TempDir dir_;
  const std::vector<std::string> arguments_;
  const std::string address_;
  std::uint16_t port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace imgimport
