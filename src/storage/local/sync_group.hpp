// Makes one costly "make everything durable" serve all who wait for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Threading: sync() from any thread. `run` is called by one of the callers, never by two at once, and no lock is held
// meanwhile.
class SyncGroup {
 public:
  explicit SyncGroup(std::function<Result<void>()> run) : run_(std::move(run)) {}

  // Returns when a run that began after this call has ended, with its result: a run already under way may have passed
  // over what the caller has just written. A wait for another caller's run ends with the context; an own run does not.
  Result<void> sync(const CallContext& context);

 private:
  const std::function<Result<void>()> run_;
  std::mutex mutex_;
  std::condition_variable_any finished_;
  // Guarded by mutex_. Runs are numbered from 1.
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t last_failed_ = 0;
  Error failure_;  // of run last_failed_
};

}  // namespace imgimport
