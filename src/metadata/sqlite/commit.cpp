// Journal::commit: many outcomes in one transaction.
#include <array>
#include <unordered_map>

#include "metadata/garbage.hpp"
#include "metadata/rules.hpp"
#include "metadata/sqlite/damage.hpp"
#include "metadata/sqlite/garbage.hpp"
#include "metadata/sqlite/image_index.hpp"
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/sqlite/tally.hpp"
#include "metadata/sqlite/trouble.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

// How long an item waits whose object is being removed just now, so that it does not go round in circles meanwhile.

// All that a commit must know of an item, in one query: its state, the record of its Drive id at this place, and what
// the list of garbage says about the key that was uploaded to (?3, its hash ?4; NULL when nothing was uploaded).
constexpr db::Sql kItemFacts =
    "SELECT i.job_id, i.state, i.batch_id, own.id, own.object_key, own.deleting, own.size_bytes, g.state,"
    " g.after_batch, (SELECT max(d.deleting) FROM images d INDEXED BY images_shared"
    "  WHERE d.place_id = ?2 AND d.key_hash = ?4 AND d.shared = 1 AND d.object_key = ?3),"
    " i.name, i.folder_path, i.camera, i.taken_at, own.name, own.folder_path, own.camera, own.taken_at "
    "FROM items i LEFT JOIN images own ON own.place_id = ?2 AND own.drive_id = i.drive_id "
    "LEFT JOIN garbage g ON g.place_id = ?2 AND g.object_key = ?3 WHERE i.id = ?1";

// The columns that a record takes over from its item, in both forms of writing it.
constexpr db::SqlText kFromItem(
    "i.job_id, i.name, i.folder_path, i.head_revision, i.width, i.height, i.taken_at, i.camera, i.latitude,"
    " i.longitude, i.modified_at");
constexpr db::SqlText kTakenColumns(
    "job_id, name, folder_path, head_revision, width, height, taken_at, camera, latitude, longitude,"
    " drive_modified_at");
constexpr db::SqlText kObjectColumns(
    "size_bytes, mime_type, object_key, key_hash, etag, version_id, checksum_verified, md5, sha1, sha256, shared, "
    "damaged");

// Of a stored object. A hash that Drive published is true of the bytes once any of Drive's hashes was matched.
constexpr db::SqlText kStoredValues(
    "?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce(?9, iif(?8, i.md5, NULL)), coalesce(?10, iif(?8, i.sha1, NULL)),"
    " coalesce(?11, iif(?8, i.sha256, NULL)), ?12, 0");
constexpr auto kInsertStored = "INSERT INTO images (" + kTakenColumns + ", " + kObjectColumns +
                               ", drive_id, provider_id, place_id, created_at) SELECT " + kFromItem + ", " +
                               kStoredValues + ", i.drive_id, ?13, ?14, ?15 FROM items i WHERE i.id = ?1";
constexpr auto kUpdateStored = "UPDATE images SET (" + kTakenColumns + ", " + kObjectColumns + ") = (SELECT " +
                               kFromItem + ", " + kStoredValues + " FROM items i WHERE i.id = ?1) WHERE id = ?13";

// Of a record ?2 that holds the same content already.
constexpr db::SqlText kSharedValues(
    "t.size_bytes, t.mime_type, t.object_key, t.key_hash, t.etag, t.version_id, t.checksum_verified,"
    " coalesce(t.md5, i.md5), coalesce(t.sha1, i.sha1), coalesce(t.sha256, i.sha256), 1, 0");
constexpr auto kInsertShared = "INSERT INTO images (" + kTakenColumns + ", " + kObjectColumns +
                               ", drive_id, provider_id, place_id, created_at) SELECT " + kFromItem + ", " +
                               kSharedValues +
                               ", i.drive_id, t.provider_id, t.place_id, ?3 FROM items i, images t"
                               " WHERE i.id = ?1 AND t.id = ?2";
constexpr auto kUpdateShared = "UPDATE images SET (" + kTakenColumns + ", " + kObjectColumns + ") = (SELECT " +
                               kFromItem + ", " + kSharedValues +
                               " FROM items i, images t WHERE i.id = ?1 AND t.id = ?2) WHERE id = ?3";
// An unchanged file may have been renamed or moved.
constexpr db::Sql kUpdateSkipped =
    "UPDATE images SET (name, folder_path, drive_modified_at) = (i.name, i.folder_path, i.modified_at) "
    "FROM items i WHERE images.id = ?2 AND i.id = ?1 AND i.drive_id = images.drive_id AND (images.name <> i.name"
    " OR images.folder_path <> i.folder_path OR images.drive_modified_at IS NOT i.modified_at)";

