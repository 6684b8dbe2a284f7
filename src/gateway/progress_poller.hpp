// Watches jobs on behalf of whoever waits for them (replies to a submit, event streams): one poll per job, however many
// wait, no thread held in between, and none at all when nobody waits.
//
// Threading: all methods from any thread; none blocks but stop(). Polls run on the timer's executor; those of different
// jobs do not wait for each other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "base/metrics.hpp"
#include "gateway/in_flight.hpp"
#include "gateway/timer.hpp"
#include "imgimport/import_service.hpp"

namespace imgimport {

// on_progress() calls come one after the other; on_shutdown() may come beside one.
class ProgressWatcher {
 public:
  virtual ~ProgressWatcher() = default;
  // Whether somebody still waits behind it: asked before each poll, under a lock, so it only looks at a flag.
  virtual bool wanted() const noexcept = 0;
  // What the poll said; returns how long until the next one, or nullopt: seen enough.
  virtual std::optional<std::chrono::milliseconds> on_progress(const Result<ImportProgress>& progress) = 0;
  // The server is going down: no further call comes.
  virtual void on_shutdown() = 0;
};

class ProgressPoller {
 public:
  struct Parts {
    ImportService& service;
    Timer& timer;
    Gauge& waiting;                          // how many watchers there are
    std::chrono::milliseconds call_timeout;  // of each poll
  };
  // REQUIRES: all parts outlive it.
  explicit ProgressPoller(const Parts& parts);
  ~ProgressPoller();

  // The first call comes after `delay`. After drain(), on_shutdown() is called at once, from here.
  void watch(const JobId& job, std::shared_ptr<ProgressWatcher> watcher, std::chrono::milliseconds delay);

  // Tells every watcher on_shutdown() and takes no new ones. Idempotent.
  void drain();
  // drain(), then cancels the polls and returns when the last one has ended; alarms that are set are waited for, unless
  // the timer was stopped before. Idempotent.
  void stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Watchers = std::vector<std::shared_ptr<ProgressWatcher>>;
  struct Waiting {
    std::shared_ptr<ProgressWatcher> watcher;
    TimePoint due;
  };
  struct Watch {
    std::vector<Waiting> waiting;
    bool polling = false;
    TimePoint armed_for = TimePoint::max();
    std::uint64_t alarm = 0;  // the one that counts; earlier ones are void
  };

  void arm(const JobId& job, Watch& watch);
  void poll(const JobId& job, std::uint64_t alarm);
  Watchers take_due(const JobId& job, std::uint64_t alarm);
  void put_off(const JobId& job, const ProgressWatcher& watcher, std::optional<std::chrono::milliseconds> delay);
  void finish_poll(const JobId& job);

  const Parts parts_;
  std::stop_source cancel_;
  InFlight in_flight_;  // alarms and polls

  mutable std::mutex mutex_;
  std::unordered_map<JobId, Watch> watches_;  // guarded by mutex_
  std::uint64_t alarms_ = 0;                  // guarded by mutex_
  bool draining_ = false;                     // guarded by mutex_
};

}  // namespace imgimport
