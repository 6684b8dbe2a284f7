#include "db/sql_pool.hpp"

#include <algorithm>
#include <functional>

#include "base/log.hpp"

namespace imgimport::db {
namespace {

constexpr std::chrono::milliseconds kPingLimit{3'000};

SqlVerdict never(Error error) {
  return {std::move(error), SqlRetry::kNever, false};
}

}  // namespace

// Registered with the watcher for as long as the loan lasts.
struct SqlPool::Loan::Watched {
  Watched(SqlPool& owner, SqlSession& session, const CallContext& context)
      : pool(owner), call(owner.watch(session, context)), on_stop(context.stop, [this] { wake(); }) {}
  ~Watched() { pool.unwatch(call); }
  void wake() {
    {
      const std::lock_guard lock(pool.watch_mutex_);
      pool.wake_ = true;
    }
    pool.watch_changed_.notify_all();
  }

  SqlPool& pool;
  std::list<Call>::iterator call;
  std::stop_callback<std::function<void()>> on_stop;  // destroyed first, before the call is taken off the list
};

SqlPool::Loan::Loan(SqlPool& pool, std::unique_ptr<SqlSession> session, const CallContext& context)
    : pool_(&pool), session_(std::move(session)), watched_(std::make_unique<Watched>(pool, *session_, context)) {}

SqlPool::Loan::Loan(Loan&& other) noexcept = default;

SqlPool::Loan::~Loan() {
  if (!session_) return;  // moved from
  watched_.reset();
  pool_->put_back(std::move(session_), fate_);
}

SqlPool::SqlPool(SqlTarget target, const SqlPoolOptions& options)
    : target_(std::move(target)),
      options_(options),
      watcher_([this](const std::stop_token& stop) { run_watch(stop); }) {}

SqlPool::~SqlPool() {
  watcher_.request_stop();
  watcher_.join();
}

std::size_t SqlPool::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void SqlPool::answered() {
  if (!was_reached_.load(std::memory_order_relaxed)) was_reached_ = true;
  if (!away_.load(std::memory_order_relaxed) || !away_.exchange(false)) return;
  log_info("the database can be reached again", {{"database", target_.describe()}});
}

void SqlPool::failed(const SqlVerdict& verdict) {
  const bool is_news = !verdict.away || !away_.exchange(true);
  // Before the first answer, whoever opens the database says what is wrong.
  if (!is_news || !was_reached_.load() || !for_callers(verdict.error)) return;
  log_warning(verdict.away ? "the database cannot be reached" : "the database fails a call",
              {{"error", verdict.error.message()}, {"remedy", verdict.error.remedy()}});
}

// An idle connection, or the right to open one (nullopt).
Result<std::optional<SqlPool::Idle>> SqlPool::take(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  std::unique_lock lock(mutex_);
  const std::size_t most = std::max<std::size_t>(options_.keep + options_.overflow, 1);
  const auto free = [&] { return !idle_.empty() || open_ < most; };
  ++waiting_;
  const bool got = context.deadline == Clock::time_point::max()
                       ? freed_.wait(lock, context.stop, free)
                       : freed_.wait_until(lock, context.stop, context.deadline, free);
  --waiting_;
  if (!got) {
    if (context.stop.stop_requested()) return Error(ErrorCode::kCancelled, "the call was cancelled");
    return Error(ErrorCode::kUnavailable, "every connection to the database was busy for the time this call had")
        .with_reason("database_busy")
        .with_remedy("raise DB_POOL_SIZE or DB_MAX_OVERFLOW if the database server allows more connections");
  }
  if (idle_.empty()) {
    ++open_;
    return std::optional<Idle>();
  }
  // The one used last: the others may then go stale together, and are asked before use.
  std::optional<Idle> taken(std::move(idle_.back()));
  idle_.pop_back();
  if (taken->generation != generation_ || is_away()) taken->since = Clock::time_point::min();
  return taken;
}

bool SqlPool::is_usable(const Idle& idle, const CallContext& context) {
  if (!idle.session->is_alive()) return false;
  const bool fresh = idle.since != Clock::time_point::min() && Clock::now() - idle.since < options_.ping_after;
  if (fresh) return true;
  const CallContext limited = context.with_timeout(kPingLimit);
  const auto call = watch(*idle.session, limited);
  bool answers = true;
  try {
    idle.session->ping();
  } catch (const SqlFailure&) {
    answers = false;
  }
  unwatch(call);
  return answers;
}

std::pair<std::optional<SqlPool::Loan>, SqlVerdict> SqlPool::borrow(const CallContext& context) {
  auto taken = take(context);
  if (!taken.has_value()) return std::make_pair(std::nullopt, never(std::move(taken).error()));
  std::unique_ptr<SqlSession> session;
  if (taken->has_value() && is_usable(**taken, context)) session = std::move((**taken).session);
  try {
    taken->reset();  // a dead one is closed before it is replaced
    if (!session) session = std::make_unique<SqlSession>(target_);
    return std::make_pair(std::optional<Loan>(Loan(*this, std::move(session), context)), SqlVerdict{});
  } catch (const SqlFailure& failure) {
    give_up_slot();
    return std::make_pair(std::nullopt, judge(target_, failure.fault()));
  } catch (const std::exception& failure) {
    give_up_slot();
    return std::make_pair(std::nullopt, never(Error(ErrorCode::kInternal, failure.what())));
  }
}

void SqlPool::give_up_slot() {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  freed_.notify_one();
}

void SqlPool::put_back(std::unique_ptr<SqlSession> session, Loan::Fate fate) {
  {
    const std::lock_guard lock(mutex_);
    if (fate == Loan::Fate::kLost) ++generation_;
    const bool keeps = fate == Loan::Fate::kGood && (open_ <= options_.keep || waiting_ > 0);
    if (keeps) {
      idle_.push_back({std::move(session), Clock::now(), generation_});
    } else {
      --open_;
    }
  }
  freed_.notify_one();
}

std::list<SqlPool::Call>::iterator SqlPool::watch(SqlSession& session, const CallContext& context) {
  const auto deadline = std::min(context.deadline, Clock::now() + options_.call_limit);
  std::list<Call>::iterator call;
  {
    const std::lock_guard lock(watch_mutex_);
    const bool sooner = std::all_of(calls_.begin(), calls_.end(), [&](const Call& c) { return deadline < c.deadline; });
    call = calls_.insert(calls_.end(), {&session, deadline, context.stop});
    if (!sooner) return call;
    wake_ = true;
  }
  watch_changed_.notify_all();
  return call;
}

// Afterwards the session is not interrupted any more.
void SqlPool::unwatch(std::list<Call>::iterator call) {
  const std::lock_guard lock(watch_mutex_);
  calls_.erase(call);
}

void SqlPool::run_watch(const std::stop_token& stop) {
  std::unique_lock lock(watch_mutex_);
  while (!stop.stop_requested()) {
    const auto now = Clock::now();
    auto next = now + std::chrono::hours(1);
    for (Call& call : calls_) {
      if (!call.interrupted && (call.stop.stop_requested() || now >= call.deadline)) {
        call.session->interrupt();
        call.interrupted = true;
      }
      if (!call.interrupted) next = std::min(next, call.deadline);
    }
    watch_changed_.wait_until(lock, stop, next, [this] { return wake_; });
    wake_ = false;
  }
}

}  // namespace imgimport::db
