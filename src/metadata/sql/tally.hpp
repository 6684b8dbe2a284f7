// How the counters of jobs are written.
#pragma once

#include <cstdint>
#include <map>

#include "metadata/sql/session_work.hpp"
#include "metadata/tally.hpp"

namespace imgimport::sql {

// Adds the tallies to their jobs' rows. A job that is listed, and neither failed nor cancelled, becomes kCompleted when
// nothing is pending in it, and kProcessing when something is again. REQUIRES: the jobs are locked
void settle(const Work& work, const std::map<std::int64_t, Tally>& tallies);
void settle(const Work& work, std::int64_t job, const Tally& tally);

}  // namespace imgimport::sql
