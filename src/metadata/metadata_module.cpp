#include "metadata/metadata_module.hpp"

#include <pthread.h>

#include "base/log.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kPingEvery{2'000};
constexpr std::chrono::milliseconds kPingTimeout{2'000};

}  // namespace

Result<void> MetadataModule::start() {
  watcher_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "db-watch");
    watch(stop);
  });
  return {};
}

void MetadataModule::stop(std::chrono::steady_clock::time_point) {
  if (!watcher_.joinable()) return;
  watcher_.request_stop();
  watcher_.join();
}

Health MetadataModule::health() const {
  Health health;
  if (!answers_.load(std::memory_order_relaxed)) {
    health.status = HealthStatus::kDegraded;
    health.troubles.push_back({"database", "the database does not answer at the moment"});
  }
  return health;
}

void MetadataModule::watch(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  while (!stop.stop_requested()) {
    const auto answer = store_->ping(context.with_timeout(kPingTimeout));
    const bool answers = answer.has_value() || stop.stop_requested();
    if (answers_.exchange(answers) != answers) {
      if (answers) log_info("the database answers again");
      if (!answers) log_error("the database does not answer", {{"error", answer.error().message()}});
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kPingEvery, [] { return false; });
  }
}

}  // namespace imgimport
