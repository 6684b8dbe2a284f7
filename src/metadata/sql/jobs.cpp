// JobStore, apart from report_damage.
#include <limits>

#include "metadata/rules.hpp"
#include "metadata/sql/garbage.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sql/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::Row;
using sql::Rows;
using sql::Work;

namespace {

Result<Job> read_job(const Work& work, const JobId& id) {
  const Rows rows = work.select(work.dialect.job_by_uuid, {{"uuid", stored_text(id.value())}});
  if (rows.empty()) return no_such_job(id);
  return sql::job(rows[0]);
}

std::vector<Job> read_jobs(const Rows& rows) {
  std::vector<Job> jobs;
  jobs.reserve(rows.size());
  for (const Row row : rows) jobs.push_back(sql::job(row));
  return jobs;
}

Result<void> insert_job(const Work& work, const NewJob& job, std::string_view owner, std::chrono::milliseconds ttl) {
  JsonRows rows;
  rows.row()
      .add("uuid", job.id.value())
      .add("idempotency_key", or_null(job.idempotency_key))
      .add("folder_url", job.folder_url)
      .add("root_id", job.root.id.value())
      .add("root_name", job.root.name)
      .add("root_resource_key", job.root.resource_key)
      .add("root_shared_drive", job.root.shared_drive.value())
      .add("recursive", job.recursive)
      .add("dry_run", job.dry_run)
      .add("filters", filters_to_json(job.filters))
      .add("owner", owner)
      .add("leased_until", to_millis(work.now + ttl))
      .add("created_at", to_millis(work.now));
  work.run_rows(work.dialect.insert_job, rows);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobState added, sql::find_job(work, job.id));
  rows.row()
      .add("n", 0)
      .add("job", added.row)
      .add("depth", 0)
      .add("drive_id", job.root.id.value())
      .add("name", job.root.name)
      .add("resource_key", job.root.resource_key)
      .add("shared_drive", job.root.shared_drive.value())
      .add("path", "")
      .add("page_token", "");
  work.run_rows(work.dialect.insert_folders, rows);
  return {};
}

}  // namespace

Result<JobStore::Created> SqlMetadataStore::create_job(const CallContext& context, const NewJob& job,
                                                       std::string_view owner, std::chrono::milliseconds ttl) {
  return write_once(context, [&](const Work& work) -> Result<Created> {
    if (!job.idempotency_key.empty()) {
      const Rows rows = work.select(dialect_.job_by_key, {{"rows", sql::words(job.idempotency_key)}});
      if (!rows.empty()) {
        Job existing = sql::job(rows[0]);
        if (is_same_request(existing, job)) return Created{std::move(existing), true};
        return idempotency_key_reused();
      }
    }
    if (sql::find_job(work, job.id).has_value()) {
      return Error(ErrorCode::kConflict, "there is a job " + job.id.value() + " already").with_reason("job_exists");
    }
    IMGIMPORT_RETURN_IF_ERROR(insert_job(work, job, owner, ttl));
    IMGIMPORT_ASSIGN_OR_RETURN(Job created, read_job(work, job.id));
    return Created{std::move(created), false};
  });
}

Result<Job> SqlMetadataStore::job(const CallContext& context, const JobId& id) {
  return read(context, [&](const Work& work) { return read_job(work, id); });
}

Result<Job> SqlMetadataStore::job_by_key(const CallContext& context, std::string_view idempotency_key) {
  return read(context, [&](const Work& work) -> Result<Job> {
    const Rows rows = work.select(dialect_.job_by_key, {{"rows", sql::words(idempotency_key)}});
    if (rows.empty()) return no_such_key();
    return sql::job(rows[0]);
  });
}

Result<std::vector<Job>> SqlMetadataStore::jobs(const CallContext& context, const JobId& before, std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<Job>> {
    std::int64_t below = std::numeric_limits<std::int64_t>::max();
    if (!before.value().empty()) {
      IMGIMPORT_ASSIGN_OR_RETURN(const JobState last, sql::find_job(work, before));
      below = last.row;
    }
    return read_jobs(
        work.select(dialect_.jobs_before, {{"before", below}, {"limit", static_cast<std::int64_t>(limit)}}));
  });
}

