// How the counters of jobs are written.
#pragma once

#include <cstdint>

#include "db/connection.hpp"
#include "metadata/tally.hpp"

namespace imgimport {

// Adds the tally to the job's row. A job that is listed, and neither failed nor cancelled, becomes kCompleted when
// nothing is pending in it, and kProcessing when something is again. `job` is the row's id.
void settle(db::Connection& connection, std::int64_t job, const Tally& tally, Timestamp now);

}  // namespace imgimport
