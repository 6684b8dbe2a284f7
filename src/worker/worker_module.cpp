#include "worker/worker_module.hpp"

namespace imgimport {

WorkerModule::WorkerModule(const WorkerOptions& options, const WorkerPorts& ports, ImageStore& images)
    : sweeper_(images, ports.store, ports.clock), dispatcher_(options, ports, [this] { sweeper_.wake(); }) {}

Result<void> WorkerModule::start() {
  sweeper_.start();
  dispatcher_.start();
  return {};
}

void WorkerModule::stop(std::chrono::steady_clock::time_point deadline) {
  dispatcher_.stop(deadline);
  sweeper_.stop();
}

Health WorkerModule::health() const {
  Health health;
  if (!dispatcher_.healthy()) {
    health.status = HealthStatus::kDegraded;
    health.troubles.push_back({"metadata", "batches cannot be read or outcomes cannot be written down at the moment"});
  }
  if (!dispatcher_.leases_batches()) {
    health.status = HealthStatus::kDegraded;
    health.troubles.push_back({"queue", "no batches can be leased at the moment: the broker is away or refuses us"});
  }
  return health;
}

}  // namespace imgimport
