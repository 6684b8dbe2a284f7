#include "db/migrate.hpp"

#include <fmt/format.h>

#include "db/error.hpp"
#include "db/transaction.hpp"

namespace imgimport::db {
namespace {

std::int64_t scalar(Connection& connection, Sql sql) {
  auto query = connection.query(sql);
  return query.next() ? query.integer(0) : 0;
}

Result<void> check_ownership(Connection& connection, const Schema& schema) {
  const auto id = scalar(connection, "PRAGMA application_id");
  const auto version = scalar(connection, "PRAGMA user_version");
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  const bool is_new = id == 0 && version == 0 && scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0;
  if (!is_new && id != schema.application_id) {
    return Error(ErrorCode::kMisconfigured, fmt::format("the file {} is another application's database, not {}'s",
                                                        connection.path(), schema.application))
        .with_reason("foreign_database")
        .with_remedy("set DATA_DIR to a directory of its own; nothing was changed");
  }
  if (version > newest) {
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("the database file {} was written by a newer {} (its version {}, this program's {})",
                             connection.path(), schema.application, version, newest))
        .with_reason("newer_schema")
        .with_remedy("run that newer version, or restore a backup from before the upgrade; nothing was changed");
  }
  return {};
}

// False: there was nothing to do.
Result<bool> run_migrations(Connection& connection, const Schema& schema) {
  const auto version = static_cast<std::size_t>(scalar(connection, "PRAGMA user_version"));
  if (version >= schema.migrations.size()) return false;
  for (std::size_t i = version; i < schema.migrations.size(); ++i) connection.exec(schema.migrations[i]);
  connection.exec(
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", schema.application_id, schema.migrations.size())
          .c_str());
  return true;
}

}  // namespace

Result<void> migrate(Connection& connection, const Schema& schema) {
  IMGIMPORT_RETURN_IF_ERROR(
      transact(connection, TransactionKind::kRead, [&](Connection& open) { return check_ownership(open, schema); }));
  try {
    connection.exec("PRAGMA journal_mode=WAL");
  } catch (...) {
    return error_of_call(connection);
  }
  const auto migrated = transact(connection, TransactionKind::kImmediate, [&](Connection& open) -> Result<bool> {
    IMGIMPORT_RETURN_IF_ERROR(check_ownership(open, schema));
    return run_migrations(open, schema);
  });
  if (!migrated.has_value()) return migrated.error();
  // A long log is slow to read. Others may read it now: then it stays.
  if (*migrated) connection.try_exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return {};
}

}  // namespace imgimport::db
