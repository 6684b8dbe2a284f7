// Whether the metadata store answers, asked in the background, so that health() needs no look-up of its own.
//
// Threading: start and stop from one thread; trouble() from any, never blocking on the store.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "gateway/in_flight.hpp"
#include "gateway/timer.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

class DatabaseWatch {
 public:
  // REQUIRES: all outlive it.
  DatabaseWatch(MetadataStore& metadata, Timer& timer, const Clock& clock, std::chrono::milliseconds interval);
  ~DatabaseWatch();

  // Looks at once, and then every `interval`.
  void start();
  // Returns when a look that is under way has ended; sooner when the timer has been stopped before. Idempotent.
  void stop();

  // One sentence, or empty: the last look went well, or none has ended yet. A look without an answer for three
  // intervals is trouble, too.
  std::string trouble() const;

 private:
  void look_after(std::chrono::milliseconds delay);
  void look();

  MetadataStore& metadata_;
  Timer& timer_;
  const Clock& clock_;
  const std::chrono::milliseconds interval_;
  std::stop_source cancel_;
  InFlight in_flight_;

  mutable std::mutex mutex_;
  std::string trouble_;                                                 // guarded by mutex_
  std::optional<std::chrono::steady_clock::time_point> looking_since_;  // guarded by mutex_
};

}  // namespace imgimport
