// The real time.
#pragma once

#include "imgimport/clock.hpp"

namespace imgimport {

class SystemClock : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  std::chrono::steady_clock::time_point steady_now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace imgimport
