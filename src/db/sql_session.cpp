#include "db/sql_session.hpp"

#include <poll.h>
#include <soci/odbc/soci-odbc.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <mutex>
#include <unordered_map>

#include "base/log.hpp"

namespace imgimport::db {
namespace {

constexpr Sql kPing = "SELECT 1";
// A client that hangs in a transaction must not keep its locks for ever.
constexpr std::array<const char*, 3> kPostgresSettings = {
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET idle_in_transaction_session_timeout = 120000",
    "SET client_min_messages = warning",
};
// https://learn.microsoft.com/en-us/sql/t-sql/statements/set-xact-abort-transact-sql
// Filtered indexes ask for the others, which not every driver sets:
// https://learn.microsoft.com/en-us/sql/t-sql/statements/create-index-transact-sql#required-set-options-for-filtered-indexes
constexpr std::array<const char*, 4> kSqlServerSettings = {
    "SET XACT_ABORT ON",
    "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER ON",
    "SET NUMERIC_ROUNDABORT OFF",
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
};

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

SqlFault fault_of(const soci::soci_error& error) {
  SqlFault fault;
  fault.text = error.what();
  if (const auto* postgres = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
    fault.sqlstate = postgres->sqlstate();
    fault.connection_lost = error.get_error_category() == soci::soci_error::connection_error;
  } else if (const auto* odbc = dynamic_cast<const soci::odbc_soci_error*>(&error)) {
    fault.sqlstate = reinterpret_cast<const char*>(odbc->odbc_error_code());
    fault.native = odbc->native_error_code();
  }
  if (!is_sqlstate(fault.sqlstate)) fault.sqlstate.clear();
  return fault;
}

// soci drops state and number when the driver's message is longer than its buffer.
void read_odbc_state(SQLHSTMT statement, SqlFault& fault) {
  std::array<SQLCHAR, 6> state{};
  SQLINTEGER native = 0;
  SQLSMALLINT length = 0;
  const SQLRETURN found = SQLGetDiagRecA(SQL_HANDLE_STMT, statement, 1, state.data(), &native, nullptr, 0, &length);
  if (!SQL_SUCCEEDED(found)) return;
  fault.sqlstate = reinterpret_cast<const char*>(state.data());
  fault.native = native;
}

// Where a connection fails, soci 4.0 keeps libpq's (18 KiB) for ever. So while none has succeeded since the last
// failure, one of our own goes first, and gives the error.
std::atomic<bool> postgres_answers{false};

void try_connection(const std::string& parameters) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(parameters.c_str()), &PQfinish);
  if (PQstatus(connection.get()) == CONNECTION_OK) return;
  SqlFault fault;
  fault.text = PQerrorMessage(connection.get());
  fault.connecting = true;
  fault.connection_lost = true;
  throw SqlFailure(std::move(fault));
}

struct Slot {
  std::string name;
  long long integer = 0;
  std::string text;
};

// Whether the other end has closed its half, which a server does that ends a connection.
bool is_hung_up(int socket) noexcept {
  pollfd state{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) != 0;
}

}  // namespace

struct SqlSession::Statement {
  explicit Statement(soci::session& session) : statement(session) {}
  soci::statement statement;
  std::vector<Slot> slots;  // never resized: soci keeps references into it
  std::string text;
  soci::indicator null = soci::i_ok;
};

class SqlSession::Backend {
 public:
  explicit Backend(const SqlTarget& target) : is_odbc(target.access == SqlAccess::kOdbc) {
    try {
      if (is_odbc) {
        soci::connection_parameters parameters(soci::odbc, odbc_string(target));
        // Never ask a person in a window.
        parameters.set_option(soci::odbc_option_driver_complete, std::to_string(SQL_DRIVER_NOPROMPT));
        // psqlodbc asks setlocale() for the locale as it connects, which frees under another thread what that one
        // reads.
        static std::mutex connecting;
        std::unique_lock one_at_a_time(connecting, std::defer_lock);
        if (target.product == SqlProduct::kPostgres) one_at_a_time.lock();
        session.open(parameters);
      } else {
        open_postgres(libpq_string(target));
        connection = static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
        socket = PQsocket(connection);
        // libpq would write them to standard error.
        PQsetNoticeProcessor(
            connection,
            [](void*, const char* notice) {
              log_debug("PostgreSQL notice", {{"text", notice}});
            },
            nullptr);
      }
      const auto apply = [&](const auto& settings) {
        for (const char* text : settings) session << text;
      };
      target.product == SqlProduct::kPostgres ? apply(kPostgresSettings) : apply(kSqlServerSettings);
    } catch (const soci::soci_error& error) {
      if (!is_odbc) postgres_answers = false;
      SqlFault fault = fault_of(error);
      fault.connecting = true;
      fault.connection_lost = true;
      throw SqlFailure(std::move(fault));
    }
  }

  void open_postgres(const std::string& parameters) {
    if (!postgres_answers.load()) try_connection(parameters);
    session.open(soci::postgresql, parameters);
    postgres_answers = true;
  }

  // Runs `work`, making a SqlFailure of what soci throws.
  template <class Work>
  auto guarded(Work&& work) {
    try {
      return work();
    } catch (const soci::soci_error& error) {
      const SQLHSTMT statement = running.exchange(nullptr);
      SqlFault fault = fault_of(error);
      if (statement != nullptr && fault.sqlstate == "01000") read_odbc_state(statement, fault);
      fault.connection_lost = fault.connection_lost || !is_alive();
      throw SqlFailure(std::move(fault));
    }
  }

  bool is_alive() noexcept {
    try {
      // soci would ask the server, which costs a round trip, and for ever where that hangs.
      if (connection != nullptr) return PQstatus(connection) == CONNECTION_OK && !is_hung_up(socket);
      return session.is_connected();
    } catch (...) {
      return false;
    }
  }

