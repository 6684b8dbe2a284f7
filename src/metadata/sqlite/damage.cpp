// JobStore::report_damage, and the mark's end.
#include "metadata/sqlite/damage.hpp"

#include <optional>

#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/sqlite/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

struct Record {
  std::int64_t place = 0;
  bool shared = false;
};

struct RelyingItem {
  ItemState state = ItemState::kImported;
  std::int64_t size = 0;  // what it counts in its job's bytes if it was imported
};

// nullopt: it is being deleted, or points to another object by now.
std::optional<Record> find_record(db::Connection& connection, const JobStore::Damage& damage) {
  auto query =
      connection.query("SELECT place_id, shared FROM images WHERE id = ?1 AND object_key = ?2 AND deleting = 0");
  if (!query.bind(damage.image.value(), damage.key.value()).next()) return std::nullopt;
  return Record{query.integer(0), query.integer(1) != 0};
}

void mark(db::Connection& connection, const Record& record, const JobStore::Damage& damage) {
  connection.query("UPDATE images SET damaged = 1 WHERE id = ?1 AND damaged = 0").bind(damage.image.value()).run();
  if (!record.shared) return;
  connection
      .query(
          "UPDATE images INDEXED BY images_shared SET damaged = 1"
          " WHERE place_id = ?1 AND key_hash = ?2 AND shared = 1 AND object_key = ?3 AND damaged = 0")
      .bind(record.place, key_hash(damage.key), damage.key.value())
      .run();
}

// nullopt: the item does not rely on that record, or no more. A record that another job has stored since tells the size
// of another version.
std::optional<RelyingItem> find_item(db::Connection& connection, std::int64_t job, const JobStore::Damage& damage) {
  auto query = connection.query(
      "SELECT i.state, CASE WHEN m.job_id = i.job_id THEN m.size_bytes ELSE coalesce(i.size_bytes, m.size_bytes) END "
      "FROM items i JOIN images m ON m.id = i.image_id "
      "WHERE i.id = ?1 AND i.job_id = ?2 AND i.image_id = ?3 AND i.state IN (2, 3, 4)");
  if (!query.bind(damage.item.value(), job, damage.image.value()).next()) return std::nullopt;
  return RelyingItem{static_cast<ItemState>(query.integer(0)), query.integer(1)};
}

void fail_item(db::Connection& connection, const JobStore::Damage& damage) {
  connection.query("UPDATE items SET state = 5, image_id = NULL, reason = ?2, remedy = ?3 WHERE id = ?1")
      .bind(damage.item.value(), stored_text(damage.reason), stored_text(damage.remedy))
      .run();
}

}  // namespace

void clear_damage(db::Connection& connection, std::int64_t place, const ObjectKey& key) {
  connection
      .query(
          "UPDATE images INDEXED BY images_shared SET damaged = 0"
          " WHERE place_id = ?1 AND key_hash = ?2 AND shared = 1 AND object_key = ?3 AND damaged = 1")
      .bind(place, key_hash(key), key.value())
      .run();
}

Result<std::int64_t> SqliteMetadataStore::report_damage(const CallContext& context, const JobId& id,
                                                        std::span<const Damage> damages) {
  return write(context, [&](db::Connection& connection) -> Result<std::int64_t> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, id));
    Tally tally;
    for (const Damage& damage : damages) {
      const auto record = find_record(connection, damage);
      if (!record) continue;
      mark(connection, *record, damage);
      const auto item = find_item(connection, job.row, damage);
      if (!item) continue;
      fail_item(connection, damage);
      tally.move(item->state, ItemState::kFailed);
      if (item->state == ItemState::kImported) tally.bytes -= item->size;
    }
    const std::int64_t failed = tally.in(ItemState::kFailed);
    if (failed != 0) settle(connection, job.row, tally, clock_.now());
    return failed;
  });
}

}  // namespace imgimport
