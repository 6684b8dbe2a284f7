#include "base/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.hpp"

namespace imgimport {

ThreadPool::ThreadPool(std::string name, std::size_t threads) : name_(std::move(name)) {
  name_.resize(std::min<std::size_t>(name_.size(), 15));  // pthread_setname_np refuses more
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ThreadPool::~ThreadPool() {
  stop();
}

void ThreadPool::post(std::function<void()> task) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
    wake = idle_ > 0;
  }
  if (wake) wake_.notify_one();
}

void ThreadPool::stop() {
  std::deque<std::function<void()>> dropped;  // destroyed outside the lock: a task's destructor may post
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t ThreadPool::waiting() const {
  const std::scoped_lock lock(mutex_);
  return tasks_.size();
}

void ThreadPool::run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    while (tasks_.empty() && !stopping_) {
      ++idle_;
      wake_.wait(lock);
      --idle_;
    }
    if (stopping_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    try {
      task();
    } catch (const std::exception& error) {
      log_error("a task ended by an exception", {{"pool", name_}, {"what", error.what()}});
    }
    task = nullptr;  // its captures go before the next wait
    lock.lock();
  }
}

}  // namespace imgimport
