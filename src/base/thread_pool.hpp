// A fixed number of threads that run posted tasks in order of arrival.
//
// Threading: post and counts from any thread; stop from one, and not from a task of the pool itself.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "imgimport/executor.hpp"

namespace imgimport {

class ThreadPool : public Executor {
 public:
  // `name` (up to 15 characters) is what debuggers and top -H show.
  ThreadPool(std::string name, std::size_t threads);
  // Stops, dropping what has not begun.
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void post(std::function<void()> task) override;

  // Tasks that run end; waiting ones are dropped (destroyed). Returns when all threads have ended. Idempotent.
  void stop();

  // Calls work(0), …, work(count - 1), each once, on this thread and on those of the pool that are free meanwhile;
  // returns when all calls have. May be called from a task of the pool: it waits for nobody who has not begun. The
  // first exception of a call comes out of it at the end.
  void share_out(std::size_t count, const std::function<void(std::size_t)>& work);

  std::size_t waiting() const;
  std::size_t size() const noexcept { return threads_.size(); }

 private:
  void run();

  std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  std::size_t idle_ = 0;                     // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace imgimport
