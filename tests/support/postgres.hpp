// A real PostgreSQL server for tests: Debian's, started by postgres.sh on loopback, gone with this object or with the
// test program. Takes two seconds to start: shared by the tests of a program, each of which gets a database of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

class PostgresServer {
 public:
  // Throws with the server's last words when it does not come up. Start it on the main thread: it ends with the thread
  // that started it.
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // One for the whole test program.
  static PostgresServer& shared();

  // A new database; `from` = one without connections that it is to be a copy of.
  std::string create_database(const std::string& from = "template1");
  // For DATABASE_URL.
  std::string url(const std::string& database) const;
  std::string odbc_url(const std::string& database) const;

  // Runs the statement in the database; the first column of all rows, a line each. Throws the server's message.
  std::string execute(const std::string& database, const std::string& sql) const;
  // Ends all sessions of the database, or so many at random; returns how many there were.
  int terminate_connections(const std::string& database, int most = 1'000) const;

  // As if the machine had lost its power (the files stay), and on again on the same port.
  void kill();
  void start();
  // Answers nobody any more, connected or new, as if it hung or the network lost all; and goes on.
  void freeze();
  void thaw();

  const std::string& password() const noexcept { return password_; }
  std::uint16_t port() const noexcept { return port_; }

 private:
  void try_start();

  const TempDir dir_;
  const std::string password_;
  std::uint16_t port_ = 0;
  int databases_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

// A database of its own, which goes with the server: dropping one may wait for ever for a busy server's other
// processes.
class PostgresDatabase {
 public:
  explicit PostgresDatabase(const std::string& from = "template1")
      : name_(PostgresServer::shared().create_database(from)) {}
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;
  const std::string& name() const noexcept { return name_; }

 private:
  const std::string name_;
};

}  // namespace imgimport
