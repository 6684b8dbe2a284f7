// Lets a crowd of transfers begin one after the other instead of all in one moment: 150 connections at once overflow
// the accept queue of many servers and proxies, and whoever is dropped there waits for TCP's retries, seconds long
// (listen(2), "backlog"; RFC 6298 §5.5). Once that many are under way, it is out of the way until all have been idle.
//
// Thread-safe. Entered by the dispatcher before a transfer is handed to the pool, so that no pool thread waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>

#include "imgimport/clock.hpp"

namespace imgimport {

struct RampOptions {
  std::size_t first = 8;                           // that many begin at once
  std::size_t most = 150;                          // from here on there is no limit
  std::chrono::milliseconds step{4};               // one more each
  std::chrono::milliseconds forget_after{10'000};  // without any under way, the ramp begins anew
};

class Ramp {
 public:
  Ramp(const RampOptions& options, const Clock& clock)
      : options_(options), clock_(clock), window_(options.first), grows_at_(clock.steady_now() + options.step) {}

  // Waits until one more may begin. false: stop was requested first, and nothing was entered.
  bool enter(const std::stop_token& stop);
  // REQUIRES: entered.
  void leave();

 private:
  const RampOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any left_;
  std::size_t window_;                                // guarded by mutex_: so many may be under way
  std::chrono::steady_clock::time_point grows_at_;    // guarded by mutex_: by one, if somebody waits then
  std::size_t under_way_ = 0;                         // guarded by mutex_
  std::chrono::steady_clock::time_point idle_since_;  // guarded by mutex_: set while none is under way
};

}  // namespace imgimport
