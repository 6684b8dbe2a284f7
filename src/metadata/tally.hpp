// What a transaction moves in a job's counters, gathered and then written once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "imgimport/job.hpp"

namespace imgimport {

struct Tally {
  std::array<std::int64_t, 9> states{};  // by ItemState: how many items more, or fewer, are in it
  std::int64_t bytes = 0;                // of imported items
  std::int64_t total_bytes = 0;          // of candidates

  void enter(ItemState state, std::int64_t items = 1) { states[static_cast<std::size_t>(state)] += items; }
  void move(ItemState from, ItemState to, std::int64_t items = 1) {
    enter(from, -items);
    enter(to, items);
  }
  std::int64_t in(ItemState state) const { return states[static_cast<std::size_t>(state)]; }
};

}  // namespace imgimport
