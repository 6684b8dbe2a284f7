// One budget of units per minute for all processes that share a Redis: a token bucket that lives there and runs by
// Redis's clock (so that clocks that disagree do not matter), with TokenBucket's arithmetic (base/rate_budget.hpp).
//
// A process takes what is there, up to what its callers wait for, and asks again until they have it: units are granted
// in blocks, one question serves all waiting threads, and processes that compete get about as much each. The bucket
// never goes below zero, and begins empty: from its beginning to any moment, no more is granted than the rate allows.
//
// While Redis is away, each process goes on by itself with its share: one part in as many as there were processes at
// the last answer, but never more than `lone_share`, since others may have started meanwhile.
//
// Keys: imgimport:{budget}:<name> (hash) and imgimport:{budget}:<name>:members (sorted set: process → last seen).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "base/rate_budget.hpp"
#include "imgimport/rate_budget.hpp"
#include "redis/client.hpp"

namespace imgimport {

struct RedisBudgetOptions {
  std::string name = "drive";  // of what the budget is for
  std::string member;          // this process; unique
  std::int64_t units_per_minute = 0;
  double lone_share = 0.5;     // of the rate, at most, while Redis is away
  double unknown_share = 0.1;  // where Redis has not answered once
};

// Threading: all methods from any thread. Callers of one process are served in the order in which they came.
class RedisBudget final : public RateBudget {
 public:
  // REQUIRES: options.units_per_minute > 0; `redis` outlives it
  RedisBudget(RedisBudgetOptions options, RedisClient& redis);

  Result<void> acquire(const CallContext& context, std::int64_t units) override;
  // For the next caller of this process.
  void refund(std::int64_t units) override;
  // For all processes. Waits for Redis, for a second at most.
  void slow_down() override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Waiter {
    std::int64_t units;
    std::condition_variable_any wake;
    bool look_again = false;  // guarded by mutex_
  };
  struct Grant {
    std::int64_t units = 0;
    std::chrono::steady_clock::duration pause{};  // until there may be more
  };

  Grant ask(const CallContext& context, std::int64_t needed, std::int64_t wanted);
  Grant ask_myself(std::int64_t needed);
  std::int64_t wanted() const;
  void forget_old_stock(TimePoint now);
  void wait(Waiter& waiter, std::unique_lock<std::mutex>& lock, const CallContext& context, TimePoint until);
  void wake_first();

  const RedisBudgetOptions options_;
  const double full_rate_;  // units per second
  RedisClient& redis_;

  std::mutex mutex_;            // never held across I/O
  std::list<Waiter*> waiters_;  // guarded by mutex_; in order of arrival. The first alone asks for more
  std::int64_t stock_ = 0;      // guarded by mutex_: granted, and not spent
  TimePoint stocked_;           // guarded by mutex_: when the stock was last touched
  TimePoint slowed_down_;       // guarded by mutex_: by a caller of this process

  // guarded by mutex_: what Redis said last
  std::int64_t members_ = 0;  // 0: nothing yet
  double factor_ = 1;
  std::optional<TokenBucket> alone_;  // guarded by mutex_; while Redis is away
};

}  // namespace imgimport
