#include "db/sql_transaction.hpp"

#include <condition_variable>
#include <mutex>

#include "base/backoff.hpp"

namespace imgimport::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr BackoffPolicy kPauses{milliseconds(20), milliseconds(2'000)};
// Somebody else's row is there at the second look; more often only when many fight for the same rows.
constexpr int kMostRaces = 20;

}  // namespace

SqlAttempts::SqlAttempts(SqlPool& pool, const CallContext& context)
    : pool_(pool),
      context_(context),
      until_(context.deadline == steady_clock::time_point::max() ? steady_clock::now() + pool.options().retry_limit
                                                                 : context.deadline) {}

std::optional<Error> SqlAttempts::next(SqlVerdict verdict) {
  // A call that was ended from outside broke its own connection: that is no trouble of the database's. It did not keep
  // a connection from being made.
  if (auto alive = context_.check(); !alive.has_value()) {
    if (verdict.away) pool_.failed(verdict);
    return std::move(alive).error();
  }
  const int failed = failed_++;
  if (verdict.retry == SqlRetry::kAtOnce && failed < kMostRaces) return std::nullopt;
  const auto pause = backoff_delay(kPauses, failed, random_jitter(), std::nullopt);
  const bool is_worth_it = verdict.retry == SqlRetry::kLater && !pool_.is_away();
  if (!is_worth_it || steady_clock::now() + pause >= until_) {
    pool_.failed(verdict);
    return std::move(verdict.error);
  }
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, context_.stop, pause, [] { return false; });
  if (auto alive = context_.check(); !alive.has_value()) return std::move(alive).error();
  return std::nullopt;
}

SqlVerdict verdict_of_failure(SqlPool::Loan& loan, const SqlTarget& target) {
  SqlVerdict verdict;
  try {
    throw;
  } catch (const SqlFailure& failure) {
    verdict = judge(target, failure.fault());
  } catch (const std::exception& failure) {
    verdict.error = Error(ErrorCode::kInternal, failure.what());
  }
  if (!verdict.reconnect && loan->in_transaction()) loan->rollback();
  if (verdict.reconnect || !loan->is_alive()) loan.discard();
  return verdict;
}

void write_token(SqlSession& session, const SqlToken& token) {
  session.run(token.insert, {{"token", token.value}, {"at", token.at}});
}

// An insertion waits for the transaction in doubt, should the server still be at it.
bool is_written(SqlSession& session, const SqlTarget& target, const SqlToken& token) {
  try {
    write_token(session, token);
    return false;
  } catch (const SqlFailure& failure) {
    if (judge(target, failure.fault()).retry != SqlRetry::kAtOnce) throw;
    return true;
  }
}

}  // namespace imgimport::db
