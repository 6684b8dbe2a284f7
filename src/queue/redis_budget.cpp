#include "queue/redis_budget.hpp"

#include <algorithm>
#include <cmath>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kShortestPause{5};
constexpr milliseconds kLongestPause{100};  // so that a lowered rate, and the others' turns, are seen soon
constexpr std::chrono::seconds kSlowDownPause{1};
constexpr std::chrono::seconds kStockLasts{1};
// Of a second's units: what one question asks for beyond its first caller's need.
constexpr double kBlockSeconds = 0.25;

// Both: KEYS bucket members; ARGV units_per_minute, then of take: wanted member; of slow_down nothing.
// The bucket: units, last (µs), factor, recover (µs: the next step of the recovery), slowed (µs). Piece by piece, for
// the rate changes with each step. %.17g keeps a double as it is.
constexpr std::string_view kAdvance = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rate = ARGV[1] / 60
local b = redis.call('HMGET', KEYS[1], 'units', 'last', 'factor', 'recover', 'slowed')
local units, last = tonumber(b[1]) or 0, math.min(tonumber(b[2]) or now, now)
local factor, recover, slowed = tonumber(b[3]) or 1, tonumber(b[4]) or 0, tonumber(b[5]) or 0
if slowed > now then slowed = 0 end
if recover > now + 5000000 then recover = now + 5000000 end
while last < now do
  local step = factor < 1 and recover <= now
  local upto = step and math.max(recover, last) or now
  units = units + (upto - last) / 1000000 * rate * factor
  last = upto
  if step then
    factor = math.min(1, factor + 0.05)
    recover = recover + 5000000
  end
end
units = math.min(units, math.max(rate, 1))
local function keep()
  local function exact(x) return string.format('%.17g', x) end
  redis.call('HSET', KEYS[1], 'units', exact(units), 'last', exact(now), 'factor', exact(factor),
             'recover', exact(recover), 'slowed', exact(slowed))
  redis.call('PEXPIRE', KEYS[1], 3600000)
end
)lua";
constexpr std::string_view kTakeRest = R"lua(
local granted = math.max(0, math.min(tonumber(ARGV[2]), math.floor(units)))
units = units - granted
keep()
redis.call('ZADD', KEYS[2], now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 10000000)
redis.call('PEXPIRE', KEYS[2], 60000)
return {granted, math.floor(factor * 1000000 + 0.5), redis.call('ZCARD', KEYS[2])}
)lua";
constexpr std::string_view kSlowDownRest = R"lua(
if now - slowed < 1000000 then return end
slowed = now
factor = math.max(0.05, factor * 0.7)
recover = now + 5000000
units = math.min(units, 0)
keep()
)lua";

const RedisScript& take_script() {
  static const std::string text = std::string(kAdvance) + std::string(kTakeRest);
  static const RedisScript script{text};
  return script;
}

const RedisScript& slow_down_script() {
  static const std::string text = std::string(kAdvance) + std::string(kSlowDownRest);
  static const RedisScript script{text};
  return script;
}

std::vector<std::string> keys_of(const std::string& name) {
  const std::string bucket = "imgimport:{budget}:" + name;
  return {bucket, bucket + ":members"};
}

}  // namespace

RedisBudget::RedisBudget(RedisBudgetOptions options, RedisClient& redis)
    : options_(std::move(options)), full_rate_(static_cast<double>(options_.units_per_minute) / 60), redis_(redis) {}

Result<void> RedisBudget::acquire(const CallContext& context, std::int64_t units) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  if (units <= 0) return {};
  Waiter waiter{.units = units};
  std::unique_lock lock(mutex_);
  if (waiters_.empty()) forget_old_stock(steady_clock::now());
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  Result<void> result;
  for (;;) {
    TimePoint until = context.deadline;
    if (place == waiters_.begin()) {
      if (stock_ < units) {
        const std::int64_t needed = units - stock_;
        const std::int64_t all = wanted();
        lock.unlock();
        const Grant grant = ask(context, needed, all);
        lock.lock();
        stock_ += grant.units;
        stocked_ = steady_clock::now();
        until = std::min(until, stocked_ + grant.pause);
      }
      if (stock_ >= units) {
        stock_ -= units;
        break;
      }
    }
    result = context.check();
    if (!result.has_value()) break;
    wait(waiter, lock, context, until);
    result = context.check();
    if (!result.has_value()) break;
  }
  waiters_.erase(place);
  wake_first();
  return result;
}

