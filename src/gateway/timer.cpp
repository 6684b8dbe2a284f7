#include "gateway/timer.hpp"

namespace imgimport {

Timer::Timer(Executor& executor) : executor_(executor), thread_([this] { run(); }) {}

Timer::~Timer() {
  stop();
}

void Timer::after(std::chrono::milliseconds delay, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.emplace(Due(std::chrono::steady_clock::now() + delay, count_++), std::move(task));
  }
  wake_.notify_one();
}

void Timer::stop() {
  std::map<Due, std::function<void()>> dropped;  // destroyed outside the lock: a task may own whatever it likes
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_one();
  std::call_once(joined_, [this] { thread_.join(); });
}

void Timer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto first = tasks_.begin();
    if (const auto due = first->first.first; std::chrono::steady_clock::now() < due) {
      wake_.wait_until(lock, due);
      continue;
    }
    std::function<void()> task = std::move(first->second);
    tasks_.erase(first);
    lock.unlock();
    executor_.post(std::move(task));
    lock.lock();
  }
}

}  // namespace imgimport
