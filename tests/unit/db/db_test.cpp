#include <sqlite3.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>

#include "db/error.hpp"
#include "db/migrate.hpp"
#include "db/pool.hpp"
#include "db/transaction.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using namespace std::chrono_literals;

namespace {

db::ConnectionOptions file_in(const TempDir& dir) {
  db::ConnectionOptions options;
  options.path = (dir.path() / "test.db").string();
  return options;
}

std::int64_t scalar(db::Connection& connection, db::Sql sql) {
  auto query = connection.query(sql);
  return query.next() ? query.integer(0) : -1;
}

}  // namespace

TEST_CASE("SQLite's codes become errors with a remedy", "[db]") {
  const auto code = [](int sqlite) { return db::sqlite_error(sqlite, "words", "/data/a.db").code(); };
  CHECK(code(SQLITE_BUSY) == ErrorCode::kUnavailable);
  CHECK(code(SQLITE_BUSY_SNAPSHOT) == ErrorCode::kUnavailable);
  CHECK(code(SQLITE_LOCKED) == ErrorCode::kUnavailable);
  CHECK(code(SQLITE_FULL) == ErrorCode::kOutOfSpace);
  CHECK(code(SQLITE_IOERR_SHMSIZE) == ErrorCode::kOutOfSpace);
  CHECK(code(SQLITE_CORRUPT) == ErrorCode::kMisconfigured);
  CHECK(code(SQLITE_NOTADB) == ErrorCode::kMisconfigured);
  CHECK(code(SQLITE_READONLY_DIRECTORY) == ErrorCode::kMisconfigured);
  CHECK(code(SQLITE_CANTOPEN) == ErrorCode::kMisconfigured);
  CHECK(code(SQLITE_IOERR_WRITE) == ErrorCode::kUnavailable);
  CHECK(code(SQLITE_CONSTRAINT) == ErrorCode::kInternal);
  for (const int sqlite : {SQLITE_BUSY, SQLITE_FULL, SQLITE_CORRUPT, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_IOERR}) {
    const Error error = db::sqlite_error(sqlite, "words", "/data/a.db");
    CHECK(error.message().find("/data/a.db") != std::string::npos);
    CHECK_FALSE(error.remedy().empty());
  }
}

TEST_CASE("bound values come back as they were", "[db]") {
  TempDir dir;
  db::Connection connection(file_in(dir));
  connection.exec("CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB, e TEXT)");
  const std::string text("a\0b'\"", 5);
  connection.query("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)")
      .bind(std::int64_t{-5}, 0.1, text, db::BlobValue{std::string_view("\0\xff", 2)}, std::optional<std::string>())
      .run();
  auto query = connection.query("SELECT * FROM t");
  REQUIRE(query.next());
  CHECK(query.integer(0) == -5);
  CHECK(query.real(1) == 0.1);
  CHECK(query.text(2) == text);
  CHECK(query.text(3) == std::string("\0\xff", 2));
  CHECK(query.is_null(4));
  CHECK_FALSE(query.maybe_integer(4));
  CHECK_FALSE(query.next());
}

TEST_CASE("work that fails is rolled back, whether by an error or an exception", "[db]") {
  TempDir dir;
  db::Connection connection(file_in(dir));
  connection.exec("CREATE TABLE t (a INTEGER UNIQUE)");
  const auto insert = [](db::Connection& c) { c.query("INSERT INTO t VALUES (1)").run(); };
  const auto refused =
      db::transact(connection, db::TransactionKind::kImmediate, [&](db::Connection& c) -> Result<void> {
        insert(c);
        return Error(ErrorCode::kConflict, "no");
      });
  CHECK(refused.error().code() == ErrorCode::kConflict);
  const auto broken = db::transact(connection, db::TransactionKind::kImmediate, [&](db::Connection& c) -> Result<void> {
    insert(c);
    insert(c);
    return {};
  });
  CHECK(broken.error().code() == ErrorCode::kInternal);
  CHECK(scalar(connection, "SELECT count(*) FROM t") == 0);
  const auto done = db::transact(connection, db::TransactionKind::kImmediate, [&](db::Connection& c) -> Result<int> {
    insert(c);
    return 7;
  });
  CHECK(done.value() == 7);
  CHECK(scalar(connection, "SELECT count(*) FROM t") == 1);
}

