#include "worker/ramp.hpp"

namespace imgimport {

bool Ramp::enter(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool is_forgotten = under_way_ == 0 && std::chrono::steady_clock::now() - idle_since_ >= options_.forget_after;
  if (is_forgotten) window_ = options_.first;
  while (window_ < options_.most && under_way_ >= window_) {
    if (left_.wait_for(lock, stop, options_.step, [this] { return under_way_ < window_; })) break;
    if (stop.stop_requested()) return false;
    ++window_;
  }
  ++under_way_;
  return true;
}

void Ramp::leave() {
  bool is_waited_for = false;
  {
    const std::scoped_lock lock(mutex_);
    is_waited_for = window_ < options_.most && under_way_ >= window_;
    if (--under_way_ == 0) idle_since_ = std::chrono::steady_clock::now();
  }
  if (is_waited_for) left_.notify_one();
}

}  // namespace imgimport
