// What a database server or its client library complains of, as an Error: the only place that knows their codes.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "db/sql_target.hpp"
#include "imgimport/error.hpp"

namespace imgimport::db {

struct SqlFault {
  std::string sqlstate;          // five characters; empty where the library tells none
  std::int32_t native = 0;       // SQL Server's error number; 0 = none
  std::string text;              // the server's words
  bool connecting = false;       // while the connection was made
  bool connection_lost = false;  // it is of no use any more
};

// Thrown by SqlSession, and caught by transact_sql alone.
class SqlFailure : public std::exception {
 public:
  explicit SqlFailure(SqlFault fault) : fault_(std::move(fault)) {}
  const SqlFault& fault() const noexcept { return fault_; }
  const char* what() const noexcept override { return fault_.text.c_str(); }

 private:
  SqlFault fault_;
};

enum class SqlRetry : std::uint8_t {
  kNever = 1,
  kAtOnce,  // somebody else wrote the same row first: the whole transaction again, which will find it
  kLater,   // the server or the way to it is in trouble, or a deadlock was broken: again after a pause
};

struct SqlVerdict {
  Error error;
  SqlRetry retry = SqlRetry::kNever;
  bool reconnect = false;  // the connection must not be used again
  bool away = false;       // no connection could be made, and a later one may be
};

// Sources: https://www.postgresql.org/docs/15/errcodes-appendix.html
// https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-errors-issues
SqlVerdict judge(const SqlTarget& target, const SqlFault& fault);

// Such an error without what is for the log and the operator alone: where the database is, and what it said. nullopt:
// it is none of judge's, or one that http_error.hpp hides anyway.
std::optional<Error> for_callers(const Error& error);

}  // namespace imgimport::db
