#include "metadata/sql/garbage.hpp"

#include "metadata/sql/image_index.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace sql {
namespace {

// Much longer than the time between an upload and its commit.
// Longer than any call is tried again.
constexpr std::chrono::hours kRememberCalls{24};

std::string garbage_rows(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys,
                         std::int64_t after_batch) {
  JsonRows rows;
  for (const ObjectKey& key : keys) {
    rows.row()
        .add("place", place)
        .add("object_key", key.value())
        .add("now", to_millis(work.now))
        .add("later", to_millis(work.now + kUploadLimit))
        .add("after_batch", after_batch);
  }
  return rows.take();
}

std::string discarded_rows(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys, Discard why) {
  const DiscardColumns columns = discard_columns(why, work.now);
  JsonRows rows;
  for (const ObjectKey& key : keys) {
    rows.row()
        .add("place", place)
        .add("object_key", key.value())
        .add("since", columns.since)
        .add("again", columns.again)
        .add("again_if_removing", columns.again_if_removing);
  }
  return rows.take();
}

std::string names_of(const std::set<ObjectKey>& keys) {
  JsonRows rows;
  for (const ObjectKey& key : keys) rows.row().add("object_key", key.value());
  return rows.take();
}

void update_gone(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys) {
  work.run(work.dialect.update_gone, {{"rows", garbage_rows(work, place, keys, last_batch(work))}});
}

// Deletions that were begun before `before` and not finished: the record gives way to an entry of the list.
void adopt_deletions(const Work& work, std::int64_t place, std::int64_t before, std::int64_t limit) {
  work.run(work.dialect.purge_copies, {{"place", place}, {"before", before}});
  JsonRows records;
  std::set<ObjectKey> keys;
  for (const Row row :
       work.select(work.dialect.stuck_deletions, {{"place", place}, {"before", before}, {"limit", limit}})) {
    records.row().add("id", row.integer("id"));
    keys.insert(ObjectKey(row.text("object_key")));
  }
  work.run_rows(work.dialect.delete_images, records);
  discard_keys(work, place, std::move(keys), Discard::kOrphaned);
}

std::vector<ObjectKey> claimable_keys(const Work& work, std::int64_t place, std::int64_t before, std::int64_t limit) {
  std::vector<ObjectKey> keys;
  for (const Row row :
       work.select(work.dialect.waiting_keys, {{"place", place}, {"now", to_millis(work.now)}, {"limit", limit}})) {
    keys.emplace_back(row.text("object_key"));
  }
  const std::int64_t rest = limit - static_cast<std::int64_t>(keys.size());
  if (rest <= 0) return keys;
  for (const Row row :
       work.select(work.dialect.cut_short_keys, {{"place", place}, {"before", before}, {"limit", rest}})) {
    keys.emplace_back(row.text("object_key"));
  }
  return keys;
}

std::vector<ObjectKey> claim(const Work& work, std::int64_t place, std::int64_t before, std::int64_t limit) {
  const auto keys = claimable_keys(work, place, before, limit);
  const auto needed = shared_keys(work, place, {keys.begin(), keys.end()});
  take_off_list(work, place, needed);
  std::vector<ObjectKey> claimed;
  for (const ObjectKey& key : keys) {
    if (!needed.contains(key)) claimed.push_back(key);
  }
  if (claimed.empty()) return claimed;
  work.run(work.dialect.mark_claimed, {{"rows", garbage_rows(work, place, {claimed.begin(), claimed.end()}, 0)}});
  return claimed;
}

}  // namespace

std::string key_rows(std::int64_t place, const std::set<ObjectKey>& keys) {
  JsonRows rows;
  for (const ObjectKey& key : keys) {
    rows.row().add("place", place).add("key_hash", key_hash(key)).add("object_key", key.value());
  }
  return rows.take();
}

std::set<ObjectKey> shared_keys(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys,
                                std::int64_t except) {
  std::set<ObjectKey> shared;
  if (keys.empty()) return shared;
  for (const Row row : work.select(work.dialect.sharing, {{"rows", key_rows(place, keys)}})) {
    if (row.integer("id") != except) shared.insert(ObjectKey(row.text("object_key")));
  }
  return shared;
}

void discard_keys(const Work& work, std::int64_t place, std::set<ObjectKey> keys, Discard why) {
  keys.erase(ObjectKey());
  for (const ObjectKey& key : shared_keys(work, place, keys)) keys.erase(key);
  if (keys.empty()) return;
  const std::string rows = discarded_rows(work, place, keys, why);
  work.run(work.dialect.update_discarded, {{"rows", rows}});
  work.run(work.dialect.insert_discarded, {{"rows", rows}});
}

std::set<std::int64_t> begun_places(const Work& work, std::int64_t job) {
  std::set<std::int64_t> places;
  for (const Row row : work.select(work.dialect.begun_places, {{"job", job}})) places.insert(row.integer("place"));
  return places;
}

