#include "support/waits.hpp"

#include <condition_variable>
#include <mutex>

namespace imgimport {

bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds patience,
                std::chrono::milliseconds pause) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    let_it_run(pause);
  }
  return true;
}

void let_it_run(std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, time);
}

}  // namespace imgimport
