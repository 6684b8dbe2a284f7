// A queue that hands every call on to another one, for those that differ from it in one thing.
#pragma once

#include "imgimport/job_queue.hpp"

namespace imgimport {

// REQUIRES: `queue` lives as long as calls are made; it may be a member of the class that derives from this one.
class ForwardingQueue : public JobQueue {
 public:
  explicit ForwardingQueue(JobQueue& queue) : queue_(queue) {}
  Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) override {
    return queue_.push(context, batches);
  }
  Result<std::optional<BatchLease>> lease(const CallContext& context) override { return queue_.lease(context); }
  Result<void> renew(const CallContext& context, const BatchLease& lease) override {
    return queue_.renew(context, lease);
  }
  Result<void> ack(const CallContext& context, const BatchLease& lease) override { return queue_.ack(context, lease); }
  Result<QueueStats> stats(const CallContext& context) override { return queue_.stats(context); }

 private:
  JobQueue& queue_;
};

}  // namespace imgimport
