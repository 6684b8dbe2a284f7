#include "db/transaction.hpp"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include "db/error.hpp"

namespace imgimport::db {
namespace {

bool is_interrupt() {
  try {
    throw;
  } catch (const SQLite::Exception& e) {
    return (e.getErrorCode() & 0xff) == SQLITE_INTERRUPT;
  } catch (...) {
    return false;
  }
}

}  // namespace

Transaction::Transaction(Connection& connection, TransactionKind kind) : connection_(connection) {
  if (kind == TransactionKind::kRead) {
    connection_.query("BEGIN").run();
  } else {
    connection_.query("BEGIN IMMEDIATE").run();
  }
}

Transaction::~Transaction() {
  if (!connection_.in_transaction()) return;  // committed, or SQLite rolled back itself (disk full, I/O error)
  const CallContext* context = connection_.serving();
  connection_.serve(nullptr);  // a caller that is gone must not interrupt the rollback
  connection_.try_exec("ROLLBACK");
  connection_.serve(context);
}

void Transaction::commit() {
  connection_.query("COMMIT").run();
}

Error error_of_call(const Connection& connection) {
  if (const CallContext* context = connection.serving(); context != nullptr) {
    if (context->stop.stop_requested() || is_interrupt()) {
      if (auto alive = context->check(); !alive.has_value()) return std::move(alive).error();
    }
  }
  return current_error(connection.path());
}

}  // namespace imgimport::db
