// A clock whose hands the test turns.
#pragma once

#include <atomic>
#include <chrono>

#include "imgimport/clock.hpp"

namespace imgimport {

// Thread-safe. Wall-clock and steady time move together. Starts at 2026-01-02T03:04:05Z.
class ManualClock : public Clock {
 public:
  Timestamp now() const override { return Timestamp(kStart + std::chrono::milliseconds(elapsed_)); }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(24) + std::chrono::milliseconds(elapsed_));
  }
  void advance(std::chrono::milliseconds time) { elapsed_ += time.count(); }

 private:
  static constexpr std::chrono::milliseconds kStart{1'767'323'045'000};
  std::atomic<std::int64_t> elapsed_{0};
};

}  // namespace imgimport
