// JobStore.
#include <limits>

#include "metadata/rules.hpp"
#include "metadata/sqlite/garbage.hpp"
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/rows.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/sqlite/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr db::SqlText kSelectJob = "SELECT " + rows::kJobColumns + "FROM jobs j ";
constexpr auto kJobByUuid = kSelectJob + "WHERE j.uuid = ?1";
constexpr auto kJobByKey = kSelectJob + "WHERE j.idempotency_key = ?1";
constexpr auto kJobsBefore = kSelectJob + "WHERE j.id < ?1 ORDER BY j.id DESC LIMIT ?2";
constexpr auto kUnfinished = kSelectJob +
                             "INDEXED BY jobs_unfinished "
                             "WHERE j.status IN (1, 2) OR (j.status = 3 AND j.deferred > 0) ORDER BY j.id";
constexpr auto kItems = "SELECT " + rows::kItemColumns +
                        "FROM items i INDEXED BY items_by_job WHERE i.job_id = ?1 AND i.id > ?2 ORDER BY i.id LIMIT ?3";
constexpr auto kItemsInState = "SELECT " + rows::kItemColumns +
                               "FROM items i INDEXED BY items_by_state "
                               "WHERE i.job_id = ?1 AND i.state = ?2 AND i.id > ?3 ORDER BY i.id LIMIT ?4";

Result<Job> read_job(db::Connection& connection, const JobId& id) {
  auto query = connection.query(kJobByUuid);
  if (!query.bind(id.value()).next()) {
    return no_such_job(id);
  }
  return rows::job(query).job;
}

std::vector<Job> read_jobs(db::Query& query) {
  std::vector<Job> jobs;
  while (query.next()) jobs.push_back(rows::job(query).job);
  return jobs;
}

void insert_job(db::Connection& connection, const NewJob& job, std::string_view owner, Timestamp now,
                std::chrono::milliseconds ttl) {
  connection
      .query(
          "INSERT INTO jobs (uuid, idempotency_key, folder_url, root_id, root_name, root_resource_key,"
          " root_shared_drive, recursive, dry_run, filters, status, epoch, owner, leased_until, created_at)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, 1, ?11, ?12, ?13)")
      .bind(job.id.value(), or_null(job.idempotency_key), stored_text(job.folder_url), job.root.id.value(),
            stored_text(job.root.name), job.root.resource_key, job.root.shared_drive.value(), job.recursive,
            job.dry_run, filters_to_json(job.filters), std::string(owner), to_millis(now + ttl), to_millis(now))
      .run();
  const std::int64_t row = connection.last_id();
  connection
      .query(
          "INSERT INTO folders (job_id, depth, drive_id, name, resource_key, shared_drive, path, page_token)"
          " VALUES (?1, 0, ?2, ?3, ?4, ?5, '', '')")
      .bind(row, job.root.id.value(), stored_text(job.root.name), job.root.resource_key, job.root.shared_drive.value())
      .run();
}

std::int64_t count_retryable(db::Connection& connection, std::int64_t job, ItemState state) {
  auto query = connection.query("SELECT count(*) FROM items WHERE job_id = ?1 AND state = ?2 AND object_key <> ''");
  query.bind(job, state).next();
  return query.integer(0);
}

}  // namespace

Result<JobStore::Created> SqliteMetadataStore::create_job(const CallContext& context, const NewJob& job,
                                                          std::string_view owner, std::chrono::milliseconds ttl) {
  return write(context, [&](db::Connection& connection) -> Result<Created> {
    if (!job.idempotency_key.empty()) {
      auto query = connection.query(kJobByKey);
      if (query.bind(job.idempotency_key).next()) {
        Job existing = rows::job(query).job;
        if (is_same_request(existing, job)) return Created{std::move(existing), true};
        return idempotency_key_reused();
      }
    }
    if (find_job(connection, job.id).has_value()) {
      return Error(ErrorCode::kConflict, "there is a job " + job.id.value() + " already").with_reason("job_exists");
    }
    insert_job(connection, job, owner, clock_.now(), ttl);
    IMGIMPORT_ASSIGN_OR_RETURN(Job created, read_job(connection, job.id));
    return Created{std::move(created), false};
  });
}

Result<Job> SqliteMetadataStore::job(const CallContext& context, const JobId& id) {
  return read(context, [&](db::Connection& connection) { return read_job(connection, id); });
}

Result<Job> SqliteMetadataStore::job_by_key(const CallContext& context, std::string_view idempotency_key) {
  return read(context, [&](db::Connection& connection) -> Result<Job> {
    auto query = connection.query(kJobByKey);
    if (!query.bind(std::string(idempotency_key)).next()) return no_such_key();
    return rows::job(query).job;
  });
}

Result<std::vector<Job>> SqliteMetadataStore::jobs(const CallContext& context, const JobId& before, std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<Job>> {
    std::int64_t below = std::numeric_limits<std::int64_t>::max();
    if (!before.value().empty()) {
      IMGIMPORT_ASSIGN_OR_RETURN(const JobState last, find_job(connection, before));
      below = last.row;
    }
    auto query = connection.query(kJobsBefore);
    return read_jobs(query.bind(below, limit));
  });
}

