// JobStore::report_damage.
#include <set>

#include "metadata/sql/garbage.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sql/tally.hpp"

namespace imgimport {

using sql::Row;
using sql::Work;

namespace {

struct Record {
  std::int64_t place = 0;
  ObjectKey key;
  bool live = false;
  bool shared = false;
  std::int64_t size = 0;
  std::int64_t job = 0;
};

struct RelyingItem {
  ItemState state = ItemState::kImported;
  std::int64_t image = 0;
  std::optional<std::int64_t> size;
};

std::map<std::int64_t, Record> read_records(const Work& work, std::span<const JobStore::Damage> damages) {
  JsonRows ids;
  for (const auto& damage : damages) ids.row().add("id", damage.image.value());
  std::map<std::int64_t, Record> records;
  for (const Row row : work.select(work.dialect.records, {{"rows", ids.take()}})) {
    records[row.integer("id")] = {row.integer("place"), ObjectKey(row.text("object_key")), !row.flag("deleting"),
                                  row.flag("shared"),   row.integer("size_bytes"),         row.integer("job")};
  }
  return records;
}

std::map<std::int64_t, RelyingItem> read_items(const Work& work, std::int64_t job,
                                               std::span<const JobStore::Damage> damages) {
  JsonRows ids;
  for (const auto& damage : damages) ids.row().add("id", damage.item.value());
  std::map<std::int64_t, RelyingItem> items;
  for (const Row row : work.select(work.dialect.relying_items, {{"rows", ids.take()}, {"job", job}})) {
    items[row.integer("id")] = {static_cast<ItemState>(row.integer("state")), row.integer("image"),
                                row.maybe_integer("size_bytes")};
  }
  return items;
}

void lock_places(const Work& work, const std::map<std::int64_t, Record>& records) {
  std::set<std::int64_t> places;
  for (const auto& [id, record] : records) places.insert(record.place);
  for (const std::int64_t place : places) sql::lock_place(work, place);
}

}  // namespace

Result<std::int64_t> SqlMetadataStore::report_damage(const CallContext& context, const JobId& id,
                                                     std::span<const Damage> damages) {
  return write_once(context, [&](const Work& work) -> Result<std::int64_t> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_job(work, id));
    if (damages.empty()) return 0;
    lock_places(work, read_records(work, damages));
    const auto records = read_records(work, damages);
    auto items = read_items(work, job.row, damages);
    Tally tally;
    JsonRows marked;
    std::map<std::int64_t, std::set<ObjectKey>> shared;  // by place
    JsonRows failed;
    for (const Damage& damage : damages) {
      const auto record = records.find(damage.image.value());
      if (record == records.end() || !record->second.live || record->second.key != damage.key) continue;
      marked.row().add("id", damage.image.value());
      if (record->second.shared) shared[record->second.place].insert(damage.key);
      const auto item = items.find(damage.item.value());
      if (item == items.end() || item->second.image != damage.image.value()) continue;
      failed.row().add("id", damage.item.value()).add("reason", damage.reason).add("remedy", damage.remedy);
      tally.move(item->second.state, ItemState::kFailed);
      // A record that another job has stored since tells the size of another version.
      const bool own = record->second.job == job.row;
      const std::int64_t size = own ? record->second.size : item->second.size.value_or(record->second.size);
      if (item->second.state == ItemState::kImported) tally.bytes -= size;
      items.erase(item);
    }
    work.run_rows(dialect_.mark_damaged, marked);
    for (const auto& [place, keys] : shared) {
      work.run(dialect_.mark_damaged_keys, {{"rows", sql::key_rows(place, keys)}});
    }
    work.run_rows(dialect_.fail_damaged, failed);
    const std::int64_t count = tally.in(ItemState::kFailed);
    if (count != 0) sql::settle(work, job.row, tally);
    return count;
  });
}

}  // namespace imgimport
