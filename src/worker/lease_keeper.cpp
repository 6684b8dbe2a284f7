#include "worker/lease_keeper.hpp"

#include <pthread.h>

#include "base/log.hpp"

namespace imgimport {

void LeaseKeeper::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "lease-keeper");
    run(stop);
  });
}

void LeaseKeeper::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void LeaseKeeper::keep(const BatchLease& lease) {
  const std::scoped_lock lock(mutex_);
  leases_.push_back(lease);
}

void LeaseKeeper::forget(const BatchLease& lease) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(leases_, [&](const BatchLease& one) { return one.batch == lease.batch && one.token == lease.token; });
}

void LeaseKeeper::run(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  while (!stop.stop_requested()) {
    std::vector<BatchLease> leases;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, every_, [] { return false; });
      leases = leases_;
    }
    for (const BatchLease& lease : leases) {
      const auto renewed = queue_.renew(context, lease);
      if (renewed.has_value() || stop.stop_requested()) continue;
      // A broker that is away will be asked again; the others of this round would fare no better.
      if (renewed.error().code() != ErrorCode::kConflict) break;
      // The work goes on all the same: whichever of the two commits first counts, and the other finds it done.
      log_debug("a batch was given to somebody else as well", {{"batch", lease.batch.batch.value()}});
      forget(lease);
    }
  }
}

}  // namespace imgimport
