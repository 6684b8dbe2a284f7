#include "storage/local/sync_group.hpp"

#include <utility>

namespace imgimport {

Result<void> SyncGroup::sync(const CallContext& context) {
  std::unique_lock lock(mutex_);
  const std::uint64_t needed = begun_ + 1;
  while (ended_ < needed) {
    if (begun_ == ended_) {
      const std::uint64_t number = ++begun_;
      lock.unlock();
      auto result = run_();
      lock.lock();
      ended_ = number;
      if (!result.has_value()) {
        last_failed_ = number;
        failure_ = std::move(result).error();
      }
      finished_.notify_all();
      continue;
    }
    const std::uint64_t awaited = begun_;
    const auto over = [&] { return ended_ >= awaited; };
    const bool woken = context.deadline == std::chrono::steady_clock::time_point::max()
                           ? finished_.wait(lock, context.stop, over)
                           : finished_.wait_until(lock, context.stop, context.deadline, over);
    if (!woken) {
      lock.unlock();
      IMGIMPORT_RETURN_IF_ERROR(context.check());
      return Error(ErrorCode::kDeadlineExceeded, "waiting for the disk took longer than it was allowed to");
    }
  }
  // A failure of a later run may be of our data too: the kernel reports each lost page once.
  if (last_failed_ >= needed) return failure_;
  return {};
}

}  // namespace imgimport
