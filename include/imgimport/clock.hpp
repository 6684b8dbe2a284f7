// Time as a contract, so that tests can turn the hands.
#pragma once

#include <chrono>

namespace imgimport {

// Wall-clock time as it is stored and shown: UTC, milliseconds.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// Thread-safe; never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

}  // namespace imgimport
