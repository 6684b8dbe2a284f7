// One connection to an SQLite file, with its prepared statements kept, and waits that observe a CallContext.
//
// Threading: used by one thread at a time (a Pool sees to that). Errors: failures of SQLite are thrown, to be caught by
// transact() (transaction.hpp), which makes an Error of them; nothing else may call these functions unguarded.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "db/sql.hpp"
#include "imgimport/call_context.hpp"

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace imgimport::db {

enum class Access : std::uint8_t {
  kWriter = 1,
  kReader,
  // Nobody else has the file open, nor can open it meanwhile; the first use fails (busy) if somebody has.
  // https://www.sqlite.org/pragma.html#pragma_locking_mode
  kAlone,
};
enum class ValueKind : std::uint8_t { kNull = 1, kInteger, kReal, kText, kBlob };
enum class Durability : std::uint8_t {
  kPowerCut = 1,  // synchronous=FULL: a commit survives a power cut
  kCrash,         // synchronous=NORMAL: the last commits may be lost with the power, never with the process
};

struct ConnectionOptions {
  std::string path;
  Access access = Access::kWriter;
  Durability durability = Durability::kPowerCut;
  std::int64_t cache_kib = 2048;
  // How long to wait for another process's transaction when the caller sets no deadline.
  std::chrono::milliseconds busy_limit{30'000};
};

struct BlobValue {
  std::string_view bytes;
};

class Connection;

// A prepared statement in use; put back, reset, at the end of its scope. Parameters count from 1, columns from 0.
class Query {
 public:
  Query(Connection& connection, SQLite::Statement& statement) : connection_(connection), statement_(statement) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds all parameters, in their order; the statement starts anew. An empty optional is NULL.
  template <class... Values>
  Query& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_value(++index, values), ...);
    return *this;
  }

  // The next row; false = there is none.
  bool next();
  // Runs to the end; returns how many rows were changed.
  int run();

  bool is_null(int column) const;
  ValueKind kind(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // of a blob, its bytes
  std::optional<std::int64_t> maybe_integer(int column) const;
  std::optional<double> maybe_real(int column) const;

 private:
  void reset();
  void bind_value(int index, std::nullopt_t);
  void bind_value(int index, std::int64_t value);
  void bind_value(int index, double value);
  void bind_value(int index, const std::string& value);
  void bind_value(int index, BlobValue value);
  template <class Integer>
  requires(std::integral<Integer> || std::is_enum_v<Integer>) void bind_value(int index, Integer value) {
    bind_value(index, static_cast<std::int64_t>(value));
  }
  template <class Value>
  void bind_value(int index, const std::optional<Value>& value) {
    value ? bind_value(index, *value) : bind_value(index, std::nullopt);
  }

  Connection& connection_;
  SQLite::Statement& statement_;
};

class Connection {
 public:
  // Opens (a writer creates the file) and sets what belongs to the connection alone; the file is not written.
  explicit Connection(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // REQUIRES: no other Query of the same statement is alive
  Query query(Sql sql);
  // One or several statements without parameters; for pragmas and migrations.
  void exec(const char* sql);
  // The same, its failure ignored; for a rollback.
  void try_exec(const char* sql) noexcept;
  std::int64_t last_id() const noexcept;
  bool in_transaction() const noexcept;

  // Whose call the connection serves now; nullptr = nobody's. Waits and long queries end with it.
  void serve(const CallContext* context) noexcept { context_ = context; }
  const CallContext* serving() const noexcept { return context_; }
  const std::string& path() const noexcept { return path_; }

 private:
  friend class Query;
  static int on_busy(void* self, int count);
  static int on_progress(void* self);

  const std::string path_;
  const std::chrono::milliseconds busy_limit_;
  std::chrono::steady_clock::time_point busy_since_;
  const CallContext* context_ = nullptr;
  std::unique_ptr<SQLite::Database> database_;
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;  // destroyed before database_
};

}  // namespace imgimport::db
