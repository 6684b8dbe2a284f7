#include "metadata/sql/committer.hpp"

#include "metadata/garbage.hpp"
#include "metadata/values.hpp"

namespace imgimport::sql {
namespace {

// How long an item waits whose object is being removed just now, so that it does not go round in circles meanwhile.

// Names of what an outcome touches.
std::string name_of(char kind, std::string_view id) {
  std::string name(1, kind);
  return name.append(id);
}
std::string item_name(ItemId id) {
  return name_of('i', std::to_string(id.value()));
}
std::string image_name(std::int64_t id) {
  return name_of('m', std::to_string(id));
}
std::string key_name(const ObjectKey& key) {
  return name_of('k', key.value());
}
std::string drive_name(const std::string& id) {
  return name_of('d', id);
}

}  // namespace

Committer::Committer(const Work& work, PlaceRow place, std::vector<JobState> jobs, std::span<const Outcome> outcomes)
    : work_(work), place_(place), outcomes_(outcomes) {
  for (JobState& job : jobs) jobs_.emplace(job.uuid, std::move(job));
}

std::vector<CommitEffect> Committer::run() {
  std::vector<CommitEffect> effects;
  effects.reserve(outcomes_.size());
  load(0);
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (!claim_resources(i)) {
      flush();
      load(i);
      claim_resources(i);
    }
    effects.push_back(apply(i));
  }
  flush();
  for (const auto& [job, trouble] : stops_) stop_job(work_, job, trouble);
  settle(work_, tallies_);
  if (new_images_ != 0 || new_bytes_ != 0) {
    work_.run(work_.dialect.move_provider,
              {{"images", new_images_}, {"bytes", new_bytes_}, {"provider", place_.provider}});
  }
  return effects;
}

void Committer::load(std::size_t first) {
  facts_.clear();
  targets_.clear();
  JsonRows rows;
  JsonRows wanted;
  for (std::size_t i = first; i < outcomes_.size(); ++i) {
    const Outcome& outcome = outcomes_[i];
    rows.row().add("n", i).add("item", outcome.item.value()).add("place", place_.place);
    if (outcome.stored) {
      rows.add("key_hash", key_hash(outcome.stored->key)).add("object_key", outcome.stored->key.value());
    }
    if (outcome.same_as) wanted.row().add("id", outcome.same_as->value());
  }
  for (const Row row : work_.select(work_.dialect.item_facts, {{"rows", rows.take()}})) {
    Facts& facts = facts_[static_cast<std::size_t>(row.integer("n"))];
    facts.job = row.integer("job");
    facts.state = static_cast<ItemState>(row.integer("state"));
    facts.batch = row.maybe_integer("batch");
    facts.drive_id = row.text("drive_id");
    if (!row.is_null("own_id")) {
      facts.own = OwnRecord{row.integer("own_id"), ObjectKey(row.text("own_key")), row.flag("own_deleting"),
                            row.integer("own_size"), findable(row, "own_")};
    }
    facts.found = findable(row, "");
    if (!row.is_null("garbage_state")) {
      facts.garbage = GarbageEntry{static_cast<GarbageState>(row.integer("garbage_state")), row.integer("after_batch")};
    }
    facts.key_shared = !row.is_null("sharing");
    facts.key_going = row.integer("sharing") == 2;
  }
  if (wanted.empty()) return;
  for (const Row row : work_.select(work_.dialect.records, {{"rows", wanted.take()}})) {
    const bool here = row.integer("place") == place_.place;
    targets_[row.integer("id")] = {ObjectKey(row.text("object_key")),
                                   here && !row.flag("deleting") && !row.flag("damaged"), row.integer("size_bytes"),
                                   row.text("drive_id"), findable(row, "")};
  }
}

