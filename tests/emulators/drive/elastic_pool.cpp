#include "emulators/drive/elastic_pool.hpp"

#include <utility>

namespace imgimport::emulator {

void ElasticPool::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  tasks_.push_back(std::move(task));
  if (tasks_.size() > idle_ && threads_.size() < max_threads_) {
    threads_.emplace_back([this] { run(); });
  } else {
    wake_.notify_one();
  }
}

void ElasticPool::stop() {
  std::deque<std::function<void()>> dropped;
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
    ending.swap(threads_);
    wake_.notify_all();
  }
  for (std::thread& thread : ending) thread.join();
}

void ElasticPool::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      ++idle_;
      wake_.wait(lock);
      --idle_;
      continue;
    }
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace imgimport::emulator
