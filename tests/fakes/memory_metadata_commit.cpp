// Journal::commit in memory.
#include "fakes/memory_metadata_store.hpp"

#include "metadata/discard.hpp"
#include "metadata/garbage.hpp"

namespace imgimport {
namespace {

void fill_missing(ContentHashes& hashes, const ContentHashes& known) {
  if (hashes.md5.empty()) hashes.md5 = known.md5;
  if (hashes.sha1.empty()) hashes.sha1 = known.sha1;
  if (hashes.sha256.empty()) hashes.sha256 = known.sha256;
}

Result<void> check_outcome(const Outcome& outcome) {
  const bool imported = outcome.state == ItemState::kImported;
  const bool kept = outcome.state == ItemState::kSkipped || outcome.state == ItemState::kDeduplicated;
  const bool put_off = outcome.state == ItemState::kPending || outcome.state == ItemState::kFailed ||
                       outcome.state == ItemState::kDeferred;
  const bool complete =
      (imported && outcome.stored && !outcome.stored->key.value().empty()) || (kept && outcome.same_as) || put_off;
  if (complete) return {};
  return Error(ErrorCode::kInvalidArgument, "the outcome is incomplete, or none that a worker can give");
}

}  // namespace

bool MemoryMetadataStore::in_use(const StorePlace& place, const ObjectKey& key) {
  for (const auto& [id, entry] : images_) {
    if (entry.going == Going::kNot && entry.image.place == place && entry.image.key == key) return true;
  }
  return false;
}

void MemoryMetadataStore::discard(const StorePlace& place, const ObjectKey& key, Discard why) {
  if (key.value().empty() || in_use(place, key)) return;
  const DiscardColumns columns = discard_columns(why, clock_.now());
  GarbageEntry& garbage = garbage_[GarbageKey(place, key)];
  if (garbage.state == GarbageState::kBeingRemoved) {
    garbage.again |= columns.again_if_removing;
    return;
  }
  garbage.state = GarbageState::kWaiting;
  garbage.since = from_millis(columns.since);
  garbage.again |= columns.again;
}

void MemoryMetadataStore::discard_begun(JobEntry& job, Discard why) {
  for (const auto& [batch, place] : job.begun) {
    for (const auto& [id, item] : job.items) {
      if (item.state == ItemState::kPending && item.batch == batch) discard(place, item.listed.key, why);
    }
  }
  job.begun.clear();
}

void MemoryMetadataStore::remember_gone(const StorePlace& place, const ObjectKey& key) {
  const auto [entry, fresh] = garbage_.try_emplace(GarbageKey(place, key));
  GarbageEntry& garbage = entry->second;
  garbage.after_batch = last_batch_;
  if (!fresh && garbage.state == GarbageState::kWaiting) return;
  garbage.state = garbage.again != 0 ? GarbageState::kWaiting : GarbageState::kGone;
  garbage.since = clock_.now();
  if (garbage.again == kAgainLater) garbage.since += kUploadLimit;
  garbage.again = (garbage.again & kAgainAtOnce) != 0 ? garbage.again & kAgainLater : 0;
}

Result<std::vector<CommitEffect>> MemoryMetadataStore::commit(const CallContext& context,
                                                              std::span<const Outcome> outcomes,
                                                              const StorePlace& place) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  for (const Outcome& outcome : outcomes) IMGIMPORT_RETURN_IF_ERROR(check_outcome(outcome));
  const std::lock_guard lock(mutex_);
  std::vector<CommitEffect> effects;
  for (const Outcome& outcome : outcomes) effects.push_back(apply(outcome, place));
  for (const Outcome& outcome : outcomes) {
    if (JobEntry* job = find(outcome.job)) settle(*job);
  }
  return effects;
}

CommitEffect MemoryMetadataStore::apply(const Outcome& outcome, const StorePlace& place) {
  JobEntry* job = find(outcome.job);
  if (job == nullptr) return CommitEffect::kAlreadyDone;
  const auto found = job->items.find(outcome.item.value());
  if (found == job->items.end()) return CommitEffect::kAlreadyDone;
  ItemEntry& item = found->second;
  const bool imported = outcome.state == ItemState::kImported;
  const bool open = item.state == ItemState::kPending || (item.state == ItemState::kFailed && imported);
  if (!open) {
    if (outcome.stored) discard(place, outcome.stored->key, Discard::kOrphaned);
    if (outcome.perhaps_stored) discard(place, *outcome.perhaps_stored, Discard::kAbandoned);
    const bool orphaned = outcome.stored && item.state == ItemState::kCancelled;
    return orphaned ? CommitEffect::kOrphaned : CommitEffect::kAlreadyDone;
  }
  if (imported) return store(outcome, place, *job, item);
  if (outcome.state == ItemState::kSkipped || outcome.state == ItemState::kDeduplicated) {
    return keep(outcome, place, *job, item);
  }
  finish(outcome, *job, item, std::nullopt);
  const bool ended = outcome.state == ItemState::kFailed;
  if (outcome.perhaps_stored) {
    discard(place, *outcome.perhaps_stored, ended ? Discard::kAbandoned : Discard::kInDoubt);
  }
  const bool over = job->job.status == JobStatus::kFailed || job->job.status == JobStatus::kCancelled;
  if (outcome.stops_job && !over) {
    job->job.status = JobStatus::kFailed;
    job->job.finished_at = clock_.now();
    job->job.trouble = outcome.stops_job;
    discard_begun(*job, Discard::kInDoubt);
  }
  return CommitEffect::kApplied;
}

