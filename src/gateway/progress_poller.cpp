#include "gateway/progress_poller.hpp"

#include <algorithm>
#include <utility>

namespace imgimport {

ProgressPoller::ProgressPoller(const Parts& parts) : parts_(parts) {}

ProgressPoller::~ProgressPoller() {
  stop();
}

void ProgressPoller::watch(const JobId& job, std::shared_ptr<ProgressWatcher> watcher,
                           std::chrono::milliseconds delay) {
  {
    const std::lock_guard lock(mutex_);
    if (!draining_) {
      Watch& watch = watches_[job];
      watch.waiting.push_back({std::move(watcher), std::chrono::steady_clock::now() + delay});
      parts_.waiting.add(1);
      arm(job, watch);
      return;
    }
  }
  watcher->on_shutdown();
}

// REQUIRES: mutex_ is held. The timer's own lock nests inside it.
void ProgressPoller::arm(const JobId& job, Watch& watch) {
  if (watch.polling || watch.waiting.empty()) return;
  const auto first = std::min_element(watch.waiting.begin(), watch.waiting.end(),
                                      [](const Waiting& a, const Waiting& b) { return a.due < b.due; });
  if (first->due >= watch.armed_for) return;
  watch.armed_for = first->due;
  watch.alarm = ++alarms_;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(first->due - std::chrono::steady_clock::now());
  parts_.timer.after(std::max(delay, std::chrono::milliseconds(0)),
                     [this, job, alarm = watch.alarm, token = in_flight_.enter()] { poll(job, alarm); });
}

void ProgressPoller::poll(const JobId& job, std::uint64_t alarm) {
  const Watchers due = take_due(job, alarm);
  if (due.empty()) return;
  CallContext context;
  context.stop = cancel_.get_token();
  const Result<ImportProgress> progress = parts_.service.progress(context.with_timeout(parts_.call_timeout), job);
  for (const auto& watcher : due) put_off(job, *watcher, watcher->on_progress(progress));
  finish_poll(job);
}

ProgressPoller::Watchers ProgressPoller::take_due(const JobId& job, std::uint64_t alarm) {
  Watchers dropped;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(job);
  if (found == watches_.end() || found->second.alarm != alarm) return {};
  Watch& watch = found->second;
  watch.armed_for = TimePoint::max();
  std::erase_if(watch.waiting, [this, &dropped](Waiting& waiting) {
    if (waiting.watcher->wanted()) return false;
    dropped.push_back(std::move(waiting.watcher));
    parts_.waiting.add(-1);
    return true;
  });
  if (watch.waiting.empty()) {
    watches_.erase(found);
    return {};
  }
  Watchers due;
  const auto now = std::chrono::steady_clock::now();
  for (const Waiting& waiting : watch.waiting) {
    if (waiting.due <= now) due.push_back(waiting.watcher);
  }
  watch.polling = !due.empty();
  arm(job, watch);
  return due;
}

void ProgressPoller::put_off(const JobId& job, const ProgressWatcher& watcher,
                             std::optional<std::chrono::milliseconds> delay) {
  std::shared_ptr<ProgressWatcher> dropped;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(job);
  if (found == watches_.end()) return;  // drained meanwhile
  auto& waiting = found->second.waiting;
  const auto entry = std::find_if(waiting.begin(), waiting.end(),
                                  [&watcher](const Waiting& candidate) { return candidate.watcher.get() == &watcher; });
  if (entry == waiting.end()) return;
  if (delay) {
    entry->due = std::chrono::steady_clock::now() + *delay;
    return;
  }
  dropped = std::move(entry->watcher);
  waiting.erase(entry);
  parts_.waiting.add(-1);
}

void ProgressPoller::finish_poll(const JobId& job) {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(job);
  if (found == watches_.end()) return;
  found->second.polling = false;
  if (found->second.waiting.empty()) {
    watches_.erase(found);
  } else {
    arm(job, found->second);
  }
}

void ProgressPoller::drain() {
  std::unordered_map<JobId, Watch> watches;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    watches.swap(watches_);
  }
  for (const auto& [job, watch] : watches) {
    for (const Waiting& waiting : watch.waiting) waiting.watcher->on_shutdown();
    parts_.waiting.add(-static_cast<std::int64_t>(watch.waiting.size()));
  }
}

void ProgressPoller::stop() {
  drain();
  cancel_.request_stop();
  in_flight_.wait_for_none();
}

}  // namespace imgimport
