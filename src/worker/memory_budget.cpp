#include "worker/memory_budget.hpp"

#include <algorithm>

namespace imgimport {

Result<MemoryBudget::Reservation> MemoryBudget::reserve(const CallContext& context, std::uint64_t bytes) {
  bytes = std::min(bytes, capacity_);
  std::unique_lock lock(mutex_);
  const auto enough = [&] { return free_ >= bytes; };
  const bool granted = context.deadline == std::chrono::steady_clock::time_point::max()
                           ? freed_.wait(lock, context.stop, enough)
                           : freed_.wait_until(lock, context.stop, context.deadline, enough);
  if (!granted) {
    lock.unlock();
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return Error(ErrorCode::kDeadlineExceeded, "no transfer memory became free in time");
  }
  free_ -= bytes;
  return Reservation(*this, bytes);
}

std::uint64_t MemoryBudget::in_use() const {
  const std::scoped_lock lock(mutex_);
  return capacity_ - free_;
}

void MemoryBudget::release(std::uint64_t bytes) {
  {
    const std::scoped_lock lock(mutex_);
    free_ += bytes;
  }
  freed_.notify_all();
}

}  // namespace imgimport