Result<std::vector<Item>> SqliteMetadataStore::items(const CallContext& context, const ItemQuery& wanted) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<Item>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, wanted.job));
    auto query = connection.query(wanted.state ? db::Sql(kItemsInState) : db::Sql(kItems));
    if (wanted.state) {
      query.bind(job.row, *wanted.state, wanted.after.value(), wanted.limit);
    } else {
      query.bind(job.row, wanted.after.value(), wanted.limit);
    }
    std::vector<Item> items;
    while (query.next()) items.push_back(rows::item(query));
    return items;
  });
}

Result<std::vector<Job>> SqliteMetadataStore::unfinished_jobs(const CallContext& context) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<Job>> {
    auto query = connection.query(kUnfinished);
    return read_jobs(query);
  });
}

Result<JobLease> SqliteMetadataStore::claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                                                std::string_view owner, std::chrono::milliseconds ttl) {
  return write(context, [&](db::Connection& connection) -> Result<JobLease> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, {id, seen_epoch}));
    connection.query("UPDATE jobs SET epoch = epoch + 1, owner = ?2, leased_until = ?3 WHERE id = ?1")
        .bind(job.row, std::string(owner), to_millis(clock_.now() + ttl))
        .run();
    return JobLease{id, seen_epoch + 1};
  });
}

Result<std::vector<JobLease>> SqliteMetadataStore::renew_leases(const CallContext& context,
                                                                std::span<const JobLease> leases,
                                                                std::chrono::milliseconds ttl) {
  return write(context, [&](db::Connection& connection) -> Result<std::vector<JobLease>> {
    std::vector<JobLease> kept;
    const std::int64_t until = to_millis(clock_.now() + ttl);
    auto query = connection.query("UPDATE jobs SET leased_until = ?3 WHERE uuid = ?1 AND epoch = ?2");
    for (const JobLease& lease : leases) {
      if (query.bind(lease.job.value(), lease.epoch, until).run() == 1) kept.push_back(lease);
    }
    return kept;
  });
}

Result<Job> SqliteMetadataStore::cancel_job(const CallContext& context, const JobId& id) {
  return write(context, [&](db::Connection& connection) -> Result<Job> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, id));
    const bool done = job.status == JobStatus::kCompleted && (job.deferred == 0 || job.dry_run);
    if (job.status == JobStatus::kCancelled || done) return read_job(connection, id);
    const Timestamp now = clock_.now();
    discard_begun(connection, job.row, Discard::kAbandoned, now);
    connection
        .query(
            "UPDATE items SET state = 7, batch_id = NULL, not_before = 0, reason = '', remedy = '' WHERE job_id = ?1"
            " AND state IN (1, 6)")
        .bind(job.row)
        .run();
    connection.query("UPDATE jobs SET status = 5, finished_at = ?2 WHERE id = ?1").bind(job.row, to_millis(now)).run();
    Tally tally;
    tally.move(ItemState::kPending, ItemState::kCancelled, job.pending);
    tally.move(ItemState::kDeferred, ItemState::kCancelled, job.deferred);
    settle(connection, job.row, tally, now);
    return read_job(connection, id);
  });
}

Result<std::int64_t> SqliteMetadataStore::retry_job(const CallContext& context, const JobId& id) {
  return write(context, [&](db::Connection& connection) -> Result<std::int64_t> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, id));
    if (job.dry_run) {
      return Error(ErrorCode::kConflict, "a dry run has nothing to retry")
          .with_reason("dry_run")
          .with_remedy("Import the folder without dry_run.");
    }
    Tally tally;
    std::int64_t moved = 0;
    for (const ItemState state : {ItemState::kFailed, ItemState::kDeferred, ItemState::kCancelled}) {
      const std::int64_t items = count_retryable(connection, job.row, state);
      tally.move(state, ItemState::kPending, items);
      moved += items;
    }
    const int folders = connection.query("UPDATE folders SET done = 0 WHERE job_id = ?1 AND done = ?2")
                            .bind(job.row, kFolderLeftOut)
                            .run();
    const bool reopened = job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled || folders > 0;
    if (moved == 0 && !reopened) return 0;
    connection
        .query(
            "UPDATE items SET state = 1, batch_id = NULL, not_before = 0, attempts = 0, backoffs = 0,"
            " retrying_since = NULL, reason = '', remedy = '' WHERE job_id = ?1 AND state IN (5, 6, 7)"
            " AND object_key <> ''")
        .bind(job.row)
        .run();
    if (reopened) {
      const bool listed = job.listed && folders == 0;
      connection
          .query(
              "UPDATE jobs SET status = ?2, listed = ?3, finished_at = NULL, trouble_reason = NULL,"
              " trouble_message = NULL, trouble_remedy = NULL WHERE id = ?1")
          .bind(job.row, listed ? JobStatus::kProcessing : JobStatus::kListing, listed)
          .run();
    }
    settle(connection, job.row, tally, clock_.now());
    return moved;
  });
}

}  // namespace imgimport