// False: an earlier outcome is about to change what this one goes by, or the reverse.
bool Committer::claim_resources(std::size_t index) {
  const auto facts = facts_.find(index);
  if (facts == facts_.end()) return true;
  const Outcome& outcome = outcomes_[index];
  std::vector<std::string> writes = {item_name(outcome.item), drive_name(facts->second.drive_id)};
  std::vector<std::string> reads;
  if (facts->second.own) {
    writes.push_back(image_name(facts->second.own->id));
    // Given up, perhaps: then it matters who else has it.
    writes.push_back(key_name(facts->second.own->key));
  }
  if (outcome.stored) writes.push_back(key_name(outcome.stored->key));
  if (outcome.perhaps_stored) writes.push_back(key_name(*outcome.perhaps_stored));
  if (outcome.same_as) {
    const std::int64_t target = outcome.same_as->value();
    const bool skips = outcome.state == ItemState::kSkipped;
    (skips ? writes : reads).push_back(image_name(target));
    if (const auto known = targets_.find(target); known != targets_.end()) reads.push_back(key_name(known->second.key));
  }
  // One's own record may be what one relies on.
  const auto taken = [this](const std::string& name) { return written_.contains(name); };
  for (const std::string& name : writes) {
    if (taken(name) || relied_on_.contains(name)) return false;
  }
  for (const std::string& name : reads) {
    if (taken(name)) return false;
  }
  written_.insert(writes.begin(), writes.end());
  relied_on_.insert(reads.begin(), reads.end());
  return true;
}

CommitEffect Committer::apply(std::size_t index) {
  const Outcome& outcome = outcomes_[index];
  const auto facts = facts_.find(index);
  const auto job = jobs_.find(stored_text(outcome.job.value()));
  if (facts == facts_.end() || job == jobs_.end() || job->second.row != facts->second.job) {
    return CommitEffect::kAlreadyDone;
  }
  const bool imported = outcome.state == ItemState::kImported;
  const bool open =
      facts->second.state == ItemState::kPending || (facts->second.state == ItemState::kFailed && imported);
  if (!open) return refuse(index, facts->second);
  switch (outcome.state) {
    case ItemState::kImported:
      return store(index, facts->second);
    case ItemState::kSkipped:
    case ItemState::kDeduplicated:
      return keep(index, facts->second);
    default:
      return put_off(index, facts->second);
  }
}

// The item has its outcome. What was uploaded for it nevertheless is in use, or nobody's.
CommitEffect Committer::refuse(std::size_t index, const Facts& facts) {
  const Outcome& outcome = outcomes_[index];
  if (outcome.stored) discard(outcome.stored->key, facts, Discard::kOrphaned);
  if (outcome.perhaps_stored) discard(*outcome.perhaps_stored, facts, Discard::kAbandoned);
  const bool orphaned = outcome.stored && facts.state == ItemState::kCancelled;
  return orphaned ? CommitEffect::kOrphaned : CommitEffect::kAlreadyDone;
}

void Committer::discard(const ObjectKey& uploaded, const Facts& facts, Discard why) {
  const bool in_use = facts.own && !facts.own->going && facts.own->key == uploaded;
  if (!in_use) discarded_[why].insert(uploaded);
}

CommitEffect Committer::store(std::size_t index, const Facts& facts) {
  const StoredObject& object = *outcomes_[index].stored;
  const bool going = (facts.own && facts.own->going) || facts.key_going;
  if (going || (facts.garbage && facts.garbage->refuses(facts.batch))) {
    // After a removal that is over, the object may be there: it is, when uploaded after it, and is overwritten then.
    const bool removing = going || facts.garbage->state == GarbageState::kBeingRemoved;
    return requeue(index, facts, removing ? kRemovalPause : std::chrono::seconds(0));
  }
  if (facts.garbage) off_list_.insert(object.key);
  // The object is new, for all who share it.
  if (facts.key_shared) undamaged_.insert(object.key);
  RecordWrite write{index, std::nullopt, fresh_, facts.key_shared};
  const std::int64_t size = stored_size(object.size_bytes);
  new_bytes_ += size;
  tallies_[facts.job].bytes += size;
  if (facts.own) {
    write.image = facts.own->id;
    index_.push_back({facts.own->id, 0, facts.own->found, facts.found});
    new_bytes_ -= facts.own->size;
    if (facts.own->key != object.key) discarded_[Discard::kOrphaned].insert(facts.own->key);
    finish_item({index, facts.own->id, std::nullopt}, facts);
  } else {
    ++new_images_;
    index_.push_back({std::nullopt, fresh_, std::nullopt, facts.found});
    finish_item({index, std::nullopt, fresh_++}, facts);
  }
  stored_.push_back(write);
  return CommitEffect::kApplied;
}

