#include "worker/garbage_sweeper.hpp"

#include <pthread.h>

#include <chrono>
#include <vector>

#include "base/log.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kGroup = 100;
// New entries also come from other processes and from DELETE; nobody waits for them.
constexpr std::chrono::seconds kSweepEvery{30};
constexpr std::chrono::milliseconds kRemovalLimit{5'000};  // for one group

}  // namespace

void GarbageSweeper::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "sweeper");
    run(stop);
  });
}

void GarbageSweeper::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void GarbageSweeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void GarbageSweeper::run(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kSweepEvery, [&] { return woken_; });
      woken_ = false;
    }
    while (!stop.stop_requested() && !sweep(context)) {
    }
  }
}

bool GarbageSweeper::sweep(const CallContext& context) {
  const auto place = store_.place(context);
  if (!place.has_value()) return true;
  const auto keys = images_.claim_garbage(context, *place, kGroup);
  if (!keys.has_value() || keys->empty()) return true;
  // What is claimed is removed even while the worker stops: left half done, it would wait until its claim runs out.
  const CallContext unhurried = CallContext{}.with_timeout(kRemovalLimit);
  std::vector<ObjectKey> removed;
  for (const ObjectKey& key : *keys) {
    if (auto gone = store_.remove(unhurried, key); gone.has_value()) {
      removed.push_back(key);
    } else {
      log_warning("an object without a record could not be removed; trying again later",
                  {{"key", key.value()}, {"error", gone.error().message()}});
    }
  }
  const auto forgotten = images_.forget_garbage(unhurried, *place, removed);
  return !forgotten.has_value() || removed.size() < keys->size() || keys->size() < kGroup;
}

}  // namespace imgimport
