// Renews the leases of the batches under way, so that the broker does not give them to somebody else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "imgimport/job_queue.hpp"

namespace imgimport {

// Threading: keep and forget from any thread, and they wait for nobody; start and stop from one.
class LeaseKeeper {
 public:
  LeaseKeeper(JobQueue& queue, std::chrono::milliseconds every) : queue_(queue), every_(every) {}

  void start();
  void stop();

  void keep(const BatchLease& lease);
  void forget(const BatchLease& lease);

 private:
  void run(const std::stop_token& stop);

  JobQueue& queue_;
  const std::chrono::milliseconds every_;
  std::mutex mutex_;  // never held across a call of the queue
  std::condition_variable_any wake_;
  std::vector<BatchLease> leases_;  // guarded by mutex_; a few dozen
  std::jthread thread_;
};

}  // namespace imgimport