// What a record ?2 that was renamed or moved is found by, before and after.
constexpr db::Sql kMoved =
    "SELECT m.name, m.folder_path, m.camera, m.taken_at, i.name, i.folder_path FROM images m JOIN items i ON i.id = ?1 "
    "WHERE m.id = ?2 AND i.drive_id = m.drive_id AND (m.name <> i.name OR m.folder_path <> i.folder_path)";

struct OwnRecord {
  std::int64_t id = 0;
  ObjectKey key;
  bool going = false;
  std::int64_t size = 0;
  Findable found;
};

struct ItemFacts {
  std::int64_t job = 0;
  ItemState state = ItemState::kPending;
  std::optional<std::int64_t> batch;
  std::optional<OwnRecord> own;
  std::optional<GarbageEntry> garbage;  // of the uploaded key
  bool key_shared = false;              // another record may have the uploaded key
  bool key_going = false;               // one that has it is being deleted, and takes the object with it
  Findable found;                       // of its record, once it has one
};

std::optional<ItemFacts> find_item(db::Connection& connection, std::int64_t place, const Outcome& outcome) {
  auto query = connection.query(kItemFacts);
  if (outcome.stored) {
    query.bind(outcome.item.value(), place, outcome.stored->key.value(), key_hash(outcome.stored->key));
  } else {
    query.bind(outcome.item.value(), place, std::nullopt, std::nullopt);
  }
  if (!query.next()) return std::nullopt;
  ItemFacts item;
  item.job = query.integer(0);
  item.state = static_cast<ItemState>(query.integer(1));
  item.batch = query.maybe_integer(2);
  if (!query.is_null(3)) {
    item.own = OwnRecord{query.integer(3), ObjectKey(query.text(4)), query.integer(5) != 0, query.integer(6),
                         Findable{query.text(14), query.text(15), query.text(16), query.text(17)}};
  }
  if (!query.is_null(7)) item.garbage = GarbageEntry{static_cast<GarbageState>(query.integer(7)), query.integer(8)};
  item.key_shared = !query.is_null(9);
  item.key_going = query.integer(9) == 2;
  item.found = {query.text(10), query.text(11), query.text(12), query.text(13)};
  return item;
}

// One transaction's worth of outcomes: applies each, gathers what moves in the counters, and writes that once.
class Committer {
 public:
  Committer(db::Connection& connection, PlaceRow place, Timestamp now)
      : connection_(connection), place_(place), now_(now), index_(connection) {}

  CommitEffect apply(const Outcome& outcome);
  void finish();

 private:
  CommitEffect store(const Outcome& outcome, const ItemFacts& item);
  CommitEffect keep(const Outcome& outcome, const ItemFacts& item);
  CommitEffect put_off(const Outcome& outcome, const ItemFacts& item);
  CommitEffect refuse(const Outcome& outcome, const ItemFacts& item);
  void discard(const ObjectKey& uploaded, const ItemFacts& item, Discard why);
  CommitEffect requeue(const Outcome& outcome, const ItemFacts& item, std::chrono::milliseconds pause);
  std::int64_t write_stored(const Outcome& outcome, const ItemFacts& item);
  void finish_item(const Outcome& outcome, const ItemFacts& item, std::optional<std::int64_t> image);
  std::optional<std::int64_t> job_row(const JobId& id);
  void follow_move(const Outcome& outcome, std::int64_t image);
  void share(std::int64_t image);
  std::int64_t image_size(std::int64_t image);
  bool is_cancelled(std::int64_t job);

  db::Connection& connection_;
  const PlaceRow place_;
  const Timestamp now_;
  std::unordered_map<JobId, std::optional<std::int64_t>> jobs_;
  std::unordered_map<std::int64_t, Tally> tallies_;  // by job row
  ImageIndex index_;
  std::int64_t new_images_ = 0;
  std::int64_t new_bytes_ = 0;
};

CommitEffect Committer::apply(const Outcome& outcome) {
  const auto item = find_item(connection_, place_.place, outcome);
  if (!item || job_row(outcome.job) != item->job) return CommitEffect::kAlreadyDone;
  const bool imported = outcome.state == ItemState::kImported;
  const bool open = item->state == ItemState::kPending || (item->state == ItemState::kFailed && imported);
  if (!open) return refuse(outcome, *item);
  switch (outcome.state) {
    case ItemState::kImported:
      return store(outcome, *item);
    case ItemState::kSkipped:
    case ItemState::kDeduplicated:
      return keep(outcome, *item);
    default:
      return put_off(outcome, *item);
  }
}

