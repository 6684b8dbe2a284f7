#include "worker/garbage_sweeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kGroup = 100;
// New entries also come from other processes and from DELETE; nobody waits for them.
constexpr std::chrono::seconds kSweepEvery{30};
constexpr milliseconds kRemovalLimit{5'000};  // for one object, and for a whole group while the worker stops
// For a group: half of what a claim lasts (the stores' removal_grace). An object must not be removed later than that,
// for it may have a record again then.
constexpr milliseconds kGroupLimit{60'000};
// For writing down what was removed. What is not written down is removed again, which harms nothing.
constexpr milliseconds kForgetLimit{5'000};
constexpr milliseconds kForgetLimitAtStop{1'000};

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
  const auto claimed_at = clock_.steady_now();
  std::vector<ObjectKey> removed;
  for (const ObjectKey& key : *keys) {
    // What is claimed is removed even while the worker stops: left half done, it would wait until its claim runs out.
    const bool hurries = context.stop.stop_requested();
    const auto spent = std::chrono::duration_cast<milliseconds>(clock_.steady_now() - claimed_at);
    const milliseconds left = (hurries ? kRemovalLimit : kGroupLimit) - spent;
    if (left <= milliseconds::zero()) break;
    if (auto gone = store_.remove(CallContext{}.with_timeout(std::min(left, kRemovalLimit)), key); gone.has_value()) {
      removed.push_back(key);
    } else {
      log_warning("an object without a record could not be removed; trying again later",
                  {{"key", key.value()}, {"error", gone.error().message()}});
    }
  }
  if (removed.empty()) return true;
  const milliseconds limit = context.stop.stop_requested() ? kForgetLimitAtStop : kForgetLimit;
  const auto forgotten = images_.forget_garbage(CallContext{}.with_timeout(limit), *place, removed);
  return !forgotten.has_value() || removed.size() < keys->size() || keys->size() < kGroup;
}

}  // namespace imgimport
