#include "http_server/server_state.hpp"

namespace imgimport {

void ServerState::enter() {
  const std::lock_guard lock(mutex_);
  ++under_way_;
}

void ServerState::leave() {
  const std::lock_guard lock(mutex_);
  --under_way_;
  ended_.notify_all();
}

bool ServerState::wait_for_end(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const auto over = [this] { return under_way_ == 0; };
  if (deadline != std::chrono::steady_clock::time_point::max()) return ended_.wait_until(lock, deadline, over);
  ended_.wait(lock, over);
  return true;
}

}  // namespace imgimport
