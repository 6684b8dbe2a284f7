#include "base/backoff.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace imgimport {

using std::chrono::milliseconds;

milliseconds backoff_delay(const BackoffPolicy& policy, std::int32_t n, double jitter,
                           std::optional<milliseconds> retry_after) {
  const std::int32_t doublings = std::clamp(n, 0, 20);  // 2^20 s is beyond any max_delay
  const auto exponential = policy.base_delay * (std::int64_t{1} << doublings);
  const auto spread = milliseconds(static_cast<std::int64_t>(static_cast<double>(policy.base_delay.count()) * jitter));
  const auto delay = std::min(exponential + spread, policy.max_delay);
  return std::max(delay, retry_after.value_or(milliseconds(0)));
}

double random_jitter() {
  return static_cast<double>(random_below(1'000)) / 1'000.0;
}

}  // namespace imgimport