Result<std::vector<Item>> SqlMetadataStore::items(const CallContext& context, const ItemQuery& wanted) {
  return read(context, [&](const Work& work) -> Result<std::vector<Item>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_job(work, wanted.job));
    const auto limit = static_cast<std::int64_t>(wanted.limit);
    const Rows rows =
        wanted.state
            ? work.select(dialect_.items_in_state, {{"job", job.row},
                                                    {"after", wanted.after.value()},
                                                    {"state", static_cast<std::int64_t>(*wanted.state)},
                                                    {"limit", limit}})
            : work.select(dialect_.items, {{"job", job.row}, {"after", wanted.after.value()}, {"limit", limit}});
    std::vector<Item> items;
    items.reserve(rows.size());
    for (const Row row : rows) items.push_back(sql::item(row));
    return items;
  });
}

Result<std::vector<Job>> SqlMetadataStore::unfinished_jobs(const CallContext& context) {
  return read(context, [&](const Work& work) -> Result<std::vector<Job>> {
    return read_jobs(work.select(dialect_.unfinished_jobs));
  });
}

Result<JobLease> SqlMetadataStore::claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                                             std::string_view owner, std::chrono::milliseconds ttl) {
  return write_once(context, [&](const Work& work) -> Result<JobLease> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_leased_job(work, {id, seen_epoch}));
    JsonRows rows;
    rows.row().add("id", job.row).add("owner", owner).add("until", to_millis(work.now + ttl));
    work.run_rows(dialect_.update_lease, rows);
    return JobLease{id, seen_epoch + 1};
  });
}

Result<std::vector<JobLease>> SqlMetadataStore::renew_leases(const CallContext& context,
                                                             std::span<const JobLease> leases,
                                                             std::chrono::milliseconds ttl) {
  if (leases.empty()) return std::vector<JobLease>();
  return write(context, [&](const Work& work) -> Result<std::vector<JobLease>> {
    std::vector<JobId> ids;
    for (const JobLease& lease : leases) ids.push_back(lease.job);
    std::map<std::string, JobState> jobs;
    for (JobState& job : sql::lock_jobs(work, ids)) jobs.emplace(job.uuid, std::move(job));
    std::vector<JobLease> kept;
    JsonRows rows;
    for (const JobLease& lease : leases) {
      const auto job = jobs.find(lease.job.value());
      if (job == jobs.end() || job->second.epoch != lease.epoch) continue;
      kept.push_back(lease);
      rows.row().add("id", job->second.row).add("until", to_millis(work.now + ttl));
    }
    work.run_rows(dialect_.renew_leases, rows);
    return kept;
  });
}

Result<Job> SqlMetadataStore::cancel_job(const CallContext& context, const JobId& id) {
  return write(context, [&](const Work& work) -> Result<Job> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_job(work, id));
    const bool done = job.status == JobStatus::kCompleted && (job.deferred == 0 || job.dry_run);
    if (job.status == JobStatus::kCancelled || done) return read_job(work, id);
    sql::discard_begun(work, job.row, Discard::kAbandoned);
    work.run(dialect_.cancel_items, {{"job", job.row}});
    work.run(dialect_.cancel_job, {{"now", to_millis(work.now)}, {"job", job.row}});
    Tally tally;
    tally.move(ItemState::kPending, ItemState::kCancelled, job.pending);
    tally.move(ItemState::kDeferred, ItemState::kCancelled, job.deferred);
    sql::settle(work, job.row, tally);
    return read_job(work, id);
  });
}

Result<std::int64_t> SqlMetadataStore::retry_job(const CallContext& context, const JobId& id) {
  return write_once(context, [&](const Work& work) -> Result<std::int64_t> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_job(work, id));
    if (job.dry_run) {
      return Error(ErrorCode::kConflict, "a dry run has nothing to retry")
          .with_reason("dry_run")
          .with_remedy("Import the folder without dry_run.");
    }
    Tally tally;
    std::int64_t moved = 0;
    for (const Row row : work.select(dialect_.count_retryable, {{"job", job.row}})) {
      const std::int64_t items = row.integer("items");
      tally.move(static_cast<ItemState>(row.integer("state")), ItemState::kPending, items);
      moved += items;
    }
    const auto folders = work.run(dialect_.retry_folders, {{"job", job.row}});
    const bool reopened = job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled || folders > 0;
    if (moved == 0 && !reopened) return 0;
    work.run(dialect_.retry_items, {{"job", job.row}});
    if (reopened) {
      const bool listed = job.listed && folders == 0;
      const JobStatus status = listed ? JobStatus::kProcessing : JobStatus::kListing;
      work.run(dialect_.reopen_job, {{"status", static_cast<std::int64_t>(status)},
                                     {"listed", static_cast<std::int64_t>(listed)},
                                     {"job", job.row}});
    }
    sql::settle(work, job.row, tally);
    return moved;
  });
}

}  // namespace imgimport
