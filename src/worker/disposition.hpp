// What an error means for the item it happened to: try again and when, defer, give up, or stop the whole job. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "imgimport/error.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

struct RetryPolicy {
  std::int32_t max_attempts = 5;                   // for faults of the file itself
  std::chrono::milliseconds retry_for{3'600'000};  // for faults of its surroundings, from the first of them
  std::chrono::milliseconds base_delay{1'000};     // of the exponential back-off
  std::chrono::milliseconds max_delay{64'000};
  std::chrono::milliseconds defer_for{6 *
                                      3'600'000};  // where the source refuses for hours and does not say for how long
};

// min(base × 2^n + jitter of up to one base, max), but never less than what the other side asked for. `n` counts from
// 0; `jitter` in [0, 1). (The back-off that Google's Drive documentation asks for.)
std::chrono::milliseconds backoff_delay(const RetryPolicy& policy, std::int32_t n, double jitter,
                                        std::optional<std::chrono::milliseconds> retry_after);

// nullopt: the work was cancelled; the item stays as it is.
std::optional<Outcome> dispose(const RetryPolicy& policy, const JobId& job, const WorkItem& item, const Error& error,
                               Timestamp now, double jitter);

}  // namespace imgimport
