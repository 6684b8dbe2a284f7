// The look-ups that many transactions begin with: jobs by their id, the lease that allows a write, places.
#pragma once

#include <cstdint>
#include <optional>

#include "db/connection.hpp"
#include "imgimport/result.hpp"
#include "metadata/job_state.hpp"

namespace imgimport {

// kNotFound.
Result<JobState> find_job(db::Connection& connection, const JobId& id);

// kNotFound; kConflict (stale_epoch): somebody else drives the job now.
Result<JobState> find_leased_job(db::Connection& connection, const JobLease& lease);

std::optional<PlaceRow> find_place(db::Connection& connection, const StorePlace& place);
// Writes it down when it is new.
PlaceRow find_or_add_place(db::Connection& connection, const StorePlace& place);

// The last batch id that was given out.
std::int64_t last_batch(db::Connection& connection);
// Takes `count` batch ids; returns the first of them.
std::int64_t take_batches(db::Connection& connection, std::int64_t count);

}  // namespace imgimport
