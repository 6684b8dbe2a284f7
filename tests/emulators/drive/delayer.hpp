// Runs small tasks later, on one thread of its own: latency and slow bodies, without a thread that waits for each.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace imgimport::emulator {

class Delayer {
 public:
  Delayer();
  ~Delayer();
  Delayer(const Delayer&) = delete;
  Delayer& operator=(const Delayer&) = delete;

  // At once, on the calling thread, when `wait` is zero. Tasks must not block.
  void after(std::chrono::milliseconds wait, std::function<void()> task);
  // Drops all that is not due yet, and returns when the task that runs, if any, has ended.
  void drop_all();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> tasks_;  // guarded by mutex_
  bool running_ = false;                                                               // guarded by mutex_
  bool stopping_ = false;                                                              // guarded by mutex_
  std::thread thread_;
};

}  // namespace imgimport::emulator