// kSkipped, kDeduplicated: the record relied on must still be there, and its object be sound.
CommitEffect Committer::keep(std::size_t index, const Facts& facts) {
  const Outcome& outcome = outcomes_[index];
  const std::int64_t target = outcome.same_as->value();
  const auto known = targets_.find(target);
  const bool live = known != targets_.end() && known->second.live;
  if (!live || (facts.own && facts.own->going)) return requeue(index, facts, std::chrono::seconds(0));
  if (outcome.state == ItemState::kSkipped || (facts.own && facts.own->id == target)) {
    skipped_.row().add("item", outcome.item.value()).add("target", target);
    // An unchanged file may have been moved.
    const Findable& found = known->second.found;
    if (known->second.drive_id == facts.drive_id && found.folder_path != facts.found.folder_path) {
      index_.push_back({target, 0, found, Findable{"", facts.found.folder_path, found.camera, found.taken_at}});
    }
    finish_item({index, target, std::nullopt}, facts);
    return CommitEffect::kApplied;
  }
  to_share_.row().add("id", target);
  RecordWrite write{index, std::nullopt, fresh_, true};
  new_bytes_ += known->second.size;
  if (facts.own) {
    write.image = facts.own->id;
    index_.push_back({facts.own->id, 0, facts.own->found, facts.found});
    new_bytes_ -= facts.own->size;
    discarded_[Discard::kOrphaned].insert(facts.own->key);
    finish_item({index, facts.own->id, std::nullopt}, facts);
  } else {
    ++new_images_;
    index_.push_back({std::nullopt, fresh_, std::nullopt, facts.found});
    finish_item({index, std::nullopt, fresh_++}, facts);
  }
  shared_.push_back(write);
  return CommitEffect::kApplied;
}

// kPending, kDeferred, kFailed.
CommitEffect Committer::put_off(std::size_t index, const Facts& facts) {
  const Outcome& outcome = outcomes_[index];
  finish_item({index, std::nullopt, std::nullopt}, facts);
  if (outcome.perhaps_stored) {
    discard(*outcome.perhaps_stored, facts,
            outcome.state == ItemState::kFailed ? Discard::kAbandoned : Discard::kInDoubt);
  }
  // One that is over already stays as it is: fail_job sees to that.
  if (outcome.stops_job) stops_.emplace_back(facts.job, *outcome.stops_job);
  return CommitEffect::kApplied;
}

void Committer::finish_item(const ItemWrite& write, const Facts& facts) {
  items_.push_back(write);
  tallies_[facts.job].move(facts.state, outcomes_[write.outcome].state);
}

CommitEffect Committer::requeue(std::size_t index, const Facts& facts, std::chrono::milliseconds pause) {
  const Outcome& outcome = outcomes_[index];
  const JobState& job = jobs_.at(stored_text(outcome.job.value()));
  // Only an item that had failed can be open in a cancelled job: nothing starts there again.
  const bool ended = facts.state == ItemState::kFailed && job.status == JobStatus::kCancelled;
  if (outcome.stored) discard(outcome.stored->key, facts, ended ? Discard::kAbandoned : Discard::kInDoubt);
  if (ended) return CommitEffect::kAlreadyDone;
  requeued_.row()
      .add("id", outcome.item.value())
      .add("not_before", pause.count() == 0 ? 0 : to_millis(work_.now + pause));
  tallies_[facts.job].move(facts.state, ItemState::kPending);
  return CommitEffect::kRequeued;
}

void Committer::flush() {
  const auto count = static_cast<std::int64_t>(fresh_);
  const std::int64_t first =
      count == 0 ? 0 : work_.integer(work_.dialect.take_images, {{"count", count}}).value_or(0) - count + 1;
  write_stored(first);
  write_shared(first);
  work_.run_rows(work_.dialect.update_skipped, skipped_);
  write_items(first);
  work_.run_rows(work_.dialect.requeue_items, requeued_);
  write_index(first);
  write_garbage();
  fresh_ = 0;
  written_.clear();
  relied_on_.clear();
}

