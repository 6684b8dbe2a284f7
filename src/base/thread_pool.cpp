#include "base/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <memory>
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

namespace {

// Helpers that come late find no index left, and do not touch the work, which is gone by then.
class SharedWork {
 public:
  SharedWork(std::size_t count, const std::function<void(std::size_t)>& work) : count_(count), work_(work) {}

  void help() {
    std::unique_lock lock(mutex_);
    ++busy_;
    while (next_ < count_) {
      const std::size_t index = next_++;
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(index);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure && !failure_) failure_ = failure;
    }
    if (--busy_ == 0) done_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t next_ = 0;        // guarded by mutex_
  std::size_t busy_ = 0;        // guarded by mutex_
  std::exception_ptr failure_;  // guarded by mutex_: the first one
};

}  // namespace

void ThreadPool::share_out(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (count == 0) return;
  const auto shared = std::make_shared<SharedWork>(count, work);
  for (std::size_t i = 1; i < std::min(count, size()); ++i) {
    post([shared] { shared->help(); });
  }
  shared->help();
  shared->wait();
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