TEST_CASE("a long query ends with its caller's deadline or stop", "[db]") {
  TempDir dir;
  db::Connection connection(file_in(dir));
  const auto count_forever = [](db::Connection& c) -> Result<void> {
    c.query("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").next();
    return {};
  };
  const CallContext hurried = CallContext{}.with_timeout(20ms);
  connection.serve(&hurried);
  const auto late = db::transact(connection, db::TransactionKind::kRead, count_forever);
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);

  std::stop_source stop;
  CallContext stoppable;
  stoppable.stop = stop.get_token();
  connection.serve(&stoppable);
  ErrorCode code{};
  {
    std::jthread reading(
        [&] { code = db::transact(connection, db::TransactionKind::kRead, count_forever).error().code(); });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);
}

TEST_CASE("a pool lends each connection once, and waits as long as the caller may", "[db]") {
  TempDir dir;
  std::vector<std::unique_ptr<db::Connection>> connections;
  connections.push_back(std::make_unique<db::Connection>(file_in(dir)));
  db::Pool pool(std::move(connections));
  const CallContext call;
  auto loan = std::make_unique<db::Pool::Loan>(pool.borrow(call).value());
  const CallContext hurried = call.with_timeout(10ms);
  CHECK(pool.borrow(hurried).error().code() == ErrorCode::kUnavailable);

  std::stop_source stop;
  CallContext stoppable;
  stoppable.stop = stop.get_token();
  ErrorCode code{};
  {
    std::jthread waiting([&] { code = pool.borrow(stoppable).error().code(); });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);

  bool got = false;
  {
    std::jthread waiting([&] { got = pool.borrow(call).has_value(); });
    loan.reset();
  }
  CHECK(got);
  CHECK(pool.borrow(call).has_value());
}

TEST_CASE("migrations run once each, in their order", "[db]") {
  TempDir dir;
  constexpr std::array<const char*, 2> kSteps = {"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)",
                                                 "INSERT INTO t VALUES (2)"};
  const db::Schema first{7, "tester", std::span(kSteps).first(1)};
  const db::Schema second{7, "tester", kSteps};
  db::Connection connection(file_in(dir));
  REQUIRE(db::migrate(connection, first).has_value());
  REQUIRE(db::migrate(connection, first).has_value());
  CHECK(scalar(connection, "SELECT count(*) FROM t") == 1);
  REQUIRE(db::migrate(connection, second).has_value());
  CHECK(scalar(connection, "SELECT count(*) FROM t") == 2);
  CHECK(scalar(connection, "SELECT max(a) FROM t") == 2);
  CHECK(db::migrate(connection, first).error().reason() == "newer_schema");
  const db::Schema foreign{8, "other", kSteps};
  CHECK(db::migrate(connection, foreign).error().reason() == "foreign_database");
}

TEST_CASE("a migration that fails leaves the file at its old version", "[db]") {
  TempDir dir;
  constexpr std::array<const char*, 2> kSteps = {"CREATE TABLE t (a INTEGER)",
                                                 "INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1)"};
  db::Connection connection(file_in(dir));
  REQUIRE(db::migrate(connection, {7, "tester", std::span(kSteps).first(1)}).has_value());
  CHECK_FALSE(db::migrate(connection, {7, "tester", kSteps}).has_value());
  CHECK(scalar(connection, "SELECT count(*) FROM t") == 0);
  CHECK(scalar(connection, "PRAGMA user_version") == 1);
}
