// A budget of units per minute that all callers of one service share (Drive's quota). Implementations: in process, and
// over Redis for several workers.
//
// Threading: all methods from any thread.
#pragma once

#include <cstdint>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

class RateBudget {
 public:
  virtual ~RateBudget() = default;

  // Blocks until `units` may be spent. Take them in blocks, before anything that another caller needs is held.
  // kCancelled, kDeadlineExceeded: nothing was spent.
  virtual Result<void> acquire(const CallContext& context, std::int64_t units) = 0;

  // Gives units back that were taken and not used.
  virtual void refund(std::int64_t units) = 0;

  // The service said "too fast": the rate goes down (multiplicatively, at most once a second) and recovers by steps.
  virtual void slow_down() = 0;
};

}  // namespace imgimport
