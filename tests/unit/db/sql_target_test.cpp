#include <catch2/catch.hpp>

#include "db/sql_driver.hpp"
#include "db/sql_error.hpp"
#include "db/sql_target.hpp"
#include "db/sql_transaction.hpp"

using namespace imgimport;
using namespace imgimport::db;

namespace {

SqlTarget target_of(std::string_view url) {
  auto target = parse_sql_url(url);
  if (!target.has_value()) throw std::runtime_error(target.error().message());
  return *target;
}

SqlVerdict verdict(const SqlTarget& target, std::string_view state, std::int32_t native = 0) {
  SqlFault fault;
  fault.sqlstate = state;
  fault.native = native;
  fault.text = "words";
  return judge(target, fault);
}

SqlVerdict refused(const SqlTarget& target, std::string_view words) {
  SqlFault fault;
  fault.text = words;
  fault.connecting = true;
  fault.connection_lost = true;
  return judge(target, fault);
}

}  // namespace

TEST_CASE("a PostgreSQL URL is taken apart", "[sql-target]") {
  const SqlTarget target =
      target_of("postgresql://an%40na:p%40ss%3Aw%2F%27%5C@[::1]:6432/my%20db?sslmode=verify-full&sslrootcert=/a%20b");
  CHECK(target.product == SqlProduct::kPostgres);
  CHECK(target.access == SqlAccess::kNative);
  CHECK(target.user == "an@na");
  CHECK(target.password == "p@ss:w/'\\");
  CHECK(target.host == "::1");
  CHECK(target.port == 6432);
  CHECK(target.database == "my db");
  const std::string text = libpq_string(target);
  CHECK(text.find(R"(password='p@ss:w/\'\\')") != std::string::npos);
  CHECK(text.find("sslmode='verify-full' sslrootcert='/a b'") != std::string::npos);
  CHECK(target.describe() == "postgresql://::1:6432/my db");
  CHECK(target_of("postgres://h/d").port == 5432);
  CHECK(target_of("postgres://h/d").user.empty());
}

TEST_CASE("what is no database URL is refused without its secrets", "[sql-target]") {
  for (const char* url :
       {"mysql://u:secret@h/d", "postgresql://u:secret@h", "postgresql://u:secret@/d", "postgresql://u:secret@h:0/d",
        "postgresql://u:secret@h:x/d", "postgresql://u:secret%zz@h/d", "postgresql://u:secret@h/d?nonsense=secret",
        "postgresql://u:secret@h/", "postgresql://u:secret%00@h/d", "mssql://u:secret@h/d?sslmode=secret"}) {
    INFO(url);
    const auto target = parse_sql_url(url);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code() == ErrorCode::kMisconfigured);
    CHECK(target.error().message().find("secret") == std::string::npos);
    CHECK_THAT(target.error().message(), Catch::StartsWith("DATABASE_URL "));
    CHECK_THAT(parse_sql_url(url, "--to").error().message(), Catch::StartsWith("--to "));
  }
}

TEST_CASE("ODBC strings quote what is given, and always encrypt towards SQL Server", "[sql-target]") {
  SqlTarget target = target_of("mssql://me:a%7Db%3Bc@db.example.net/shop");
  CHECK(target.port == 1433);
  target.driver = "ODBC Driver 18 for SQL Server";
  CHECK(odbc_string(target) ==
        "Driver={ODBC Driver 18 for SQL Server};Server=tcp:db.example.net,1433;Database={shop};UID={me};"
        "PWD={a}}b;c};Encrypt=yes;TrustServerCertificate=no;APP=imgimport;");
  target.driver = "FreeTDS";
  target.server_name = "imgimport1";
  CHECK(is_freetds(target));
  CHECK(odbc_string(target) == "Driver={FreeTDS};Servername=imgimport1;Database={shop};UID={me};PWD={a}}b;c};");
  const std::string conf = freetds_conf(target, "/ca.crt");
  CHECK(conf.find("encryption = require") != std::string::npos);
  CHECK(conf.find("ca file = /ca.crt") != std::string::npos);
  CHECK(conf.find("check certificate hostname = yes") != std::string::npos);
  const std::string trusting =
      freetds_conf(target_of("mssql://u:p@h/d?TrustServerCertificate=yes&Encrypt=mandatory"), "/ca.crt");
  CHECK(trusting.find("encryption = require") != std::string::npos);
  CHECK(trusting.find("ca file") == std::string::npos);
  CHECK(trusting.find("check certificate hostname") == std::string::npos);
  CHECK(freetds_conf(target_of("mssql://u:p@h/d?encrypt=no"), "/ca").find("encryption = request") != std::string::npos);
  const SqlTarget postgres = target_of("postgresql+odbc://u:p@h/d?driver=Other");
  CHECK(postgres.access == SqlAccess::kOdbc);
  CHECK(odbc_string(postgres).starts_with("Driver={Other};Server=h;Port=5432;Database=d;Uid=u;Pwd={p};"));
}

