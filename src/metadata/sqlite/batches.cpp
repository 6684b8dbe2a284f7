// Journal: items into batches, batches to workers.
#include "metadata/rules.hpp"
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/rows.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/sqlite/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr db::SqlText kDueItems(
    "FROM items INDEXED BY items_due "
    "WHERE job_id = ?1 AND state IN (1, 6) AND batch_id IS NULL AND not_before <= ?2 ORDER BY not_before, id LIMIT ?3");
constexpr auto kCountDue = "SELECT count(*), total(state = 6) FROM (SELECT state " + kDueItems + ")";
constexpr auto kGroupDue =
    "UPDATE items SET state = 1, batch_id = ?4, not_before = 0 WHERE id IN (SELECT id " + kDueItems + ")";
// Steps from one batch to the next in the index, instead of reading the entries of all their items.
constexpr db::Sql kReadyBatches =
    "WITH RECURSIVE ready (batch) AS ("
    " SELECT min(batch_id) FROM items INDEXED BY items_in_batch"
    "  WHERE job_id = ?1 AND state = 1 AND batch_id IS NOT NULL AND batch_id > ?2"
    " UNION ALL"
    " SELECT (SELECT min(batch_id) FROM items INDEXED BY items_in_batch"
    "  WHERE job_id = ?1 AND state = 1 AND batch_id IS NOT NULL AND batch_id > ready.batch)"
    " FROM ready WHERE ready.batch IS NOT NULL"
    ") SELECT batch FROM ready WHERE batch IS NOT NULL LIMIT ?3";

constexpr db::Sql kNotBegun =
    "SELECT 1 FROM items i INDEXED BY items_in_batch WHERE i.job_id = ?1 AND i.batch_id = ?2 AND i.state = 1"
    " AND i.batch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM begun_batches b WHERE b.job_id = ?1"
    " AND b.batch_id = ?2 AND b.place_id = ?3) LIMIT 1";

// Of equal content: by SHA-256 where both know it, else by MD5 and size. Records are indexed by their MD5 if they have
// one, so that both hashes of the item must be tried; an item without MD5 finds only records without, but Drive has the
// MD5 of every file whose SHA-256 it has.
constexpr db::SqlText kSameContent(
    "SELECT s.id FROM images s INDEXED BY images_by_content WHERE s.place_id = ?3 AND s.deleting = 0"
    " AND s.damaged = 0"
    " AND coalesce(s.md5, s.sha256) IS NOT NULL AND substr(coalesce(s.md5, s.sha256), 1, 8) = ");
constexpr db::SqlText kSameHashes(
    " AND CASE WHEN s.sha256 IS NOT NULL AND i.sha256 IS NOT NULL THEN s.sha256 = i.sha256"
    " ELSE s.md5 = i.md5 AND s.size_bytes = i.size_bytes END LIMIT 1");

// The batch's pending items; for each the record of its own Drive id (own), and the oldest one of equal content (same).
constexpr auto kOpenBatch =
    "SELECT " + rows::kWorkItemColumns +
    ", own.id, own.object_key, own.size_bytes, own.md5, own.sha256, own.checksum_verified, own.head_revision,"
    " same.id, same.object_key "
    "FROM items i INDEXED BY items_in_batch "
    "LEFT JOIN images own ON own.place_id = ?3 AND own.drive_id = i.drive_id AND own.deleting = 0 "
    "AND own.damaged = 0 "
    "LEFT JOIN images same ON same.id = coalesce((" +
    kSameContent + "substr(i.md5, 1, 8)" + kSameHashes + "), (" + kSameContent + "substr(i.sha256, 1, 8)" +
    kSameHashes +
    ")) "
    "WHERE i.job_id = ?1 AND i.batch_id = ?2 AND i.state = 1 AND i.batch_id IS NOT NULL ORDER BY i.id";

// Columns of kOpenBatch behind those of the item.
enum OwnColumn : int {
  kOwnId = rows::kWorkItemWidth,
  kOwnKey,
  kOwnSize,
  kOwnMd5,
  kOwnSha256,
  kOwnVerified,
  kOwnRevision,
  kSameId,
  kSameKey
};

HeldVersion held_version(const db::Query& query) {
  return {.verified = query.integer(kOwnVerified) != 0,
          .sha256 = hash_hex(query.text(kOwnSha256)),
          .md5 = hash_hex(query.text(kOwnMd5)),
          .size_bytes = query.maybe_integer(kOwnSize),
          .revision = std::string(query.text(kOwnRevision)),
          .key = std::string(query.text(kOwnKey))};
}

