#include "emulators/drive/delayer.hpp"

#include <utility>

namespace imgimport::emulator {

Delayer::Delayer() : thread_([this] { run(); }) {}

Delayer::~Delayer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void Delayer::after(std::chrono::milliseconds wait, std::function<void()> task) {
  if (wait <= wait.zero()) return task();
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  tasks_.emplace(std::chrono::steady_clock::now() + wait, std::move(task));
  wake_.notify_all();
}

void Delayer::drop_all() {
  // Destroyed outside the lock: a dropped task may hold the last reference to an answer.
  decltype(tasks_) dropped;
  std::unique_lock lock(mutex_);
  dropped.swap(tasks_);
  wake_.wait(lock, [this] { return !running_; });
}

void Delayer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto first = tasks_.begin();
    const auto due = first->first;
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    auto task = std::move(first->second);
    tasks_.erase(first);
    running_ = true;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    running_ = false;
    wake_.notify_all();
  }
}

}  // namespace imgimport::emulator
