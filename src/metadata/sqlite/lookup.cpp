#include "metadata/sqlite/lookup.hpp"

#include "metadata/rules.hpp"
#include "metadata/values.hpp"

namespace imgimport {

Result<JobState> find_job(db::Connection& connection, const JobId& id) {
  auto query =
      connection.query("SELECT id, status, listed, dry_run, pending, deferred, epoch FROM jobs WHERE uuid = ?1");
  if (!query.bind(id.value()).next()) {
    return no_such_job(id);
  }
  JobState job;
  job.row = query.integer(0);
  job.status = static_cast<JobStatus>(query.integer(1));
  job.listed = query.integer(2) != 0;
  job.dry_run = query.integer(3) != 0;
  job.pending = query.integer(4);
  job.deferred = query.integer(5);
  job.epoch = query.integer(6);
  return job;
}

Result<JobState> find_leased_job(db::Connection& connection, const JobLease& lease) {
  IMGIMPORT_ASSIGN_OR_RETURN(JobState job, find_job(connection, lease.job));
  if (job.epoch != lease.epoch) {
    return stale_epoch(lease);
  }
  return job;
}

std::optional<PlaceRow> find_place(db::Connection& connection, const StorePlace& place) {
  auto query = connection.query(
      "SELECT p.id, p.provider_id FROM providers v JOIN places p ON p.provider_id = v.id "
      "WHERE v.name = ?1 AND p.bucket = ?2 AND p.prefix = ?3");
  if (!query.bind(place.provider, place.bucket, place.prefix).next()) return std::nullopt;
  return PlaceRow{query.integer(0), query.integer(1)};
}

PlaceRow find_or_add_place(db::Connection& connection, const StorePlace& place) {
  if (const auto known = find_place(connection, place)) return *known;
  connection.query("INSERT INTO providers (name) VALUES (?1) ON CONFLICT DO NOTHING").bind(place.provider).run();
  connection.query("INSERT INTO places (provider_id, bucket, prefix) SELECT id, ?2, ?3 FROM providers WHERE name = ?1")
      .bind(place.provider, place.bucket, place.prefix)
      .run();
  return *find_place(connection, place);
}

std::int64_t last_batch(db::Connection& connection) {
  auto query = connection.query("SELECT value FROM sequences WHERE name = 'batch'");
  return query.next() ? query.integer(0) : 0;
}

std::int64_t take_batches(db::Connection& connection, std::int64_t count) {
  const std::int64_t last = last_batch(connection);
  connection.query("UPDATE sequences SET value = ?1 WHERE name = 'batch'").bind(last + count).run();
  return last + 1;
}

}  // namespace imgimport
