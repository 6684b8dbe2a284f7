// Counts tasks that hold a pointer to their owner, so that the owner can wait for the last of them before it goes. A
// task that is dropped without having run counts as ended.
//
// Threading: all methods from any thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace imgimport {

class InFlight {
 public:
  // To be captured by the task: the task is under way as long as a copy lives.
  using Token = std::shared_ptr<void>;

  Token enter() {
    const std::lock_guard lock(state_->mutex);
    ++state_->count;
    return Token(nullptr, [state = state_](void*) {
      const std::lock_guard inner(state->mutex);
      if (--state->count == 0) state->none.notify_all();
    });
  }

  // Blocks until no token is left.
  void wait_for_none() {
    std::unique_lock lock(state_->mutex);
    state_->none.wait(lock, [this] { return state_->count == 0; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable none;
    int count = 0;  // guarded by mutex
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace imgimport
