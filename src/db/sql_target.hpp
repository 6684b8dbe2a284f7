// Which server database is meant, and how its client libraries are told. Pure functions, apart from reading the list of
// ODBC drivers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imgimport/result.hpp"

namespace imgimport::db {

enum class SqlProduct : std::uint8_t { kPostgres = 1, kSqlServer };
enum class SqlAccess : std::uint8_t { kNative = 1, kOdbc };
enum class SqlOrigin : std::uint8_t { kUrl = 1, kParts };  // a URL, or DB_SERVER and its neighbours

struct SqlTarget {
  SqlProduct product = SqlProduct::kPostgres;
  SqlAccess access = SqlAccess::kNative;
  SqlOrigin origin = SqlOrigin::kUrl;
  std::string url_setting = "DATABASE_URL";  // where the URL stands: what a remedy names
  std::string host;
  std::uint16_t port = 0;
  std::string database;
  std::string user;
  std::string password;
  std::string driver;       // the ODBC driver's name in odbcinst.ini; empty = the usual one
  std::string server_name;  // the server's section in freetds.conf, where FreeTDS is the driver
  // Further settings of the client library, e.g. sslmode, in the order of the URL.
  std::vector<std::pair<std::string, std::string>> options;

  // For errors and logs: without user and password.
  std::string describe() const;
  // Of options, by its name in lower case.
  std::string option(std::string_view name, std::string_view otherwise) const;
};

// postgresql://user:password@host:port/database?sslmode=…       libpq's own parameters may follow, and no others
// postgresql+odbc://user:password@host:port/database?driver=…   the same server through ODBC
// mssql://user:password@host:port/database?driver=…&encrypt=…   Azure SQL, SQL Server; trustservercertificate=yes
//                                                               for one whose certificate nobody signed
// The parts are percent-encoded. `setting`: where the URL stands. kMisconfigured, without the password in it.
Result<SqlTarget> parse_sql_url(std::string_view url, std::string_view setting = "DATABASE_URL");
bool is_sql_url(std::string_view url) noexcept;

struct SqlServerParts {
  std::string server;  // host, host:port or host,port
  std::string database;
  std::string user;
  std::string password;
  std::string driver;
};
// DB_SERVER and its neighbours.
Result<SqlTarget> sql_server_target(const SqlServerParts& parts);

// For libpq (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING).
std::string libpq_string(const SqlTarget& target);
// For SQLDriverConnect.
std::string odbc_string(const SqlTarget& target);
bool is_freetds(const SqlTarget& target);

// The names of the drivers in an odbcinst.ini.
std::vector<std::string> odbc_drivers(std::string_view ini);
std::vector<std::string> registered_odbc_drivers();
// Microsoft's newest driver if there is one, else FreeTDS; empty: neither.
std::string choose_sql_server_driver(std::span<const std::string> registered);

}  // namespace imgimport::db
