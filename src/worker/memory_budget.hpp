// The bound on image bytes held in memory (setting TRANSFER_MEMORY_MB), as a semaphore of bytes.
//
// Thread-safe. Taken by the dispatcher before a transfer is handed to the pool, so that no pool thread ever waits for
// it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t capacity_bytes) : capacity_(capacity_bytes), free_(capacity_bytes) {}

  // Gives its bytes back when it goes.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(MemoryBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
    Reservation(Reservation&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Reservation() {
      if (budget_ != nullptr) budget_->release(bytes_);
    }
    std::uint64_t bytes() const noexcept { return budget_ == nullptr ? 0 : bytes_; }

   private:
    MemoryBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  // Blocks until that much is free. More than the whole capacity is granted as the whole capacity.
  // kCancelled, kDeadlineExceeded.
  Result<Reservation> reserve(const CallContext& context, std::uint64_t bytes);

  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t in_use() const;

 private:
  void release(std::uint64_t bytes);

  const std::uint64_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  std::uint64_t free_;  // guarded by mutex_
};

}  // namespace imgimport
