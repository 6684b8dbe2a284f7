// What the methods of the store begin with: a transaction's surroundings, and the rows that are locked first.
//
// Locks are taken in one order: jobs by their row, then places by theirs, then the rows of sequences and providers,
// each held to the end of the transaction. Whoever changes a job or its items holds the job; whoever changes records of
// a place or its list of garbage holds the place. So neither needs further locks, and what is read under them stays
// true.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/sql_session.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/result.hpp"
#include "metadata/job_state.hpp"
#include "metadata/sql/dialect.hpp"
#include "metadata/sql/json_rows.hpp"
#include "metadata/sql/rows.hpp"

namespace imgimport::sql {

struct Work {
  db::SqlSession& session;
  const Dialect& dialect;
  Timestamp now;

  Rows select(db::Sql text, db::SqlArguments arguments = {}) const { return sql::select(session, text, arguments); }
  std::optional<std::int64_t> integer(db::Sql text, db::SqlArguments arguments = {}) const {
    return session.integer(text, arguments);
  }
  std::int64_t run(db::Sql text, db::SqlArguments arguments = {}) const { return session.run(text, arguments); }
  // Of no rows: nothing is sent.
  std::int64_t run_rows(db::Sql text, JsonRows& rows) const {
    return rows.empty() ? 0 : session.run(text, {{"rows", rows.take()}});
  }
};

// kNotFound.
Result<JobState> find_job(const Work& work, const JobId& id);
Result<JobState> lock_job(const Work& work, const JobId& id);
// Those that exist, in the order of their rows.
std::vector<JobState> lock_jobs(const Work& work, std::span<const JobId> ids);
// kNotFound; kConflict (stale_epoch): somebody else drives the job now.
Result<JobState> find_leased_job(const Work& work, const JobLease& lease);
Result<JobState> lock_leased_job(const Work& work, const JobLease& lease);

void lock_place(const Work& work, std::int64_t place);

// The last batch id that was given out.
std::int64_t last_batch(const Work& work);
// Takes `count` batch ids; returns the first of them.
std::int64_t take_batches(const Work& work, std::int64_t count);

// A document of one column named word.
std::string words(std::span<const std::string> texts);
std::string words(std::string_view text);

// The job becomes kFailed with this trouble, unless it is over already. REQUIRES: as discard_begun()
void stop_job(const Work& work, std::int64_t job, const JobTrouble& trouble);
void write_trouble(const Work& work, std::int64_t job, const JobTrouble& trouble);
// Joined to what the job carries already.
void add_warning(const Work& work, const JobState& job, const JobTrouble& warning);

}  // namespace imgimport::sql
