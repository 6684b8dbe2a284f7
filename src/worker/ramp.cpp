#include "worker/ramp.hpp"

namespace imgimport {

bool Ramp::enter(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool is_forgotten = under_way_ == 0 && clock_.steady_now() - idle_since_ >= options_.forget_after;
  if (is_forgotten) {
    window_ = options_.first;
    grows_at_ = clock_.steady_now() + options_.step;
  }
  while (window_ < options_.most && under_way_ >= window_) {
    // By the clock, not by how long this one waited: else transfers that end at a brisk pace would hold the window
    // down.
    const auto now = clock_.steady_now();
    if (now >= grows_at_) {
      ++window_;
      grows_at_ = now + options_.step;
      continue;
    }
    left_.wait_for(lock, stop, grows_at_ - now, [this] { return under_way_ < window_; });
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
    if (--under_way_ == 0) idle_since_ = clock_.steady_now();
  }
  if (is_waited_for) left_.notify_one();
}

}  // namespace imgimport