// REQUIRES: mutex_ is held
std::int64_t RedisBudget::wanted() const {
  std::int64_t all = -stock_;
  for (const Waiter* waiter : waiters_) all += waiter->units;
  const auto block = static_cast<std::int64_t>(full_rate_ * kBlockSeconds);
  return std::min(all, std::max(waiters_.front()->units - stock_, block));
}

// What lies about is as good as spent after a while, as the bucket's own overflow is: or processes that wake up
// together would spend more in one second than the rate allows.
// REQUIRES: mutex_ is held
void RedisBudget::forget_old_stock(TimePoint now) {
  if (now - stocked_ > kStockLasts) stock_ = 0;
}

RedisBudget::Grant RedisBudget::ask(const CallContext& context, std::int64_t needed, std::int64_t wanted) {
  const auto reply = redis_.eval(context, take_script(), keys_of(options_.name),
                                 {std::to_string(options_.units_per_minute), std::to_string(wanted), options_.member});
  const std::lock_guard lock(mutex_);
  if (!reply.has_value()) {
    const ErrorCode code = reply.error().code();
    if (code == ErrorCode::kCancelled || code == ErrorCode::kDeadlineExceeded) return {};
    return ask_myself(needed);
  }
  alone_.reset();
  factor_ = static_cast<double>(reply->at(1).integer) / 1e6;
  members_ = std::max<std::int64_t>(reply->at(2).integer, 1);
  const std::int64_t granted = reply->at(0).integer;
  const double missing = static_cast<double>(std::max<std::int64_t>(needed - granted, 0));
  const double seconds = missing * static_cast<double>(members_) / (full_rate_ * factor_);
  const auto pause = milliseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, 1.0) * 1'000)));
  return {granted, std::clamp(pause, kShortestPause, kLongestPause)};
}

// The same, from this process's share. It begins empty: what the bucket held may have been spent by others.
// REQUIRES: mutex_ is held
RedisBudget::Grant RedisBudget::ask_myself(std::int64_t needed) {
  const auto now = steady_clock::now();
  if (!alone_) {
    const double share =
        members_ == 0 ? options_.unknown_share : std::min(options_.lone_share, 1.0 / static_cast<double>(members_));
    const double rate = static_cast<double>(options_.units_per_minute) * share * factor_;
    alone_.emplace(std::max<std::int64_t>(static_cast<std::int64_t>(rate), 1));
    alone_->take(now, std::max<std::int64_t>(static_cast<std::int64_t>(rate / 60), 1));
    log_info("the budget is kept by each process for itself while Redis is away",
             {{"budget", options_.name}, {"units_per_minute", static_cast<std::int64_t>(rate)}});
  }
  const auto pause = alone_->take(now, needed);
  if (pause == TokenBucket::Duration::zero()) return {needed, {}};
  return {0, std::clamp<steady_clock::duration>(pause, kShortestPause, kLongestPause)};
}

// Until it is woken, stopped, or `until` has come.
void RedisBudget::wait(Waiter& waiter, std::unique_lock<std::mutex>& lock, const CallContext& context,
                       TimePoint until) {
  const auto woken = [&] { return waiter.look_again; };
  if (until == TimePoint::max()) {
    waiter.wake.wait(lock, context.stop, woken);
  } else {
    waiter.wake.wait_until(lock, context.stop, until, woken);
  }
  waiter.look_again = false;
}

// REQUIRES: mutex_ is held
void RedisBudget::wake_first() {
  if (waiters_.empty()) return;
  waiters_.front()->look_again = true;
  waiters_.front()->wake.notify_one();
}

void RedisBudget::refund(std::int64_t units) {
  if (units <= 0) return;
  const std::lock_guard lock(mutex_);
  stock_ += units;
  stocked_ = steady_clock::now();
  wake_first();
}

void RedisBudget::slow_down() {
  {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (slowed_down_ != TimePoint() && now - slowed_down_ < kSlowDownPause) return;
    slowed_down_ = now;
    stock_ = 0;
    if (alone_) alone_->slow_down(now);
  }
  const auto told = redis_.eval(CallContext{}, slow_down_script(), keys_of(options_.name),
                                {std::to_string(options_.units_per_minute)});
  if (!told.has_value()) log_debug("the others were not told to slow down", {{"error", told.error().message()}});
}

}  // namespace imgimport
