// A budget of units per minute in this process: a token bucket that lowers its rate when the service asks for it
// (AIMD).
//
// TokenBucket is the arithmetic, without a clock or a thread; TokenBucketBudget makes callers wait by it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

#include "imgimport/rate_budget.hpp"

namespace imgimport {

// Not thread-safe. Times may not go back; the first call's is the beginning, with a full bucket.
//   rate       units_per_minute × a factor, which is 1 unless the service complained.
//   burst      what a second at the full rate gives: the most that an idle time saves up.
//   slow_down  the factor × 0.7, at most once a second, never below 1/20; what was saved up is gone.
//   recovery   the factor + 1/20 every 5 s after the last complaint.
class TokenBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // REQUIRES: units_per_minute > 0
  explicit TokenBucket(std::int64_t units_per_minute);

  // Takes the units and returns zero; or takes nothing and returns how long to wait before asking again. More units
  // than a burst may be asked for: they are given once the bucket is full, and paid off by the time that follows.
  Duration take(TimePoint now, std::int64_t units);
  void refund(TimePoint now, std::int64_t units);
  void slow_down(TimePoint now);
  double factor(TimePoint now);

 private:
  void advance(TimePoint now);
  double units_per_second() const noexcept { return full_rate_ * factor_; }

  const double full_rate_;  // units per second
  double factor_ = 1;
  double units_;  // negative: being paid off
  bool begun_ = false;
  TimePoint last_;
  TimePoint last_slow_down_ = TimePoint::min();
  TimePoint next_recovery_;  // where factor_ < 1
};

// Callers are served in the order in which they came; only the first of them has a time to wait for, the others wait
// for their turn. Waits observe the context's stop token and deadline.
class TokenBucketBudget final : public RateBudget {
 public:
  // 0: unlimited; nothing waits or takes a lock then, and complaints change nothing: each item backs off by itself.
  explicit TokenBucketBudget(std::int64_t units_per_minute);

  Result<void> acquire(const CallContext& context, std::int64_t units) override;
  void refund(std::int64_t units) override;
  void slow_down() override;

 private:
  struct Waiter {
    std::condition_variable_any wake;
    bool look_again = false;  // guarded by mutex_
  };
  static void wait(Waiter& waiter, std::unique_lock<std::mutex>& lock, const CallContext& context,
                   TokenBucket::TimePoint until);
  void wake_first();

  const bool unlimited_;
  std::mutex mutex_;
  TokenBucket bucket_;          // guarded by mutex_
  std::list<Waiter*> waiters_;  // guarded by mutex_; in order of arrival
};

}  // namespace imgimport
