// What a job's row says of its trouble.
#pragma once

#include <cstdint>

#include "db/connection.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

void write_trouble(db::Connection& connection, std::int64_t job, const JobTrouble& trouble);

// Joined to what the job carries already.
void add_warning(db::Connection& connection, std::int64_t job, const JobTrouble& warning);

// The job becomes kFailed with this trouble, unless it is over already.
void stop_job(db::Connection& connection, std::int64_t job, const JobTrouble& trouble, Timestamp now);

}  // namespace imgimport
