#include "db/connection.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace imgimport::db {
namespace {

// So many steps of SQLite's machine between two looks at the context: some ten microseconds.
constexpr int kStepsPerLook = 4000;
// The log is copied into the database when it holds so many pages (4 KiB each), and is cut to this size afterwards.
constexpr const char* kFilePragmas =
    "PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=33554432; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
    "PRAGMA secure_delete=OFF; PRAGMA trusted_schema=OFF;";

// SQLite counts every allocation under a process-wide mutex unless told not to before its first use: a few per cent of
// each commit, and a place where all connections meet.
void configure_sqlite_once() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);  // refused when SQLite is in use already: then it is merely slower
}

}  // namespace

Query::~Query() {
  statement_.tryReset();
}

void Query::reset() {
  statement_.reset();
}

bool Query::next() {
  return statement_.executeStep();
}

int Query::run() {
  while (statement_.executeStep()) {
  }
  return connection_.database_->getChanges();
}

bool Query::is_null(int column) const {
  return statement_.isColumnNull(column);
}
ValueKind Query::kind(int column) const {
  switch (statement_.getColumn(column).getType()) {
    case SQLITE_INTEGER:
      return ValueKind::kInteger;
    case SQLITE_FLOAT:
      return ValueKind::kReal;
    case SQLITE_TEXT:
      return ValueKind::kText;
    case SQLITE_BLOB:
      return ValueKind::kBlob;
    default:
      return ValueKind::kNull;
  }
}
std::int64_t Query::integer(int column) const {
  return statement_.getColumn(column).getInt64();
}
double Query::real(int column) const {
  return statement_.getColumn(column).getDouble();
}
std::string Query::text(int column) const {
  return statement_.getColumn(column).getString();
}

std::optional<std::int64_t> Query::maybe_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<double> Query::maybe_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

void Query::bind_value(int index, std::nullopt_t) {
  statement_.bind(index);
}
void Query::bind_value(int index, std::int64_t value) {
  statement_.bind(index, value);
}
void Query::bind_value(int index, double value) {
  statement_.bind(index, value);
}
void Query::bind_value(int index, const std::string& value) {
  statement_.bind(index, value);
}
void Query::bind_value(int index, BlobValue value) {
  statement_.bind(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
}

Connection::Connection(const ConnectionOptions& options) : path_(options.path), busy_limit_(options.busy_limit) {
  configure_sqlite_once();
  // One thread at a time uses a connection, so SQLite's own mutexes are left out.
  const int create = options.access == Access::kWriter ? SQLite::OPEN_CREATE : 0;
  database_ = std::make_unique<SQLite::Database>(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX | create);
  sqlite3_busy_handler(database_->getHandle(), &Connection::on_busy, this);
  sqlite3_progress_handler(database_->getHandle(), kStepsPerLook, &Connection::on_progress, this);
  if (options.access == Access::kAlone) exec("PRAGMA locking_mode=EXCLUSIVE");
  exec(kFilePragmas);
  exec(("PRAGMA cache_size=-" + std::to_string(options.cache_kib)).c_str());
  exec(options.durability == Durability::kPowerCut ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  if (options.access == Access::kReader) exec("PRAGMA query_only=ON");
}

Connection::~Connection() {
  context_ = nullptr;
}

Query Connection::query(Sql sql) {
  auto& statement = statements_[sql.text()];
  if (!statement) statement = std::make_unique<SQLite::Statement>(*database_, sql.text());
  return Query(*this, *statement);
}

void Connection::exec(const char* sql) {
  database_->exec(sql);
}
void Connection::try_exec(const char* sql) noexcept {
  database_->tryExec(sql);
}
std::int64_t Connection::last_id() const noexcept {
  return database_->getLastInsertRowid();
}
bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(database_->getHandle()) == 0;
}

// SQLite has no way to be told when another process ends its transaction: it must be asked again, and the pauses grow.
// A stop request ends the pause at once.
int Connection::on_busy(void* self, int count) {
  using std::chrono::milliseconds;
  auto& connection = *static_cast<Connection*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) connection.busy_since_ = now;
  auto until = connection.busy_since_ + connection.busy_limit_;
  std::stop_token stop;
  if (connection.context_ != nullptr) {
    stop = connection.context_->stop;
    if (connection.context_->deadline != std::chrono::steady_clock::time_point::max()) {
      until = connection.context_->deadline;
    }
  }
  if (now >= until || stop.stop_requested()) return 0;
  const auto pause = std::min<std::chrono::steady_clock::duration>(until - now, milliseconds(std::min(1 + count, 20)));
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, pause, [] { return false; });
  return stop.stop_requested() ? 0 : 1;
}

int Connection::on_progress(void* self) {
  const auto* context = static_cast<Connection*>(self)->context_;
  return context != nullptr && !context->check().has_value() ? 1 : 0;
}

}  // namespace imgimport::db