TEST_CASE("DB_SERVER may hold a port", "[sql-target]") {
  const auto plain = sql_server_target({"s.database.windows.net", "d", "u", "p", ""});
  REQUIRE(plain.has_value());
  CHECK(plain->host == "s.database.windows.net");
  CHECK(plain->port == 1433);
  CHECK(sql_server_target({"tcp:h,1444", "d", "u", "p", ""})->port == 1444);
  CHECK(sql_server_target({"h:1444", "d", "u", "p", ""})->host == "h");
  CHECK_FALSE(sql_server_target({"h:", "d", "u", "p", ""}).has_value());
}

TEST_CASE("Microsoft's newest driver comes before FreeTDS", "[sql-target]") {
  const auto all =
      odbc_drivers("[FreeTDS]\nDriver=x\n [ODBC Driver 17 for SQL Server]\n[ODBC Driver 18 for SQL Server]\n");
  CHECK(all.size() == 3);
  CHECK(choose_sql_server_driver(all) == "ODBC Driver 18 for SQL Server");
  CHECK(choose_sql_server_driver(std::vector<std::string>{"PostgreSQL Unicode", "FreeTDS"}) == "FreeTDS");
  CHECK(choose_sql_server_driver(std::vector<std::string>{"SQLite3"}).empty());
}

TEST_CASE("transient errors of the servers are tried again, and others are not", "[sql-target]") {
  const SqlTarget postgres = target_of("postgresql://u:p@h/d");
  for (const char* state : {"40001", "40P01", "57P03", "53300"}) {
    CHECK(verdict(postgres, state).retry == SqlRetry::kLater);
    CHECK_FALSE(verdict(postgres, state).reconnect);
  }
  for (const char* state : {"57P01", "08006", "08001", "08S01"}) {
    CHECK(verdict(postgres, state).retry == SqlRetry::kLater);
    CHECK(verdict(postgres, state).reconnect);
  }
  CHECK(verdict(postgres, "23505").retry == SqlRetry::kAtOnce);
  CHECK(verdict(postgres, "53100").error.code() == ErrorCode::kOutOfSpace);
  CHECK(verdict(postgres, "42601").error.code() == ErrorCode::kInternal);
  CHECK(verdict(postgres, "42601").retry == SqlRetry::kNever);
  CHECK(verdict(postgres, "42501").error.code() == ErrorCode::kMisconfigured);
  SqlFault missing{.sqlstate = "0A000", .text = "ERROR:  extension \"pg_trgm\" is not available"};
  CHECK(judge(postgres, missing).error.reason() == "database_extension");

  const SqlTarget azure = target_of("mssql://u:p@h/d");
  for (const int number : {40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929, 10053, 10054, 1205}) {
    CHECK(verdict(azure, "42000", number).retry == SqlRetry::kLater);
    CHECK(verdict(azure, "42000", number).error.code() == ErrorCode::kUnavailable);
  }
  CHECK(verdict(azure, "23000", 2627).retry == SqlRetry::kAtOnce);
  CHECK(verdict(azure, "HY000", 40544).error.code() == ErrorCode::kOutOfSpace);
  CHECK(verdict(azure, "28000", 18456).error.reason() == "database_login_refused");
}

TEST_CASE("refused connections are told apart by their words, with the setting to mend", "[sql-target]") {
  SqlTarget target = target_of("postgresql://u:hush-hush@h/d");
  CHECK(refused(target, "FATAL:  database \"d\" does not exist").error.reason() == "no_such_database");
  CHECK(refused(target, "could not translate host name \"h\"").error.reason() == "unknown_database_host");
  CHECK(refused(target, "Connection refused").error.code() == ErrorCode::kUnavailable);
  CHECK(refused(target, "Connection refused").retry == SqlRetry::kLater);
  const auto login = refused(target, "password authentication failed; it was hush-hush, hush-hush\n");
  CHECK(login.error.reason() == "database_login_refused");
  CHECK(login.error.message().find("hush") == std::string::npos);
  CHECK(login.error.remedy().find("DATABASE_URL") != std::string::npos);
  target.origin = SqlOrigin::kParts;
  CHECK(refused(target, "Login failed for user").error.remedy().find("DB_PASSWORD") != std::string::npos);
}

