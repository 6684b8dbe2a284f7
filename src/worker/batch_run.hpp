// A leased batch on its way through the worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "imgimport/job_queue.hpp"

namespace imgimport {

// Counts the items of a batch that are not done with; the last one acknowledges the batch. Shared by the transfers of
// the batch and the outcome writer; thread-safe.
class BatchRun {
 public:
  BatchRun(BatchLease lease, std::size_t items, std::function<void(const BatchLease&)> acknowledge)
      : lease_(std::move(lease)), open_(items), acknowledge_(std::move(acknowledge)) {}

  const BatchRef& batch() const noexcept { return lease_.batch; }
  const BatchLease& lease() const noexcept { return lease_; }

  // An item's outcome is committed, or the item needs none any more (its job was cancelled).
  void item_done() {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) acknowledge_(lease_);
  }

 private:
  const BatchLease lease_;
  std::atomic<std::size_t> open_;
  const std::function<void(const BatchLease&)> acknowledge_;
};

}  // namespace imgimport
