// What an error means for the item it happened to: try again and when, defer, give up, or stop the whole job. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/backoff.hpp"
#include "imgimport/error.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

// With the back-off between two tries.
struct RetryPolicy : BackoffPolicy {
  std::int32_t max_attempts = 5;  // for faults of the file itself
  // For faults of its surroundings: from the first of them, and in waits between tries.
  std::chrono::milliseconds retry_for{3'600'000};
  std::chrono::milliseconds defer_for{6 *
                                      3'600'000};  // where the source refuses for hours and does not say for how long
};

// nullopt: the work was cancelled; the item stays as it is.
std::optional<Outcome> dispose(const RetryPolicy& policy, const JobId& job, const WorkItem& item, const Error& error,
                               Timestamp now, double jitter);

// Whether an object may lie under the key, or come to, although the put ended with this error: the answer is missing,
// or says nothing of the object.
bool may_be_stored(const Error& error_of_put) noexcept;

}  // namespace imgimport
