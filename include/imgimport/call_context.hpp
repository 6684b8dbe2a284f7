// What every blocking call gets first: how to stop it, until when it may take, and on whose behalf it runs.
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string>

#include "imgimport/result.hpp"

namespace imgimport {

// Cheap to copy apart from request_id. Every wait inside a call must end when `stop` is requested or `deadline` passes.
struct CallContext {
  std::stop_token stop;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::string request_id;  // passed along over REST as X-Request-Id; empty for work that no request started

  // kCancelled or kDeadlineExceeded, else success.
  Result<void> check() const {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "the call was cancelled");
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(ErrorCode::kDeadlineExceeded, "the call took longer than it was allowed to");
    }
    return {};
  }

  // The same call with at most `limit` from now.
  CallContext with_timeout(std::chrono::milliseconds limit) const {
    CallContext shorter = *this;
    shorter.deadline = std::min(deadline, std::chrono::steady_clock::now() + limit);
    return shorter;
  }

  // Time left, never negative; milliseconds::max() when there is no deadline.
  std::chrono::milliseconds remaining() const {
    using std::chrono::milliseconds;
    if (deadline == std::chrono::steady_clock::time_point::max()) return milliseconds::max();
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(left, milliseconds::zero());
  }
};

}  // namespace imgimport
