// One connection to a database server, through soci. Statements take their values by name and give texts: each row is
// one JSON document, which the server itself builds, so that all dialects and drivers hand over numbers, NULLs and
// Unicode in the same way.
//
// Threading: used by one thread at a time (SqlPool sees to that), except interrupt(). Errors: thrown as SqlFailure, to
// be caught by transact_sql (sql_transaction.hpp).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "db/sql.hpp"
#include "db/sql_error.hpp"
#include "db/sql_target.hpp"

namespace imgimport::db {

struct SqlArgument {
  std::string_view name;  // without the colon; stands in the statement exactly once
  std::variant<std::int64_t, std::string> value;
};
// Of one call: refers to what it was made of.
class SqlArguments {
 public:
  SqlArguments() = default;
  SqlArguments(std::initializer_list<SqlArgument> arguments) : arguments_(arguments.begin(), arguments.size()) {}
  SqlArguments(const std::vector<SqlArgument>& arguments) : arguments_(arguments) {}
  auto begin() const noexcept { return arguments_.begin(); }
  auto end() const noexcept { return arguments_.end(); }
  std::size_t size() const noexcept { return arguments_.size(); }

 private:
  std::span<const SqlArgument> arguments_;
};

class SqlSession {
 public:
  // Connects; waits for some seconds at most. REQUIRES: a target that prepare_target() has completed
  explicit SqlSession(const SqlTarget& target);
  ~SqlSession();
  SqlSession(const SqlSession&) = delete;
  SqlSession& operator=(const SqlSession&) = delete;

  // The first column of all rows, as text; of NULL, nothing.
  std::vector<std::string> texts(Sql sql, SqlArguments arguments = {});
  // The first column of the first row; nullopt: no row, or NULL.
  std::optional<std::int64_t> integer(Sql sql, SqlArguments arguments = {});
  // How many rows were changed.
  std::int64_t run(Sql sql, SqlArguments arguments = {});
  // A statement that is run once in a long time: not kept.
  void exec(Sql sql);

  void begin();
  void commit();
  // Never throws: a connection that cannot even do that is not alive any more.
  void rollback() noexcept;
  bool in_transaction() const noexcept { return in_transaction_; }

  // Whether the library still thinks so; asks nobody.
  bool is_alive() noexcept;
  // Asks the server.
  void ping();
  // From any thread: what runs now fails soon. The connection is lost with it.
  void interrupt() noexcept;

 private:
  struct Statement;
  class Backend;
  enum class Gives : std::uint8_t { kNothing = 1, kTexts };
  // From the connection's cache, with these values in it.
  Statement& prepared(Sql sql, SqlArguments arguments, Gives gives);

  const std::unique_ptr<Backend> backend_;  // outlives the statements
  bool in_transaction_ = false;
};

}  // namespace imgimport::db
