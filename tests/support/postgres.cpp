#include "support/postgres.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "base/random.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

using std::chrono::seconds;

const std::string kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::uint16_t free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ::bind(listener, reinterpret_cast<const sockaddr*>(&address), length);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(listener);
  return ntohs(address.sin_port);
}

struct Connection {
  explicit Connection(const std::string& url) : pg(PQconnectdb(url.c_str())) {
    if (PQstatus(pg) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg));
    PQsetNoticeProcessor(
        pg, [](void*, const char*) {}, nullptr);
  }
  ~Connection() { PQfinish(pg); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  PGconn* pg;
};

}  // namespace

// A password with what must be escaped in URLs and connection strings.
PostgresServer::PostgresServer() : password_("p@ss'w\\o:r/d {" + random_token(4)) {
  // Somebody else may take the port between its choice and its use.
  for (int attempt = 1;; ++attempt) {
    port_ = free_port();
    try {
      try_start();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == 3) throw;
    }
  }
}

PostgresServer::~PostgresServer() {
  if (!process_) return;
  process_->signal(SIGCONT);
  process_->signal(SIGQUIT);
  process_->wait(seconds(10));
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer instance;
  return instance;
}

void PostgresServer::try_start() {
  ChildOptions child;
  child.program = "/usr/bin/setpriv";
  child.arguments = {"--pdeathsig",         "TERM",   "/bin/bash", IMGIMPORT_POSTGRES_SCRIPT, dir_.path().string(),
                     std::to_string(port_), password_};
  child.environment = {{"PATH", kPath}};
  process_ = std::make_unique<ChildProcess>(child);
  std::string said;
  while (const auto line = process_->read_line(seconds(60))) {
    if (line->find("ready to accept connections") != std::string::npos) return;
    said += *line + "\n";
  }
  said += process_->error_output();
  process_.reset();
  throw std::runtime_error("PostgreSQL did not start: " + said);
}

void PostgresServer::start() {
  try_start();
}

// SIGKILL of the postmaster alone would leave its children, who notice and end by themselves.
void PostgresServer::kill() {
  process_->signal(SIGKILL);
  process_->wait(seconds(10));
  process_.reset();
}

namespace {

// The postmaster first, so that it begins no further child.
std::vector<pid_t> with_children(pid_t parent) {
  std::vector<pid_t> pids{parent};
  const auto id = std::to_string(parent);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; file >> child;) pids.push_back(child);
  return pids;
}

}  // namespace

void PostgresServer::freeze() {
  freeze_process(process_->pid());
  for (const pid_t pid : with_children(process_->pid())) freeze_process(pid);
}

void PostgresServer::thaw() {
  for (const pid_t pid : with_children(process_->pid())) ::kill(pid, SIGCONT);
}

std::string PostgresServer::create_database(const std::string& from) {
  const std::string name = "db" + std::to_string(++databases_) + "_" + random_token(4);
  execute("postgres", "CREATE DATABASE " + name + " TEMPLATE " + from);
  return name;
}

std::string PostgresServer::url(const std::string& database) const {
  return "postgresql://tester:" + percent_encode(password_) + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::odbc_url(const std::string& database) const {
  return "postgresql+odbc" + url(database).substr(std::string("postgresql").size());
}

std::string PostgresServer::execute(const std::string& database, const std::string& sql) const {
  const Connection connection(url(database));
  PGresult* result = PQexec(connection.pg, sql.c_str());
  const auto status = PQresultStatus(result);
  std::string text;
  for (int row = 0; row < PQntuples(result); ++row) text += std::string(PQgetvalue(result, row, 0)) + "\n";
  PQclear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(connection.pg));
  return text;
}

int PostgresServer::terminate_connections(const std::string& database, int most) const {
  const std::string ended = execute(
      "postgres", "SELECT count(pg_terminate_backend(s.pid)) FROM (SELECT pid FROM pg_stat_activity WHERE datname = '" +
                      database + "' ORDER BY random() LIMIT " + std::to_string(most) + ") s");
  return std::stoi(ended);
}

}  // namespace imgimport
