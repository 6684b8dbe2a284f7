// How long to wait before something is tried again. backoff_delay is pure; the caller brings the chance.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace imgimport {

struct BackoffPolicy {
  std::chrono::milliseconds base_delay{1'000};
  std::chrono::milliseconds max_delay{64'000};
};

// min(base × 2^n + jitter of up to one base, max), but never less than what the other side asked for. `n` counts from
// 0; `jitter` in [0, 1). (The back-off that Google's Drive documentation asks for.)
std::chrono::milliseconds backoff_delay(const BackoffPolicy& policy, std::int32_t n, double jitter,
                                        std::optional<std::chrono::milliseconds> retry_after);

// A jitter by chance.
double random_jitter();

}  // namespace imgimport
