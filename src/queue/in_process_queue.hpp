// The queue for import and worker in one process: a lock-free ring, and a place to park for those who find it empty.
//
// Threading: all methods from any thread. push and a lease that finds a batch touch no lock of the ring; only a lease
// on an empty queue parks, and only a push that sees somebody parked wakes.
//
// Nothing is handed out again by itself: a worker of the same process cannot die alone, and after a crash the queue is
// filled afresh from the journal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/mpmc_queue.hpp"
#include "imgimport/job_queue.hpp"

namespace imgimport {

class InProcessQueue final : public JobQueue {
 public:
  // `capacity` is rounded up to a power of two.
  explicit InProcessQueue(std::size_t capacity);

  Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) override;
  Result<std::optional<BatchLease>> lease(const CallContext& context) override;
  Result<void> renew(const CallContext& context, const BatchLease& lease) override;
  Result<void> ack(const CallContext& context, const BatchLease& lease) override;
  Result<QueueStats> stats(const CallContext& context) override;

 private:
  std::optional<BatchRef> park_until_popped(const CallContext& context);
  BatchLease hand_out(BatchRef batch);

  MpmcQueue<BatchRef> ring_;

  // How many threads are parked or about to be. Both sides go through read-modify-write operations on it, which have
  // one order: either the pusher's comes second and sees the parked thread, or the parking thread's comes second and
  // its next look at the ring sees what was pushed. So no wake-up is lost.
  std::atomic<int> parked_{0};
  std::mutex park_mutex_;
  std::condition_variable_any pushed_;

  mutable std::mutex leased_mutex_;
  std::vector<BatchRef> leased_;  // guarded by leased_mutex_; a handful
};

}  // namespace imgimport