// The item has its outcome. What was uploaded for it nevertheless is in use, or nobody's.
CommitEffect Committer::refuse(const Outcome& outcome, const ItemFacts& item) {
  if (outcome.stored) discard(outcome.stored->key, item, Discard::kOrphaned);
  if (outcome.perhaps_stored) discard(*outcome.perhaps_stored, item, Discard::kAbandoned);
  const bool orphaned = outcome.stored && item.state == ItemState::kCancelled;
  return orphaned ? CommitEffect::kOrphaned : CommitEffect::kAlreadyDone;
}

void Committer::discard(const ObjectKey& uploaded, const ItemFacts& item, Discard why) {
  const bool in_use = item.own && !item.own->going && item.own->key == uploaded;
  if (!in_use) discard_key(connection_, place_.place, uploaded, why, now_);
}

CommitEffect Committer::store(const Outcome& outcome, const ItemFacts& item) {
  const bool going = (item.own && item.own->going) || item.key_going;
  if (going || (item.garbage && item.garbage->refuses(item.batch))) {
    // After a removal that is over, the object may be there: it is, when uploaded after it, and is overwritten then.
    const bool removing = going || item.garbage->state == GarbageState::kBeingRemoved;
    return requeue(outcome, item, removing ? kRemovalPause : std::chrono::seconds(0));
  }
  if (item.garbage) take_off_list(connection_, place_.place, outcome.stored->key);
  const std::int64_t image = write_stored(outcome, item);
  // The object is new, for all who share it.
  if (item.key_shared) clear_damage(connection_, place_.place, outcome.stored->key);
  tallies_[item.job].bytes += stored_size(outcome.stored->size_bytes);
  finish_item(outcome, item, image);
  return CommitEffect::kApplied;
}

std::int64_t Committer::write_stored(const Outcome& outcome, const ItemFacts& item) {
  const StoredObject& object = *outcome.stored;
  const auto md5 = hash_bytes(object.hashes.md5, 16);
  const auto sha1 = hash_bytes(object.hashes.sha1, 20);
  const auto sha256 = hash_bytes(object.hashes.sha256, 32);
  const auto blob = [](const std::optional<std::string>& bytes) {
    return bytes ? std::optional<db::BlobValue>(db::BlobValue{*bytes}) : std::nullopt;
  };
  const std::int64_t size = stored_size(object.size_bytes);
  new_bytes_ += size;
  if (!item.own) {
    connection_.query(kInsertStored)
        .bind(outcome.item.value(), size, stored_text(object.mime_type), object.key.value(), key_hash(object.key),
              object.etag, object.version_id, object.checksum_verified, blob(md5), blob(sha1), blob(sha256),
              item.key_shared, place_.provider, place_.place, to_millis(now_))
        .run();
    ++new_images_;
    const std::int64_t image = connection_.last_id();
    index_.add(place_.place, image, item.found);
    return image;
  }
  new_bytes_ -= item.own->size;
  index_.change(item.own->id, item.own->found, item.found);
  connection_.query(kUpdateStored)
      .bind(outcome.item.value(), size, stored_text(object.mime_type), object.key.value(), key_hash(object.key),
            object.etag, object.version_id, object.checksum_verified, blob(md5), blob(sha1), blob(sha256),
            item.key_shared, item.own->id)
      .run();
  if (item.own->key != object.key) discard_key(connection_, place_.place, item.own->key, Discard::kOrphaned, now_);
  return item.own->id;
}

// kSkipped, kDeduplicated: the record relied on must still be there, and its object be sound.
CommitEffect Committer::keep(const Outcome& outcome, const ItemFacts& item) {
  {
    auto live =
        connection_.query("SELECT 1 FROM images WHERE id = ?1 AND place_id = ?2 AND deleting = 0 AND damaged = 0");
    const bool is_live = live.bind(outcome.same_as->value(), place_.place).next();
    if (!is_live || (item.own && item.own->going)) return requeue(outcome, item, std::chrono::seconds(0));
  }
  const std::int64_t target = outcome.same_as->value();
  std::int64_t image = target;
  if (outcome.state == ItemState::kSkipped || (item.own && item.own->id == target)) {
    follow_move(outcome, target);
    connection_.query(kUpdateSkipped).bind(outcome.item.value(), target).run();
  } else if (item.own) {
    image = item.own->id;
    share(target);
    connection_.query(kUpdateShared).bind(outcome.item.value(), target, image).run();
    index_.change(image, item.own->found, item.found);
    new_bytes_ += image_size(target) - item.own->size;
    discard_key(connection_, place_.place, item.own->key, Discard::kOrphaned, now_);
  } else {
    share(target);
    connection_.query(kInsertShared).bind(outcome.item.value(), target, to_millis(now_)).run();
    image = connection_.last_id();
    index_.add(place_.place, image, item.found);
    ++new_images_;
    new_bytes_ += image_size(target);
  }
  finish_item(outcome, item, image);
  return CommitEffect::kApplied;
}

