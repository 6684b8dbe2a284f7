#include "worker/ramp.hpp"

namespace imgimport {

bool Ramp::enter(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool is_forgotten = under_way_ == 0 && std::chrono::steady_clock::now() - idle_since_ >= options_.forget_after;
  if (is_forgotten) {
    window_ = options_.first;
    grows_at_ = std::chrono::steady_clock::now() + options_.step;
  }
  while (window_ < options_.most && under_way_ >= window_) {
    // By the clock, not by how long this one waited: else transfers that end at a brisk pace would hold the window
    // down.
    if (const auto now = std::chrono::steady_clock::now(); now >= grows_at_) {
      ++window_;
      grows_at_ = now + options_.step;
      continue;
    }
    left_.wait_until(lock, stop, grows_at_, [this] { return under_way_ < window_; });
    if (stop.stop_requested()) return false;
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