// The record of the item's Drive id, new or with what it takes over from the item.
MemoryMetadataStore::ImageEntry& MemoryMetadataStore::write_record(const StorePlace& place, const JobEntry& job,
                                                                   const ItemEntry& item) {
  ImageEntry* entry = record(place, item.listed.file.id);
  if (entry == nullptr) {
    entry = &images_[++last_image_];
    entry->image.id = ImageId(last_image_);
    entry->image.drive_id = item.listed.file.id;
    entry->image.place = place;
    entry->image.created_at = clock_.now();
  }
  entry->head_revision = item.listed.file.head_revision;
  entry->image.name = item.listed.file.name;
  entry->image.folder_path = item.listed.folder_path;
  entry->image.job = job.job.id;
  entry->image.facts = item.listed.file.image;
  entry->image.drive_modified_at = item.listed.file.modified_at;
  return *entry;
}

CommitEffect MemoryMetadataStore::store(const Outcome& outcome, const StorePlace& place, JobEntry& job,
                                        ItemEntry& item) {
  const StoredObject& object = *outcome.stored;
  const ImageEntry* own = record(place, item.listed.file.id);
  const auto garbage = garbage_.find(GarbageKey(place, object.key));
  const bool listed = garbage != garbage_.end();
  const bool removing = listed && garbage->second.state == GarbageState::kBeingRemoved;
  const bool too_early = listed && garbage->second.after_batch > 0 && item.batch <= garbage->second.after_batch;
  bool going = own != nullptr && own->going != Going::kNot;
  for (const auto& [id, entry] : images_) {
    going |= entry.going == Going::kWithObject && entry.image.place == place && entry.image.key == object.key;
  }
  if (going || removing || too_early) {
    return requeue(outcome, place, job, item, removing || going ? kRemovalPause : std::chrono::seconds(0));
  }
  if (listed) garbage_.erase(garbage);
  const ObjectKey replaced = own != nullptr ? own->image.key : ObjectKey();
  Image& image = write_record(place, job, item).image;
  image.size_bytes = object.size_bytes;
  image.mime_type = object.mime_type;
  image.key = object.key;
  image.etag = object.etag;
  image.version_id = object.version_id;
  image.checksum_verified = object.checksum_verified;
  image.hashes = object.hashes;
  for (auto& [image_id, entry] : images_) {
    if (entry.image.place == place && entry.image.key == object.key) entry.image.damaged = false;
  }
  if (object.checksum_verified) fill_missing(image.hashes, item.listed.file.hashes);
  discard(place, replaced, Discard::kOrphaned);
  job.job.counters.bytes += static_cast<std::int64_t>(object.size_bytes);
  finish(outcome, job, item, image.id);
  return CommitEffect::kApplied;
}

CommitEffect MemoryMetadataStore::keep(const Outcome& outcome, const StorePlace& place, JobEntry& job,
                                       ItemEntry& item) {
  const ImageEntry* target = live(place, *outcome.same_as);
  ImageEntry* own = record(place, item.listed.file.id);
  if (target == nullptr || target->image.damaged || (own != nullptr && own->going != Going::kNot)) {
    return requeue(outcome, place, job, item, std::chrono::seconds(0));
  }
  if (outcome.state == ItemState::kSkipped || own == target) {
    if (own == target) {
      own->image.name = item.listed.file.name;
      own->image.folder_path = item.listed.folder_path;
      own->image.drive_modified_at = item.listed.file.modified_at;
    }
    finish(outcome, job, item, target->image.id);
    return CommitEffect::kApplied;
  }
  const ObjectKey replaced = own != nullptr ? own->image.key : ObjectKey();
  const Image shared = target->image;
  Image& image = write_record(place, job, item).image;
  image.size_bytes = shared.size_bytes;
  image.mime_type = shared.mime_type;
  image.key = shared.key;
  image.etag = shared.etag;
  image.version_id = shared.version_id;
  image.checksum_verified = shared.checksum_verified;
  image.hashes = shared.hashes;
  image.damaged = false;
  fill_missing(image.hashes, item.listed.file.hashes);
  discard(place, replaced, Discard::kOrphaned);
  finish(outcome, job, item, image.id);
  return CommitEffect::kApplied;
}

void MemoryMetadataStore::finish(const Outcome& outcome, JobEntry& job, ItemEntry& item, std::optional<ImageId> image) {
  move(job, item, outcome.state);
  const bool waits = outcome.state == ItemState::kPending || outcome.state == ItemState::kDeferred;
  item.batch = 0;
  item.not_before = waits ? outcome.not_before : std::nullopt;
  item.attempts = outcome.attempts;
  item.backoffs = outcome.backoffs;
  item.retrying_since = outcome.retrying_since;
  item.reason = outcome.reason;
  item.remedy = outcome.remedy;
  item.image = image;
}

CommitEffect MemoryMetadataStore::requeue(const Outcome& outcome, const StorePlace& place, JobEntry& job,
                                          ItemEntry& item, std::chrono::milliseconds pause) {
  const bool ended = item.state == ItemState::kFailed && job.job.status == JobStatus::kCancelled;
  if (outcome.stored) discard(place, outcome.stored->key, ended ? Discard::kAbandoned : Discard::kInDoubt);
  if (ended) return CommitEffect::kAlreadyDone;
  move(job, item, ItemState::kPending);
  item.batch = 0;
  item.not_before.reset();
  if (pause.count() > 0) item.not_before = clock_.now() + pause;
  item.reason.clear();
  item.remedy.clear();
  return CommitEffect::kRequeued;
}

}  // namespace imgimport
