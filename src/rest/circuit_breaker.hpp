// Keeps callers from waiting, each for itself, on a neighbour that is away: after some failures in a row calls are
// refused at once, and one at a time is let through to see whether it is back.
//
// Threading: every method from any thread. Time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace imgimport {

struct CircuitBreakerOptions {
  std::int32_t failures = 3;                   // in a row, that open it
  std::chrono::milliseconds try_again{1'000};  // after the last failure
  std::chrono::milliseconds patience{10'000};  // for the answer of the one that was let through
};

class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit CircuitBreaker(CircuitBreakerOptions options = {}) : options_(options) {}

  // Whether a call may go out now. What was allowed must be reported.
  bool allows(Time now);
  void succeeded();
  void failed(Time now);
  // Calls are refused, but for the ones that are let through.
  bool is_open() const;

 private:
  const CircuitBreakerOptions options_;
  mutable std::mutex mutex_;   // guards all below
  std::int32_t in_a_row_ = 0;  // failures since the last success
  Time next_try_{};            // while open
};

}  // namespace imgimport
