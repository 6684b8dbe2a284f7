// A leased batch on its way through the worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "imgimport/job_queue.hpp"

namespace imgimport {

enum class BatchEnd : std::uint8_t {
  kDone = 1,  // every item has an outcome, was written back, or needs none any more
  kLeft,      // the worker stops; somebody else must take the batch up again
};

// Counts the items of a batch that are not done with; the last one ends the batch. Shared by the transfers of the batch
// and the outcome writer; thread-safe.
class BatchRun {
 public:
  BatchRun(BatchLease lease, std::size_t items, std::function<void(const BatchLease&, BatchEnd)> ended)
      : lease_(std::move(lease)), open_(items), ended_(std::move(ended)) {}

  const BatchRef& batch() const noexcept { return lease_.batch; }
  const BatchLease& lease() const noexcept { return lease_; }

  // An item's outcome is committed, or the item needs none any more (its job was cancelled).
  void item_done() {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    ended_(lease_, left_.load(std::memory_order_relaxed) ? BatchEnd::kLeft : BatchEnd::kDone);
  }
  // The item stays as it is, for the worker stops.
  void item_left() {
    left_.store(true, std::memory_order_relaxed);
    item_done();
  }

 private:
  const BatchLease lease_;
  std::atomic<std::size_t> open_;
  std::atomic<bool> left_{false};
  const std::function<void(const BatchLease&, BatchEnd)> ended_;
};

}  // namespace imgimport