void Committer::write_stored(std::int64_t first_image) {
  JsonRows fresh;
  JsonRows changed;
  for (const RecordWrite& write : stored_) {
    const StoredObject& object = *outcomes_[write.outcome].stored;
    (write.image ? changed : fresh)
        .row()
        .add("image", write.image.value_or(first_image + static_cast<std::int64_t>(write.fresh)))
        .add("item", outcomes_[write.outcome].item.value())
        .add("size_bytes", stored_size(object.size_bytes))
        .add("mime_type", object.mime_type)
        .add("object_key", object.key.value())
        .add("key_hash", key_hash(object.key))
        .add("etag", object.etag)
        .add("version_id", object.version_id)
        .add("verified", object.checksum_verified)
        .add("md5", hash_text(object.hashes.md5, 16))
        .add("sha1", hash_text(object.hashes.sha1, 20))
        .add("sha256", hash_text(object.hashes.sha256, 32))
        .add("shared", write.key_shared)
        .add("provider", place_.provider)
        .add("place", place_.place)
        .add("now", to_millis(work_.now));
  }
  stored_.clear();
  work_.run_rows(work_.dialect.insert_stored, fresh);
  work_.run_rows(work_.dialect.update_stored, changed);
}

void Committer::write_shared(std::int64_t first_image) {
  JsonRows fresh;
  JsonRows changed;
  for (const RecordWrite& write : shared_) {
    (write.image ? changed : fresh)
        .row()
        .add("image", write.image.value_or(first_image + static_cast<std::int64_t>(write.fresh)))
        .add("item", outcomes_[write.outcome].item.value())
        .add("target", outcomes_[write.outcome].same_as->value())
        .add("now", to_millis(work_.now));
  }
  shared_.clear();
  work_.run_rows(work_.dialect.mark_shared, to_share_);
  work_.run_rows(work_.dialect.insert_shared, fresh);
  work_.run_rows(work_.dialect.update_shared, changed);
}

void Committer::write_items(std::int64_t first_image) {
  JsonRows rows;
  for (const ItemWrite& write : items_) {
    const Outcome& outcome = outcomes_[write.outcome];
    const bool waits = outcome.state == ItemState::kPending || outcome.state == ItemState::kDeferred;
    auto image = write.image;
    if (write.fresh) image = first_image + static_cast<std::int64_t>(*write.fresh);
    rows.row()
        .add("id", outcome.item.value())
        .add("state", static_cast<std::int64_t>(outcome.state))
        .add("not_before", waits ? to_millis(outcome.not_before).value_or(0) : 0)
        .add("attempts", outcome.attempts)
        .add("backoffs", outcome.backoffs)
        .add("retrying_since", to_millis(outcome.retrying_since))
        .add("image", image)
        .add("reason", outcome.reason)
        .add("remedy", outcome.remedy);
  }
  items_.clear();
  work_.run_rows(work_.dialect.finish_items, rows);
}

void Committer::write_index(std::int64_t first_image) {
  std::vector<IndexChange> changes;
  for (IndexWrite& write : index_) {
    if (write.from == write.to) continue;
    const std::int64_t fresh = first_image + static_cast<std::int64_t>(write.fresh);
    changes.push_back({place_.place, write.image.value_or(fresh), std::move(write.from), std::move(write.to)});
  }
  index_.clear();
  if (changes.empty()) return;
  if (fresh_ == 0) lock_index(work_);
  index_images(work_, changes);
}

void Committer::write_garbage() {
  if (!undamaged_.empty()) work_.run(work_.dialect.clear_damage, {{"rows", key_rows(place_.place, undamaged_)}});
  take_off_list(work_, place_.place, off_list_);
  for (auto& [why, keys] : discarded_) discard_keys(work_, place_.place, std::move(keys), why);
  undamaged_.clear();
  off_list_.clear();
  discarded_.clear();
}

}  // namespace imgimport::sql