void discard_begun(const Work& work, std::int64_t job, Discard why) {
  const auto places = begun_places(work, job);
  for (const std::int64_t place : places) {
    lock_place(work, place);
    std::set<ObjectKey> keys;
    for (const Row row : work.select(work.dialect.begun_keys, {{"job", job}, {"place", place}})) {
      keys.insert(ObjectKey(row.text("object_key")));
    }
    discard_keys(work, place, std::move(keys), why);
  }
  if (!places.empty()) work.run(work.dialect.forget_begun, {{"job", job}});
}

void take_off_list(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys) {
  if (keys.empty()) return;
  work.run(work.dialect.take_off_list, {{"place", place}, {"rows", names_of(keys)}});
}

}  // namespace sql

using sql::Row;
using sql::Rows;
using sql::Work;

Result<std::vector<ObjectKey>> SqlMetadataStore::claim_garbage(const CallContext& context, const StorePlace& place,
                                                               std::size_t limit) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto row, find_place(context, place));
  if (!row) return std::vector<ObjectKey>();
  return write_once(context, [&](const Work& work) -> Result<std::vector<ObjectKey>> {
    sql::lock_place(work, row->place);
    work.run(dialect_.forget_calls, {{"before", to_millis(work.now - sql::kRememberCalls)}});
    work.run(dialect_.purge_gone, {{"place", row->place}, {"before", to_millis(work.now - kRememberGone)}});
    work.run(dialect_.purge_begun, {{"place", row->place}});
    const std::int64_t before = to_millis(work.now - removal_grace_);
    sql::adopt_deletions(work, row->place, before, static_cast<std::int64_t>(limit));
    return sql::claim(work, row->place, before, static_cast<std::int64_t>(limit));
  });
}

Result<void> SqlMetadataStore::forget_garbage(const CallContext& context, const StorePlace& place,
                                              std::span<const ObjectKey> keys) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto row, find_place(context, place));
  if (!row || keys.empty()) return {};
  return write(context, [&](const Work& work) -> Result<void> {
    sql::lock_place(work, row->place);
    std::set<ObjectKey> removed;
    const std::string names = sql::names_of({keys.begin(), keys.end()});
    for (const Row entry : work.select(dialect_.being_removed, {{"place", row->place}, {"rows", names}})) {
      removed.insert(ObjectKey(entry.text("object_key")));
    }
    if (!removed.empty()) sql::update_gone(work, row->place, removed);
    return {};
  });
}

// The record tells of its place, and the place must be locked before the record is believed.
Result<ImageStore::Deletion> SqlMetadataStore::begin_delete(const CallContext& context, ImageId id) {
  return write(context, [&](const Work& work) -> Result<Deletion> {
    const auto record = [&] {
      JsonRows rows;
      return work.select(dialect_.records, {{"rows", rows.row().add("id", id.value()).take()}});
    };
    const Rows seen = record();
    if (seen.empty()) return no_such_image(id);
    const std::int64_t place = seen[0].integer("place");
    sql::lock_place(work, place);
    const Rows locked = record();
    if (locked.empty()) return no_such_image(id);
    const Row row = locked[0];
    Deletion deletion;
    const Rows places = work.select(dialect_.place_of, {{"place", place}});
    deletion.place = {places[0].text("provider"), places[0].text("bucket"), places[0].text("prefix")};
    deletion.key = ObjectKey(row.text("object_key"));
    if (const std::int64_t going = row.integer("deleting"); going != 0) {
      deletion.last = going == 2;
      return deletion;
    }
    deletion.last = sql::shared_keys(work, place, {deletion.key}, id.value()).empty();
    work.run(dialect_.mark_deleting,
             {{"deleting", deletion.last ? 2 : 1}, {"now", to_millis(work.now)}, {"id", id.value()}});
    sql::lock_index(work);
    const sql::IndexChange gone{place, id.value(), sql::findable(row, ""), std::nullopt};
    sql::index_images(work, std::span(&gone, 1));
    work.run(dialect_.move_provider,
             {{"images", -1}, {"bytes", -row.integer("size_bytes")}, {"provider", row.integer("provider")}});
    return deletion;
  });
}

Result<void> SqlMetadataStore::finish_delete(const CallContext& context, ImageId id) {
  return write(context, [&](const Work& work) -> Result<void> {
    const auto record = [&] {
      JsonRows rows;
      return work.select(dialect_.records, {{"rows", rows.row().add("id", id.value()).take()}});
    };
    const Rows seen = record();
    if (seen.empty()) return {};
    const std::int64_t place = seen[0].integer("place");
    sql::lock_place(work, place);
    const Rows locked = record();
    if (!locked.empty() && locked[0].integer("deleting") == 2) {
      const std::set<ObjectKey> keys = {ObjectKey(locked[0].text("object_key"))};
      sql::update_gone(work, place, keys);
      work.run(dialect_.insert_gone, {{"rows", sql::garbage_rows(work, place, keys, sql::last_batch(work))}});
    }
    work.run(dialect_.delete_going, {{"id", id.value()}});
    return {};
  });
}

}  // namespace imgimport