TEST_CASE("callers are told neither where the database is nor what it said", "[sql-target]") {
  const SqlTarget target = target_of("postgresql://somebody:hush-hush@db.example.net:6543/shop");
  const auto told = [](const Error& error) {
    const auto for_them = for_callers(error);
    return for_them ? for_them->message() + " | " + for_them->remedy() : "";
  };
  const Error away = refused(target, "connection to server at \"10.1.2.3\", port 6543 failed").error;
  CHECK(away.message().find("db.example.net:6543/shop") != std::string::npos);
  CHECK(away.message().find("10.1.2.3") != std::string::npos);
  CHECK(told(away) == "the metadata database is not available | It is tried again; see /health");
  CHECK(for_callers(away)->code() == ErrorCode::kUnavailable);
  CHECK(for_callers(away)->reason() == "database_unavailable");
  CHECK(for_callers(away)->retry_after().has_value());
  for (const char* state : {"40001", "08006", "23505", "53100", "28P01", "3D000", "42501", "42P07"}) {
    INFO(state);
    const Error error = verdict(target, state).error;
    const auto neutral = for_callers(error);
    REQUIRE(neutral);
    CHECK(neutral->code() == error.code());
    CHECK(neutral->reason() == error.reason());
    CHECK(neutral->message().starts_with("the metadata database "));
    CHECK(neutral->message().find("example") == std::string::npos);
    CHECK(neutral->message().find("words") == std::string::npos);
  }
  CHECK(told(refused(target, "could not translate host name").error).starts_with("the metadata database has a host"));
  CHECK_FALSE(for_callers(Error(ErrorCode::kNotFound, "no such job")));
  CHECK_FALSE(for_callers(verdict(target, "42601").error));
}

TEST_CASE("a server that cannot be reached is away, one that breaks a transaction off is not", "[sql-target]") {
  const SqlTarget target = target_of("postgresql://u:p@h/d");
  CHECK(refused(target, "Connection refused").away);
  CHECK(refused(target, "FATAL:  the database system is starting up").away);
  CHECK_FALSE(refused(target, "FATAL:  database \"d\" does not exist").away);
  for (const char* state : {"40P01", "57P01", "23505", "53100"}) CHECK_FALSE(verdict(target, state).away);
}

TEST_CASE("a call repeats what may pass, and only once while the server is known to be away", "[sql-target]") {
  const SqlTarget target = target_of("postgresql://u:p@h/d");
  SqlPool pool(target, {.retry_limit = std::chrono::hours(1)});
  const SqlVerdict away = refused(target, "Connection refused");
  const SqlVerdict deadlock = verdict(target, "40P01");
  const CallContext call;
  const auto gives_up = [&](const SqlVerdict& first) { return SqlAttempts(pool, call).next(first).has_value(); };
  CHECK_FALSE(pool.is_away());
  CHECK_FALSE(gives_up(away));
  CHECK_FALSE(gives_up(deadlock));
  SqlAttempts under_way(pool, call);
  CHECK_FALSE(under_way.next(away).has_value());

  // A deadline that leaves no time for a pause ends a call that could not connect.
  const CallContext hurried = call.with_timeout(std::chrono::milliseconds(1));
  CHECK(SqlAttempts(pool, hurried).next(away).has_value());
  CHECK(pool.is_away());
  CHECK(gives_up(away));
  CHECK(gives_up(deadlock));
  CHECK(under_way.next(away).has_value());
  // Somebody else's row has nothing to do with it.
  CHECK_FALSE(gives_up(verdict(target, "23505")));
  CHECK(pool.is_away());

  pool.answered();
  CHECK_FALSE(pool.is_away());
  CHECK_FALSE(gives_up(away));
  // What a living server refuses is no absence.
  CHECK(gives_up(verdict(target, "53100")));
  CHECK_FALSE(pool.is_away());
}
