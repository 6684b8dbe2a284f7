// The list of garbage, and ImageStore's methods on it.
#include "metadata/sqlite/garbage.hpp"

#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

// Much longer than the time between an upload and its commit.

struct Candidate {
  std::int64_t record = 0;  // of a deletion cut short; 0 for a key on the list
  ObjectKey key;
};

// Deletions that were begun before `before` and not finished: the record gives way to an entry of the list.
void adopt_deletions(db::Connection& connection, std::int64_t place, Timestamp now, Timestamp before,
                     std::size_t limit) {
  connection.query("DELETE FROM images WHERE place_id = ?1 AND deleting = 1 AND deleting <> 0 AND deleting_at <= ?2")
      .bind(place, to_millis(before))
      .run();
  std::vector<Candidate> stuck;
  {
    auto query = connection.query(
        "SELECT id, object_key FROM images INDEXED BY images_going "
        "WHERE place_id = ?1 AND deleting <> 0 AND deleting_at <= ?2 LIMIT ?3");
    query.bind(place, to_millis(before), limit);
    while (query.next()) stuck.push_back({query.integer(0), ObjectKey(query.text(1))});
  }
  for (const Candidate& candidate : stuck) {
    connection.query("DELETE FROM images WHERE id = ?1").bind(candidate.record).run();
    discard_key(connection, place, candidate.key, Discard::kOrphaned, now);
  }
}

std::vector<ObjectKey> claimable_keys(db::Connection& connection, std::int64_t place, Timestamp now, Timestamp before,
                                      std::size_t limit) {
  std::vector<ObjectKey> keys;
  const auto collect = [&](db::Query& query) {
    while (query.next()) keys.emplace_back(query.text(0));
  };
  auto waiting = connection.query(
      "SELECT object_key FROM garbage INDEXED BY garbage_by_state "
      "WHERE place_id = ?1 AND state = 0 AND since <= ?2 ORDER BY since LIMIT ?3");
  collect(waiting.bind(place, to_millis(now), limit));
  if (keys.size() >= limit) return keys;
  auto cut_short = connection.query(
      "SELECT object_key FROM garbage INDEXED BY garbage_by_state "
      "WHERE place_id = ?1 AND state = 1 AND since <= ?2 ORDER BY since LIMIT ?3");
  collect(cut_short.bind(place, to_millis(before), limit - keys.size()));
  return keys;
}

// Of a key that is on the list already: ?1 its time, ?2 and ?3 `again` while it waits and while it is being removed.
constexpr db::SqlText kListedAnew(
    " ON CONFLICT (place_id, object_key) DO UPDATE SET state = CASE state WHEN 2 THEN 0 ELSE state END,"
    " since = CASE state WHEN 1 THEN since ELSE ?1 END, again = again | CASE state WHEN 1 THEN ?3 ELSE ?2 END");
constexpr auto kDiscardKey =
    "INSERT INTO garbage (place_id, object_key, state, since, again) VALUES (?4, ?5, 0, ?1, ?2)" + kListedAnew;
constexpr auto kDiscardBegun =
    "INSERT INTO garbage (place_id, object_key, state, since, again)"
    " SELECT b.place_id, i.object_key, 0, ?1, ?2 FROM begun_batches b CROSS JOIN items i INDEXED BY items_in_batch"
    " LEFT JOIN images own ON own.place_id = b.place_id AND own.drive_id = i.drive_id AND own.deleting = 0"
    " AND own.object_key = i.object_key"
    " WHERE b.job_id = ?4 AND i.job_id = b.job_id AND i.batch_id = b.batch_id AND i.state = 1"
    " AND i.batch_id IS NOT NULL AND i.object_key <> '' AND own.id IS NULL" +
    kListedAnew;

}  // namespace

bool is_key_shared(db::Connection& connection, std::int64_t place, const ObjectKey& key, std::int64_t except) {
  auto query = connection.query(
      "SELECT 1 FROM images INDEXED BY images_shared "
      "WHERE place_id = ?1 AND key_hash = ?2 AND shared = 1 AND object_key = ?3 AND deleting = 0 AND id <> ?4 LIMIT 1");
  return query.bind(place, key_hash(key), key.value(), except).next();
}

