#include "queue/in_process_queue.hpp"

#include <algorithm>
#include <utility>

namespace imgimport {
namespace {

Error not_leased(const BatchRef& batch) {
  return Error(ErrorCode::kConflict, "batch " + std::to_string(batch.batch.value()) + " is not leased")
      .with_reason("not_leased");
}

}  // namespace

InProcessQueue::InProcessQueue(std::size_t capacity) : ring_(capacity) {
  leased_.reserve(64);
}

Result<std::size_t> InProcessQueue::push(const CallContext&, std::span<const BatchRef> batches) {
  std::size_t pushed = 0;
  while (pushed < batches.size() && ring_.try_push(batches[pushed])) ++pushed;
  if (pushed == 0) return pushed;
  if (parked_.fetch_add(0, std::memory_order_acq_rel) > 0) {
    // The empty critical section lets a thread that has looked at the ring, but does not wait yet, get as far as
    // waiting.
    { std::lock_guard lock(park_mutex_); }
    // All, not one: a parked thread may have been woken by a later push while an earlier one was still filling its
    // cell, and have gone back to sleep.
    pushed_.notify_all();
  }
  return pushed;
}

Result<std::optional<BatchLease>> InProcessQueue::lease(const CallContext& context) {
  const auto cancelled = [] { return Error(ErrorCode::kCancelled, "waiting for a batch was cancelled"); };
  if (context.stop.stop_requested()) return cancelled();
  auto batch = ring_.try_pop();
  if (!batch) batch = park_until_popped(context);
  if (batch) return std::optional(hand_out(*std::move(batch)));
  if (context.stop.stop_requested()) return cancelled();
  return std::optional<BatchLease>();
}

std::optional<BatchRef> InProcessQueue::park_until_popped(const CallContext& context) {
  std::optional<BatchRef> batch;
  const auto popped = [&] { return (batch = ring_.try_pop()).has_value(); };
  parked_.fetch_add(1, std::memory_order_acq_rel);
  {
    std::unique_lock lock(park_mutex_);
    if (context.deadline == std::chrono::steady_clock::time_point::max()) {
      pushed_.wait(lock, context.stop, popped);
    } else {
      pushed_.wait_until(lock, context.stop, context.deadline, popped);
    }
  }
  parked_.fetch_sub(1, std::memory_order_acq_rel);
  return batch;
}

BatchLease InProcessQueue::hand_out(BatchRef batch) {
  std::lock_guard lock(leased_mutex_);
  leased_.push_back(batch);
  return BatchLease{std::move(batch), {}};
}

Result<void> InProcessQueue::renew(const CallContext&, const BatchLease& lease) {
  std::lock_guard lock(leased_mutex_);
  if (std::find(leased_.begin(), leased_.end(), lease.batch) == leased_.end()) return not_leased(lease.batch);
  return {};
}

Result<void> InProcessQueue::ack(const CallContext&, const BatchLease& lease) {
  std::lock_guard lock(leased_mutex_);
  const auto found = std::find(leased_.begin(), leased_.end(), lease.batch);
  // Acknowledging again what is done with is harmless.
  if (found != leased_.end()) leased_.erase(found);
  return {};
}

Result<QueueStats> InProcessQueue::stats(const CallContext&) {
  std::lock_guard lock(leased_mutex_);
  return QueueStats{
      .waiting = ring_.size(), .leased = leased_.size(), .capacity = ring_.capacity(), .workers = 1, .epoch = {}};
}

}  // namespace imgimport
