// What a transaction moves in a job's counters, gathered and then written once.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "imgimport/job.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport::sql {

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

// Adds the tallies to their jobs' rows. A job that is listed, and neither failed nor cancelled, becomes kCompleted when
// nothing is pending in it, and kProcessing when something is again. REQUIRES: the jobs are locked
void settle(const Work& work, const std::map<std::int64_t, Tally>& tallies);
void settle(const Work& work, std::int64_t job, const Tally& tally);

}  // namespace imgimport::sql
