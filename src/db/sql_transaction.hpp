// Work inside one transaction on a server, as a Result: success commits, an Error rolls back. Transient failures of the
// server or the network repeat the whole transaction, with growing pauses, until the context's deadline; once the
// server is known to be away (SqlPool::is_away), a call tries once and gives up: what waits for it, waits elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "db/sql_pool.hpp"

namespace imgimport::db {

enum class SqlScope : std::uint8_t {
  kStatements = 1,  // each statement sees what is committed by then; for reads
  kTransaction,
};

// When the connection breaks while COMMIT is under way, nobody knows whether it happened. A transaction that may not
// happen twice writes a token down first; it is repeated only if the token is not there.
struct SqlToken {
  Sql insert;  // takes :token and :at; fails on a token that is there
  std::string value;
  std::int64_t at = 0;
};

// Decides, for one call, whether and when a failed attempt is repeated.
class SqlAttempts {
 public:
  SqlAttempts(SqlPool& pool, const CallContext& context);
  // Waits for the pause and returns nothing, or the error with which to give up.
  std::optional<Error> next(SqlVerdict verdict);
  int failed() const noexcept { return failed_; }

 private:
  SqlPool& pool_;
  const CallContext& context_;
  const std::chrono::steady_clock::time_point until_;
  int failed_ = 0;
};

// What the exception being handled means; the connection is given up if it is of no use. REQUIRES: in a catch block
SqlVerdict verdict_of_failure(SqlPool::Loan& loan, const SqlTarget& target);

// True: the token is there already. REQUIRES: in a transaction, which is over then
bool is_written(SqlSession& session, const SqlTarget& target, const SqlToken& token);
void write_token(SqlSession& session, const SqlToken& token);

// `work` takes the session and returns a Result. It may be called several times.
template <class Work>
std::invoke_result_t<Work, SqlSession&> transact_sql(SqlPool& pool, const CallContext& context, SqlScope scope,
                                                     Work&& work, const SqlToken* token = nullptr) {
  using Outcome = std::invoke_result_t<Work, SqlSession&>;
  SqlAttempts attempts(pool, context);
  std::optional<Outcome> in_doubt;  // of an attempt that failed in its COMMIT
  while (true) {
    auto [loan, refused] = pool.borrow(context);
    if (!loan) {
      if (auto error = attempts.next(std::move(refused))) return *std::move(error);
      continue;
    }
    SqlVerdict verdict;
    try {
      if (scope == SqlScope::kStatements) {
        auto outcome = std::invoke(work, **loan);
        pool.answered();
        return outcome;
      }
      (*loan)->begin();
      if (token != nullptr) {
        if (in_doubt) {
          if (is_written(**loan, pool.target(), *token)) {
            (*loan)->rollback();
            return *std::move(in_doubt);
          }
          in_doubt.reset();
        } else {
          write_token(**loan, *token);
        }
      }
      auto outcome = std::invoke(work, **loan);
      pool.answered();
      if (!outcome.has_value()) {
        (*loan)->rollback();
        return outcome;
      }
      if (token != nullptr) in_doubt = outcome;
      (*loan)->commit();
      return outcome;
    } catch (...) {
      verdict = verdict_of_failure(*loan, pool.target());
    }
    loan.reset();
    if (auto error = attempts.next(std::move(verdict))) return *std::move(error);
  }
}

}  // namespace imgimport::db