// kPending, kDeferred, kFailed.
CommitEffect Committer::put_off(const Outcome& outcome, const ItemFacts& item) {
  finish_item(outcome, item, std::nullopt);
  if (outcome.perhaps_stored) {
    discard(*outcome.perhaps_stored, item,
            outcome.state == ItemState::kFailed ? Discard::kAbandoned : Discard::kInDoubt);
  }
  if (outcome.stops_job) stop_job(connection_, item.job, *outcome.stops_job, now_);
  return CommitEffect::kApplied;
}

void Committer::finish_item(const Outcome& outcome, const ItemFacts& item, std::optional<std::int64_t> image) {
  const bool waits = outcome.state == ItemState::kPending || outcome.state == ItemState::kDeferred;
  connection_
      .query(
          "UPDATE items SET state = ?2, batch_id = NULL, not_before = ?3, attempts = ?4, backoffs = ?5,"
          " retrying_since = ?6, image_id = ?7, reason = ?8, remedy = ?9 WHERE id = ?1")
      .bind(outcome.item.value(), outcome.state, waits ? to_millis(outcome.not_before).value_or(0) : 0,
            outcome.attempts, outcome.backoffs, to_millis(outcome.retrying_since), image, stored_text(outcome.reason),
            stored_text(outcome.remedy))
      .run();
  tallies_[item.job].move(item.state, outcome.state);
}

CommitEffect Committer::requeue(const Outcome& outcome, const ItemFacts& item, std::chrono::milliseconds pause) {
  // Only an item that had failed can be open in a cancelled job: nothing starts there again.
  const bool ended = item.state == ItemState::kFailed && is_cancelled(item.job);
  if (outcome.stored) discard(outcome.stored->key, item, ended ? Discard::kAbandoned : Discard::kInDoubt);
  if (ended) return CommitEffect::kAlreadyDone;
  connection_
      .query("UPDATE items SET state = 1, batch_id = NULL, not_before = ?2, reason = '', remedy = '' WHERE id = ?1")
      .bind(outcome.item.value(), pause.count() == 0 ? 0 : to_millis(now_ + pause))
      .run();
  tallies_[item.job].move(item.state, ItemState::kPending);
  return CommitEffect::kRequeued;
}

std::optional<std::int64_t> Committer::job_row(const JobId& id) {
  const auto [entry, fresh] = jobs_.try_emplace(id);
  if (fresh) {
    if (const auto job = find_job(connection_, id); job.has_value()) entry->second = job->row;
  }
  return entry->second;
}

void Committer::follow_move(const Outcome& outcome, std::int64_t image) {
  auto query = connection_.query(kMoved);
  if (!query.bind(outcome.item.value(), image).next()) return;
  const Findable from{query.text(0), query.text(1), query.text(2), query.text(3)};
  index_.change(image, from, {query.text(4), query.text(5), from.camera, from.taken_at});
}

void Committer::share(std::int64_t image) {
  connection_.query("UPDATE images SET shared = 1 WHERE id = ?1 AND shared = 0").bind(image).run();
}

std::int64_t Committer::image_size(std::int64_t image) {
  auto query = connection_.query("SELECT size_bytes FROM images WHERE id = ?1");
  query.bind(image).next();
  return query.integer(0);
}

bool Committer::is_cancelled(std::int64_t job) {
  auto query = connection_.query("SELECT 1 FROM jobs WHERE id = ?1 AND status = 5");
  return query.bind(job).next();
}

void Committer::finish() {
  for (const auto& [job, tally] : tallies_) settle(connection_, job, tally, now_);
  index_.finish();
  if (new_images_ == 0 && new_bytes_ == 0) return;
  connection_.query("UPDATE providers SET images = images + ?2, bytes = bytes + ?3 WHERE id = ?1")
      .bind(place_.provider, new_images_, new_bytes_)
      .run();
}

}  // namespace

Result<std::vector<CommitEffect>> SqliteMetadataStore::commit(const CallContext& context,
                                                              std::span<const Outcome> outcomes,
                                                              const StorePlace& place) {
  for (const Outcome& outcome : outcomes) IMGIMPORT_RETURN_IF_ERROR(check_outcome(outcome));
  if (outcomes.empty()) return std::vector<CommitEffect>();
  return write(context, [&](db::Connection& connection) -> Result<std::vector<CommitEffect>> {
    Committer committer(connection, find_or_add_place(connection, place), clock_.now());
    std::vector<CommitEffect> effects;
    effects.reserve(outcomes.size());
    for (const Outcome& outcome : outcomes) effects.push_back(committer.apply(outcome));
    committer.finish();
    return effects;
  });
}

}  // namespace imgimport
