#include "base/rate_budget.hpp"

#include <algorithm>
#include <cmath>

namespace imgimport {
namespace {

constexpr std::chrono::seconds kSlowDownPause{1};
constexpr std::chrono::seconds kRecoveryStep{5};
constexpr double kSlowDownFactor = 0.7;
constexpr double kRecovery = 0.05;
constexpr double kLowestFactor = 0.05;
constexpr double kBurstSeconds = 1;

double seconds(TokenBucket::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

TokenBucket::TokenBucket(std::int64_t units_per_minute)
    : full_rate_(static_cast<double>(units_per_minute) / 60), units_(full_rate_ * kBurstSeconds) {}

// Piece by piece, for the rate changes with each step of the recovery.
void TokenBucket::advance(TimePoint now) {
  if (!begun_) {
    begun_ = true;
    last_ = now;
  }
  while (last_ < now) {
    const bool step = factor_ < 1 && next_recovery_ <= now;
    const TimePoint until = step ? std::max(next_recovery_, last_) : now;
    units_ += seconds(until - last_) * units_per_second();
    last_ = until;
    if (step) {
      factor_ = std::min(1.0, factor_ + kRecovery);
      next_recovery_ += kRecoveryStep;
    }
  }
  units_ = std::min(units_, full_rate_ * kBurstSeconds);
}

TokenBucket::Duration TokenBucket::take(TimePoint now, std::int64_t units) {
  advance(now);
  const double burst = full_rate_ * kBurstSeconds;
  const double needed = std::min(static_cast<double>(units), burst);
  // A thousandth of a unit is rounding, and not worth another wait.
  const double missing = needed - units_;
  if (missing <= 1e-3) {
    units_ -= static_cast<double>(units);
    return Duration::zero();
  }
  const double wait = std::ceil(missing / units_per_second() * 1e9);
  const Duration whole = std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(wait, 1e15)));
  // The rate is higher after the next step of recovery: look again then.
  return factor_ < 1 ? std::min(whole, std::max<Duration>(next_recovery_ - now, std::chrono::milliseconds(1))) : whole;
}

void TokenBucket::refund(TimePoint now, std::int64_t units) {
  advance(now);
  units_ = std::min(units_ + static_cast<double>(units), full_rate_ * kBurstSeconds);
}

void TokenBucket::slow_down(TimePoint now) {
  advance(now);
  if (last_slow_down_ != TimePoint::min() && now - last_slow_down_ < kSlowDownPause) return;
  last_slow_down_ = now;
  factor_ = std::max(kLowestFactor, factor_ * kSlowDownFactor);
  next_recovery_ = now + kRecoveryStep;
  units_ = std::min(units_, 0.0);
}

double TokenBucket::factor(TimePoint now) {
  advance(now);
  return factor_;
}

TokenBucketBudget::TokenBucketBudget(std::int64_t units_per_minute)
    : unlimited_(units_per_minute <= 0), bucket_(std::max<std::int64_t>(units_per_minute, 1)) {}

Result<void> TokenBucketBudget::acquire(const CallContext& context, std::int64_t units) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  if (unlimited_ || units <= 0) return {};
  Waiter waiter;
  std::unique_lock lock(mutex_);
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  Result<void> result;
  for (;;) {
    auto until = context.deadline;
    if (place == waiters_.begin()) {
      const auto now = std::chrono::steady_clock::now();
      const auto pause = bucket_.take(now, units);
      if (pause == TokenBucket::Duration::zero()) break;
      until = std::min(until, now + pause);
    }
    wait(waiter, lock, context, until);
    result = context.check();
    if (!result.has_value()) break;
  }
  waiters_.erase(place);
  wake_first();
  return result;
}

// Until it is woken, stopped, or `until` has come.
void TokenBucketBudget::wait(Waiter& waiter, std::unique_lock<std::mutex>& lock, const CallContext& context,
                             TokenBucket::TimePoint until) {
  const auto woken = [&] { return waiter.look_again; };
  if (until == TokenBucket::TimePoint::max()) {
    waiter.wake.wait(lock, context.stop, woken);
  } else {
    waiter.wake.wait_until(lock, context.stop, until, woken);
  }
  waiter.look_again = false;
}

// REQUIRES: mutex_ is held
void TokenBucketBudget::wake_first() {
  if (waiters_.empty()) return;
  waiters_.front()->look_again = true;
  waiters_.front()->wake.notify_one();
}

void TokenBucketBudget::refund(std::int64_t units) {
  if (unlimited_ || units <= 0) return;
  std::lock_guard lock(mutex_);
  bucket_.refund(std::chrono::steady_clock::now(), units);
  wake_first();
}

void TokenBucketBudget::slow_down() {
  if (unlimited_) return;
  std::lock_guard lock(mutex_);
  bucket_.slow_down(std::chrono::steady_clock::now());
}

}  // namespace imgimport