void discard_key(db::Connection& connection, std::int64_t place, const ObjectKey& key, Discard why, Timestamp now) {
  if (key.value().empty() || is_key_shared(connection, place, key, 0)) return;
  const DiscardColumns columns = discard_columns(why, now);
  connection.query(kDiscardKey).bind(columns.since, columns.again, columns.again_if_removing, place, key.value()).run();
}

void discard_begun(db::Connection& connection, std::int64_t job, Discard why, Timestamp now) {
  const DiscardColumns columns = discard_columns(why, now);
  connection.query(kDiscardBegun).bind(columns.since, columns.again, columns.again_if_removing, job).run();
  connection.query("DELETE FROM begun_batches WHERE job_id = ?1").bind(job).run();
}

void take_off_list(db::Connection& connection, std::int64_t place, const ObjectKey& key) {
  connection.query("DELETE FROM garbage WHERE place_id = ?1 AND object_key = ?2").bind(place, key.value()).run();
}

void remember_gone(db::Connection& connection, std::int64_t place, const ObjectKey& key, Timestamp now) {
  connection
      .query(
          "INSERT INTO garbage (place_id, object_key, state, since, after_batch) VALUES (?1, ?2, 2, ?3, ?4)"
          " ON CONFLICT (place_id, object_key) DO UPDATE SET"
          " state = CASE WHEN state = 0 OR again <> 0 THEN 0 ELSE 2 END,"
          " since = CASE WHEN state = 0 THEN since WHEN again = 2 THEN ?5 ELSE ?3 END,"
          " again = CASE WHEN state = 0 THEN again WHEN again & 1 THEN again & 2 ELSE 0 END, after_batch = ?4")
      .bind(place, key.value(), to_millis(now), last_batch(connection), to_millis(now + kUploadLimit))
      .run();
}

Result<std::vector<ObjectKey>> SqliteMetadataStore::claim_garbage(const CallContext& context, const StorePlace& place,
                                                                  std::size_t limit) {
  return write(context, [&](db::Connection& connection) -> Result<std::vector<ObjectKey>> {
    const auto row = find_place(connection, place);
    if (!row) return std::vector<ObjectKey>();
    const Timestamp now = clock_.now();
    const Timestamp before = now - removal_grace_;
    connection.query("DELETE FROM garbage WHERE place_id = ?1 AND state = 2 AND since <= ?2")
        .bind(row->place, to_millis(now - kRememberGone))
        .run();
    // Items never come back into a batch.
    connection
        .query(
            "DELETE FROM begun_batches WHERE place_id = ?1 AND NOT EXISTS (SELECT 1 FROM items i INDEXED BY"
            " items_in_batch WHERE i.job_id = begun_batches.job_id AND i.batch_id = begun_batches.batch_id"
            " AND i.state = 1 AND i.batch_id IS NOT NULL)")
        .bind(row->place)
        .run();
    adopt_deletions(connection, row->place, now, before, limit);
    std::vector<ObjectKey> claimed;
    auto mark = connection.query(
        "UPDATE garbage SET state = 1, again = again & 2, since = ?3"
        " WHERE place_id = ?1 AND object_key = ?2");
    for (ObjectKey& key : claimable_keys(connection, row->place, now, before, limit)) {
      if (is_key_shared(connection, row->place, key, 0)) {
        take_off_list(connection, row->place, key);
        continue;
      }
      mark.bind(row->place, key.value(), to_millis(now)).run();
      claimed.push_back(std::move(key));
    }
    return claimed;
  });
}

Result<void> SqliteMetadataStore::forget_garbage(const CallContext& context, const StorePlace& place,
                                                 std::span<const ObjectKey> keys) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    const auto row = find_place(connection, place);
    if (!row) return {};
    auto marked = connection.query("SELECT 1 FROM garbage WHERE place_id = ?1 AND object_key = ?2 AND state = 1");
    for (const ObjectKey& key : keys) {
      if (marked.bind(row->place, key.value()).next()) remember_gone(connection, row->place, key, clock_.now());
    }
    return {};
  });
}

}  // namespace imgimport
