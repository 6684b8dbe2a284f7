// An executor that starts a thread whenever all are busy, up to a cap: slow bodies may hold one each without keeping
// anybody else waiting.
//
// Thread-safe; stop from one thread that is none of the pool's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "imgimport/executor.hpp"

namespace imgimport::emulator {

class ElasticPool final : public Executor {
 public:
  explicit ElasticPool(std::size_t max_threads) : max_threads_(max_threads) {}
  ~ElasticPool() override { stop(); }
  ElasticPool(const ElasticPool&) = delete;
  ElasticPool& operator=(const ElasticPool&) = delete;

  void post(std::function<void()> task) override;
  // Drops what has not begun and joins all threads.
  void stop();

 private:
  void run();

  const std::size_t max_threads_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace imgimport::emulator