  static soci::odbc_statement_backend& odbc(Statement& statement) {
    return *static_cast<soci::odbc_statement_backend*>(statement.statement.get_backend());
  }

  const bool is_odbc;
  PGconn* connection = nullptr;  // of PostgreSQL without ODBC, as is the socket
  int socket = -1;
  soci::session session;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements;  // destroyed before the session
  std::atomic<SQLHSTMT> running{nullptr};                                  // of ODBC
};

namespace {

// soci would read a long text into a buffer of 100 MB for each column, and cut what does not fit.
std::string odbc_text(SQLHSTMT statement) {
  std::string text;
  std::array<char, 8192> part{};
  while (true) {
    SQLLEN length = 0;
    const SQLRETURN result = SQLGetData(statement, 1, SQL_C_CHAR, part.data(), part.size(), &length);
    if (result == SQL_NO_DATA || length == SQL_NULL_DATA) return text;
    if (!SQL_SUCCEEDED(result)) throw soci::odbc_soci_error(SQL_HANDLE_STMT, statement, "reading a column");
    const auto room = static_cast<SQLLEN>(part.size()) - 1;
    const bool more = result == SQL_SUCCESS_WITH_INFO && (length == SQL_NO_TOTAL || length > room);
    text.append(part.data(), static_cast<std::size_t>(more ? room : length));
    if (!more) return text;
  }
}

}  // namespace

SqlSession::SqlSession(const SqlTarget& target) : backend_(std::make_unique<Backend>(target)) {}

SqlSession::~SqlSession() = default;

SqlSession::Statement& SqlSession::prepared(Sql sql, SqlArguments arguments, Gives gives) {
  auto found = backend_->statements.find(sql.text());
  if (found == backend_->statements.end()) {
    auto fresh = std::make_unique<Statement>(backend_->session);
    fresh->slots.resize(arguments.size());
    auto slot = fresh->slots.begin();
    fresh->statement.alloc();
    fresh->statement.prepare(sql.text());
    for (const SqlArgument& argument : arguments) {
      slot->name = argument.name;
      if (std::holds_alternative<std::string>(argument.value)) {
        fresh->statement.exchange(soci::use(slot->text, slot->name));
      } else {
        fresh->statement.exchange(soci::use(slot->integer, slot->name));
      }
      ++slot;
    }
    if (gives == Gives::kTexts && !backend_->is_odbc) fresh->statement.exchange(soci::into(fresh->text, fresh->null));
    fresh->statement.define_and_bind();
    found = backend_->statements.emplace(sql.text(), std::move(fresh)).first;
  }
  auto slot = found->second->slots.begin();
  for (const SqlArgument& argument : arguments) {
    if (const auto* text = std::get_if<std::string>(&argument.value)) {
      slot->text = *text;
    } else {
      slot->integer = std::get<std::int64_t>(argument.value);
    }
    ++slot;
  }
  return *found->second;
}

std::vector<std::string> SqlSession::texts(Sql sql, SqlArguments arguments) {
  return backend_->guarded([&] {
    Statement& kept = prepared(sql, arguments, Gives::kTexts);
    std::vector<std::string> rows;
    if (!backend_->is_odbc) {
      for (bool more = kept.statement.execute(true); more; more = kept.statement.fetch()) {
        if (kept.null == soci::i_ok) rows.push_back(std::move(kept.text));
      }
      return rows;
    }
    auto& odbc = Backend::odbc(kept);
    backend_->running = odbc.hstmt_;
    bool more = kept.statement.execute(true);
    while (more) {
      rows.push_back(odbc_text(odbc.hstmt_));
      more = odbc.fetch(1) == soci::details::statement_backend::ef_success;
    }
    backend_->running = nullptr;
    SQLFreeStmt(odbc.hstmt_, SQL_CLOSE);
    return rows;
  });
}

std::optional<std::int64_t> SqlSession::integer(Sql sql, SqlArguments arguments) {
  const auto rows = texts(sql, arguments);
  if (rows.empty() || rows.front().empty()) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(rows.front().data(), rows.front().data() + rows.front().size(), value);
  return value;
}

std::int64_t SqlSession::run(Sql sql, SqlArguments arguments) {
  return backend_->guarded([&]() -> std::int64_t {
    Statement& kept = prepared(sql, arguments, Gives::kNothing);
    if (backend_->is_odbc) backend_->running = Backend::odbc(kept).hstmt_;
    kept.statement.execute(true);
    const auto changed = kept.statement.get_affected_rows();
    backend_->running = nullptr;
    return std::max<std::int64_t>(changed, 0);
  });
}

void SqlSession::exec(Sql sql) {
  backend_->guarded([&] { backend_->session << sql.text(); });
}

void SqlSession::begin() {
  backend_->guarded([&] { backend_->session.begin(); });
  in_transaction_ = true;
}

void SqlSession::commit() {
  in_transaction_ = false;
  backend_->guarded([&] { backend_->session.commit(); });
}

void SqlSession::rollback() noexcept {
  in_transaction_ = false;
  try {
    backend_->session.rollback();
  } catch (...) {
    interrupt();
  }
}

bool SqlSession::is_alive() noexcept {
  return backend_->is_alive();
}

void SqlSession::ping() {
  integer(kPing);
}

// Asking the server to cancel would take another connection, and does not help against a server that hangs.
void SqlSession::interrupt() noexcept {
  if (backend_->socket >= 0) {
    ::shutdown(backend_->socket, SHUT_RDWR);
  } else if (SQLHSTMT statement = backend_->running.load(); statement != nullptr) {
    SQLCancel(statement);
  }
}

}  // namespace imgimport::db
