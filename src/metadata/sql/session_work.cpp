#include "metadata/sql/session_work.hpp"

#include "metadata/rules.hpp"
#include "metadata/sql/garbage.hpp"
#include "metadata/values.hpp"

namespace imgimport::sql {
namespace {

JobState job_state(const Row& row) {
  JobState job;
  job.row = row.integer("id");
  job.uuid = row.text("uuid");
  job.status = static_cast<JobStatus>(row.integer("status"));
  job.listed = row.flag("listed");
  job.dry_run = row.flag("dry_run");
  job.pending = row.integer("pending");
  job.deferred = row.integer("deferred");
  job.epoch = row.integer("epoch");
  return job;
}

Result<JobState> read_job_state(const Work& work, db::Sql text, const JobId& id) {
  const Rows rows = work.select(text, {{"uuid", stored_text(id.value())}});
  if (rows.empty()) {
    return no_such_job(id);
  }
  return job_state(rows[0]);
}

Result<JobState> check_lease(Result<JobState> job, const JobLease& lease) {
  if (job.has_value() && job->epoch != lease.epoch) {
    return stale_epoch(lease);
  }
  return job;
}

}  // namespace

Result<JobState> find_job(const Work& work, const JobId& id) {
  return read_job_state(work, work.dialect.find_job, id);
}

Result<JobState> lock_job(const Work& work, const JobId& id) {
  return read_job_state(work, work.dialect.lock_job, id);
}

std::vector<JobState> lock_jobs(const Work& work, std::span<const JobId> ids) {
  std::vector<std::string> names;
  names.reserve(ids.size());
  for (const JobId& id : ids) names.push_back(id.value());
  std::vector<JobState> jobs;
  if (names.empty()) return jobs;
  for (const Row row : work.select(work.dialect.lock_jobs, {{"rows", words(names)}})) jobs.push_back(job_state(row));
  return jobs;
}

Result<JobState> find_leased_job(const Work& work, const JobLease& lease) {
  return check_lease(find_job(work, lease.job), lease);
}

Result<JobState> lock_leased_job(const Work& work, const JobLease& lease) {
  return check_lease(lock_job(work, lease.job), lease);
}

void lock_place(const Work& work, std::int64_t place) {
  work.integer(work.dialect.lock_place, {{"place", place}});
}

std::int64_t last_batch(const Work& work) {
  return work.integer(work.dialect.last_batch).value_or(0);
}

std::int64_t take_batches(const Work& work, std::int64_t count) {
  return work.integer(work.dialect.take_batches, {{"count", count}}).value_or(0) - count + 1;
}

std::string words(std::span<const std::string> texts) {
  JsonRows rows;
  for (const std::string& text : texts) rows.row().add("word", text);
  return rows.take();
}

std::string words(std::string_view text) {
  JsonRows rows;
  return rows.row().add("word", text).take();
}

void write_trouble(const Work& work, std::int64_t job, const JobTrouble& trouble) {
  JsonRows rows;
  rows.row().add("id", job).add("reason", trouble.reason).add("message", trouble.message).add("remedy", trouble.remedy);
  work.run_rows(work.dialect.set_trouble, rows);
}

void add_warning(const Work& work, const JobState& job, const JobTrouble& warning) {
  const Rows rows = work.select(work.dialect.job_by_uuid, {{"uuid", job.uuid}});
  write_trouble(work, job.row, joined(rows.empty() ? std::nullopt : sql::job(rows[0]).trouble, warning));
}

void stop_job(const Work& work, std::int64_t job, const JobTrouble& trouble) {
  const auto stopped = work.run(work.dialect.fail_job, {{"now", to_millis(work.now)}, {"job", job}});
  if (stopped == 0) return;
  write_trouble(work, job, trouble);
  discard_begun(work, job, Discard::kInDoubt);
}

}  // namespace imgimport::sql