std::optional<KnownImage> known_image(const db::Query& query, const WorkItem& item) {
  if (!query.is_null(kOwnId) && is_unchanged(held_version(query), item)) {
    return KnownImage{ImageId(query.integer(kOwnId)), ObjectKey(query.text(kOwnKey)), true};
  }
  if (query.is_null(kSameId)) return std::nullopt;
  const bool own = query.maybe_integer(kOwnId) == query.integer(kSameId);
  return KnownImage{ImageId(query.integer(kSameId)), ObjectKey(query.text(kSameKey)), own};
}

}  // namespace

Result<std::vector<BatchId>> SqliteMetadataStore::group_due(const CallContext& context, const JobLease& lease,
                                                            Timestamp now, std::size_t batch_size, std::size_t limit) {
  return write(context, [&](db::Connection& connection) -> Result<std::vector<BatchId>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, lease));
    std::vector<BatchId> batches;
    if (!job.is_live() || batch_size == 0) return batches;
    Tally tally;
    auto count = connection.query(kCountDue);
    auto group = connection.query(kGroupDue);
    while (batches.size() < limit) {
      count.bind(job.row, to_millis(now), batch_size).next();
      if (count.integer(0) == 0) break;
      tally.move(ItemState::kDeferred, ItemState::kPending, count.integer(1));
      const std::int64_t batch = take_batches(connection, 1);
      group.bind(job.row, to_millis(now), batch_size, batch).run();
      batches.emplace_back(batch);
    }
    if (tally.in(ItemState::kPending) != 0) settle(connection, job.row, tally, clock_.now());
    return batches;
  });
}

Result<std::vector<BatchId>> SqliteMetadataStore::ready_batches(const CallContext& context, const JobLease& lease,
                                                                BatchId after, std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<BatchId>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, lease));
    std::vector<BatchId> batches;
    if (!job.is_live()) return batches;
    auto query = connection.query(kReadyBatches);
    query.bind(job.row, after.value(), limit);
    while (query.next()) batches.emplace_back(query.integer(0));
    return batches;
  });
}

Result<std::optional<Timestamp>> SqliteMetadataStore::next_due(const CallContext& context, const JobId& id) {
  return read(context, [&](db::Connection& connection) -> Result<std::optional<Timestamp>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, id));
    if (!job.is_live()) return std::optional<Timestamp>();
    auto query = connection.query(
        "SELECT min(not_before) FROM items INDEXED BY items_due "
        "WHERE job_id = ?1 AND state IN (1, 6) AND batch_id IS NULL");
    query.bind(job.row).next();
    return from_millis(query.maybe_integer(0));
  });
}

// Before its items are given out: whoever cancels the job afterwards knows that objects may have been stored.
Result<void> SqliteMetadataStore::begin_batch(const CallContext& context, const BatchRef& batch,
                                              const StorePlace& place) {
  const auto is_needed = [&](db::Connection& connection, const JobState& job) {
    if (!job.is_live()) return false;
    const auto place_row = find_place(connection, place);
    auto query = connection.query(kNotBegun);
    return query.bind(job.row, batch.batch.value(), place_row ? place_row->place : 0).next();
  };
  IMGIMPORT_ASSIGN_OR_RETURN(const bool needed, read(context, [&](db::Connection& connection) -> Result<bool> {
                               IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, batch.job));
                               return is_needed(connection, job);
                             }));
  if (!needed) return {};
  return write(context, [&](db::Connection& connection) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, batch.job));
    if (!is_needed(connection, job)) return {};
    connection.query("INSERT INTO begun_batches (job_id, batch_id, place_id) VALUES (?1, ?2, ?3)")
        .bind(job.row, batch.batch.value(), find_or_add_place(connection, place).place)
        .run();
    return {};
  });
}

Result<Batch> SqliteMetadataStore::open_batch(const CallContext& context, const BatchRef& batch,
                                              const StorePlace& place) {
  IMGIMPORT_RETURN_IF_ERROR(begin_batch(context, batch, place));
  return read(context, [&](db::Connection& connection) -> Result<Batch> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, batch.job));
    Batch opened{batch.job, {}};
    if (!job.is_live()) return opened;
    const auto place_row = find_place(connection, place);
    auto query = connection.query(kOpenBatch);
    query.bind(job.row, batch.batch.value(), place_row ? place_row->place : 0);
    while (query.next()) {
      WorkItem item = rows::work_item(query);
      item.known = known_image(query, item);
      opened.items.push_back(std::move(item));
    }
    return opened;
  });
}

}  // namespace imgimport
