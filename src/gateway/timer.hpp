// Tasks that run later, on an executor: one sleeping thread for all of them.
//
// Threading: after() and stop() from any thread, stop() not from a task. A task that is due when its executor has
// stopped is dropped.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "imgimport/executor.hpp"

namespace imgimport {

class Timer {
 public:
  // REQUIRES: the executor outlives it.
  explicit Timer(Executor& executor);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Posts the task when the time has passed. After stop(): drops it.
  void after(std::chrono::milliseconds delay, std::function<void()> task);
  // Drops what waits; returns when the thread has ended. Tasks posted before may still run. Idempotent.
  void stop();

 private:
  using Due = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;
  void run();

  Executor& executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Due, std::function<void()>> tasks_;  // guarded by mutex_
  std::uint64_t count_ = 0;                     // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace imgimport
