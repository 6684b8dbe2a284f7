// JobStore and Journal in memory, apart from commit: memory_metadata_commit.cpp; images: memory_metadata_images.cpp.
#include "fakes/memory_metadata_store.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string clean(const std::string& text) {
  std::string valid = to_valid_utf8(text);
  for (auto nul = valid.find('\0'); nul != std::string::npos; nul = valid.find('\0', nul)) {
    valid.replace(nul, 1, kReplacement);
  }
  return valid;
}

NewItem clean(NewItem item) {
  item.file.name = clean(item.file.name);
  item.file.image.camera = clean(item.file.image.camera);
  item.folder_path = clean(item.folder_path);
  item.reason = clean(item.reason);
  item.remedy = clean(item.remedy);
  return item;
}

bool is_live(const Job& job) {
  return !job.dry_run && job.status != JobStatus::kFailed && job.status != JobStatus::kCancelled;
}

std::int64_t& counter(JobCounters& counters, ItemState state) {
  switch (state) {
    case ItemState::kPending:
      return counters.pending;
    case ItemState::kImported:
      return counters.imported;
    case ItemState::kSkipped:
      return counters.skipped;
    case ItemState::kDeduplicated:
      return counters.deduplicated;
    case ItemState::kFailed:
      return counters.failed;
    case ItemState::kDeferred:
      return counters.deferred;
    case ItemState::kCancelled:
      return counters.cancelled;
    case ItemState::kIgnored:
      break;
  }
  return counters.ignored;
}

}  // namespace

MemoryMetadataStore::JobEntry* MemoryMetadataStore::find(const JobId& id) {
  for (const auto& entry : jobs_) {
    if (entry->job.id == id) return entry.get();
  }
  return nullptr;
}

Result<MemoryMetadataStore::JobEntry*> MemoryMetadataStore::known(const JobId& id) {
  if (JobEntry* entry = find(id)) return entry;
  return no_such_job(id);
}

Result<MemoryMetadataStore::JobEntry*> MemoryMetadataStore::leased(const JobLease& lease) {
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, known(lease.job));
  if (entry->job.epoch == lease.epoch) return entry;
  return Error(ErrorCode::kConflict, "the job is driven by another process now").with_reason("stale_epoch");
}

Result<MemoryMetadataStore::JobEntry*> MemoryMetadataStore::listing(const JobLease& lease) {
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, leased(lease));
  if (entry->job.status == JobStatus::kListing) return entry;
  return Error(ErrorCode::kConflict, "the job is not being listed").with_reason("not_listing");
}

void MemoryMetadataStore::move(JobEntry& job, ItemEntry& item, ItemState to) {
  --counter(job.job.counters, item.state);
  ++counter(job.job.counters, to);
  item.state = to;
}

void MemoryMetadataStore::settle(JobEntry& entry) {
  Job& job = entry.job;
  if (job.dry_run || (job.status != JobStatus::kProcessing && job.status != JobStatus::kCompleted)) return;
  if (job.counters.pending == 0) {
    job.status = JobStatus::kCompleted;
    if (!job.finished_at) job.finished_at = clock_.now();
  } else {
    job.status = JobStatus::kProcessing;
    job.finished_at.reset();
  }
}

Result<JobStore::Created> MemoryMetadataStore::create_job(const CallContext& context, const NewJob& job,
                                                          std::string_view owner, std::chrono::milliseconds ttl) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  for (const auto& entry : jobs_) {
    if (job.idempotency_key.empty() || entry->idempotency_key != job.idempotency_key) continue;
    const Job& there = entry->job;
    const bool same = there.root.id == job.root.id && there.recursive == job.recursive &&
                      there.dry_run == job.dry_run && there.filters == job.filters;
    if (same) return Created{there, true};
    return Error(ErrorCode::kConflict, "the idempotency key was used for another import")
        .with_reason("idempotency_key_reused");
  }
  if (find(job.id) != nullptr) return Error(ErrorCode::kConflict, "there is such a job").with_reason("job_exists");
  auto entry = std::make_unique<JobEntry>();
  entry->idempotency_key = job.idempotency_key;
  entry->job.id = job.id;
  entry->job.folder_url = clean(job.folder_url);
  entry->job.root = job.root;
  entry->job.root.name = clean(job.root.name);
  entry->job.recursive = job.recursive;
  entry->job.dry_run = job.dry_run;
  entry->job.filters = job.filters;
  entry->job.created_at = clock_.now();
  entry->job.owner = owner;
  entry->job.epoch = 1;
  entry->job.leased_until = clock_.now() + ttl;
  entry->folders.push_back({{entry->job.root, "", 0, ""}, false});
  jobs_.push_back(std::move(entry));
  return Created{jobs_.back()->job, false};
}

Result<Job> MemoryMetadataStore::job(const CallContext& context, const JobId& id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* entry, known(id));
  return entry->job;
}

Result<Job> MemoryMetadataStore::job_by_key(const CallContext& context, std::string_view idempotency_key) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  for (const auto& entry : jobs_) {
    if (entry->idempotency_key == idempotency_key) return entry->job;
  }
  return no_such_key();
}

Result<std::vector<Job>> MemoryMetadataStore::jobs(const CallContext& context, const JobId& before, std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  if (!before.value().empty()) IMGIMPORT_RETURN_IF_ERROR(known(before));
  std::vector<Job> jobs;
  bool reached = before.value().empty();
  for (auto it = jobs_.rbegin(); it != jobs_.rend() && jobs.size() < limit; ++it) {
    if (reached) jobs.push_back((*it)->job);
    reached = reached || (*it)->job.id == before;
  }
  return jobs;
}

Result<std::vector<Item>> MemoryMetadataStore::items(const CallContext& context, const ItemQuery& query) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* job, known(query.job));
  std::vector<Item> items;
  for (auto it = job->items.upper_bound(query.after.value()); it != job->items.end(); ++it) {
    if (items.size() >= query.limit) break;
    const ItemEntry& entry = it->second;
    if (query.state && entry.state != *query.state) continue;
    const bool waits = entry.state == ItemState::kPending || entry.state == ItemState::kDeferred;
    const SourceFile& file = entry.listed.file;
    const auto image = entry.image ? images_.find(entry.image->value()) : images_.end();
    const bool has_image = image != images_.end() && image->second.going == Going::kNot;
    items.push_back({ItemId(it->first), file.id, file.name, entry.listed.folder_path, file.size, file.mime_type,
                     entry.state, entry.reason, entry.remedy, entry.attempts, waits ? entry.not_before : std::nullopt,
                     has_image ? entry.image : std::nullopt});
  }
  return items;
}

Result<std::vector<Job>> MemoryMetadataStore::unfinished_jobs(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  std::vector<Job> jobs;
  for (const auto& entry : jobs_) {
    const Job& job = entry->job;
    const bool working = job.status == JobStatus::kListing || job.status == JobStatus::kProcessing;
    if (working || (job.status == JobStatus::kCompleted && job.counters.deferred > 0)) jobs.push_back(job);
  }
  return jobs;
}

Result<JobLease> MemoryMetadataStore::claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                                                std::string_view owner, std::chrono::milliseconds ttl) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, leased({id, seen_epoch}));
  entry->job.owner = owner;
  entry->job.leased_until = clock_.now() + ttl;
  return JobLease{id, ++entry->job.epoch};
}

Result<std::vector<JobLease>> MemoryMetadataStore::renew_leases(const CallContext& context,
                                                                std::span<const JobLease> leases,
                                                                std::chrono::milliseconds ttl) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  std::vector<JobLease> kept;
  for (const JobLease& lease : leases) {
    const auto entry = leased(lease);
    if (!entry.has_value()) continue;
    (*entry)->job.leased_until = clock_.now() + ttl;
    kept.push_back(lease);
  }
  return kept;
}

Result<Job> MemoryMetadataStore::cancel_job(const CallContext& context, const JobId& id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, known(id));
  Job& job = entry->job;
  const bool done = job.status == JobStatus::kCompleted && (job.counters.deferred == 0 || job.dry_run);
  if (job.status == JobStatus::kCancelled || done) return job;
  discard_begun(*entry, Discard::kAbandoned);
  for (auto& [item_id, item] : entry->items) {
    if (item.state != ItemState::kPending && item.state != ItemState::kDeferred) continue;
    move(*entry, item, ItemState::kCancelled);
    item.batch = 0;
    item.not_before.reset();
  }
  job.status = JobStatus::kCancelled;
  job.finished_at = clock_.now();
  return job;
}

Result<std::int64_t> MemoryMetadataStore::retry_job(const CallContext& context, const JobId& id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, known(id));
  Job& job = entry->job;
  if (job.dry_run) return Error(ErrorCode::kConflict, "a dry run has nothing to retry").with_reason("dry_run");
  std::int64_t moved = 0;
  for (auto& [item_id, item] : entry->items) {
    const bool again =
        item.state == ItemState::kFailed || item.state == ItemState::kDeferred || item.state == ItemState::kCancelled;
    if (!again || item.listed.key.value().empty()) continue;
    move(*entry, item, ItemState::kPending);
    ItemEntry fresh;
    fresh.listed = std::move(item.listed);
    item = std::move(fresh);
    ++moved;
  }
  bool reopened = job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled;
  for (FolderEntry& folder : entry->folders) {
    if (!folder.left_out) continue;
    folder.done = folder.left_out = false;
    job.listed = false;
    reopened = true;
  }
  if (reopened) {
    job.status = job.listed ? JobStatus::kProcessing : JobStatus::kListing;
    job.finished_at.reset();
    job.trouble.reset();
  }
  settle(*entry);
  return moved;
}

Result<std::int64_t> MemoryMetadataStore::report_damage(const CallContext& context, const JobId& id,
                                                        std::span<const Damage> damages) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * job, known(id));
  std::int64_t failed = 0;
  for (const Damage& damage : damages) {
    const auto found = images_.find(damage.image.value());
    if (found == images_.end() || found->second.going != Going::kNot) continue;
    const Image& image = found->second.image;
    if (image.key != damage.key) continue;
    for (auto& [image_id, entry] : images_) {
      if (entry.image.place == image.place && entry.image.key == image.key) entry.image.damaged = true;
    }
    const auto item = job->items.find(damage.item.value());
    if (item == job->items.end() || item->second.image != damage.image) continue;
    if (item->second.state == ItemState::kImported) {
      const bool same_version = image.job == id;
      const auto size = same_version ? image.size_bytes : item->second.listed.file.size.value_or(image.size_bytes);
      job->job.counters.bytes -= static_cast<std::int64_t>(size);
    }
    move(*job, item->second, ItemState::kFailed);
    item->second.reason = clean(damage.reason);
    item->second.remedy = clean(damage.remedy);
    item->second.image.reset();
    ++failed;
  }
  return failed;
}

Result<std::vector<PendingFolder>> MemoryMetadataStore::pending_folders(const CallContext& context, const JobId& id,
                                                                        std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* entry, known(id));
  std::vector<PendingFolder> folders;
  for (const FolderEntry& folder : entry->folders) {
    if (!folder.done) folders.push_back(folder.folder);
  }
  std::stable_sort(folders.begin(), folders.end(),
                   [](const PendingFolder& a, const PendingFolder& b) { return a.depth < b.depth; });
  if (folders.size() > limit) folders.resize(limit);
  return folders;
}

Result<Journal::Added> MemoryMetadataStore::add_page(const CallContext& context, const JobLease& lease,
                                                     const ListedPage& page, std::size_t batch_size) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  for (const NewItem& item : page.items) {
    const bool allowed =
        item.state == ItemState::kPending || item.state == ItemState::kIgnored || item.state == ItemState::kFailed;
    if (!allowed) return Error(ErrorCode::kInvalidArgument, "a listed item is pending, ignored or failed");
  }
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * job, listing(lease));
  const auto is_page = [&](const FolderEntry& entry) { return entry.folder.folder.id == page.folder; };
  const auto folder = std::find_if(job->folders.begin(), job->folders.end(), is_page);
  if (folder == job->folders.end()) {
    return Error(ErrorCode::kNotFound, "the folder is none of this job's").with_reason("no_such_folder");
  }
  folder->folder.page_token = page.next_page_token.value_or("");
  if (!page.next_page_token) folder->done = true;
  folder->left_out = page.left_out.has_value();
  if (page.left_out) job->job.trouble = joined(job->job.trouble, *page.left_out);
  Added added;
  std::vector<ItemEntry*> pending;
  JobCounters& counters = job->job.counters;
  for (const NewItem& item : page.items) {
    if (!job->known_items.insert(item.file.id).second) continue;
    ItemEntry entry;
    entry.listed = clean(item);
    entry.state = item.state;
    entry.reason = entry.listed.reason;
    entry.remedy = entry.listed.remedy;
    ItemEntry& placed = job->items.emplace(++last_item_, std::move(entry)).first->second;
    ++added.items;
    ++counter(counters, item.state);
    if (item.state == ItemState::kPending) pending.push_back(&placed);
    if (item.state == ItemState::kIgnored) continue;
    ++counters.total;
    counters.total_bytes += static_cast<std::int64_t>(item.file.size.value_or(0));
  }
  if (batch_size > 0 && !job->job.dry_run) {
    const std::size_t whole = pending.size() / batch_size;
    for (std::size_t i = 0; i < whole * batch_size; ++i) {
      pending[i]->batch = last_batch_ + 1 + static_cast<std::int64_t>(i / batch_size);
    }
    last_batch_ += static_cast<std::int64_t>(whole);
  }
  for (const PendingFolder& sub : page.subfolders) {
    const auto same = [&](const FolderEntry& entry) { return entry.folder.folder.id == sub.folder.id; };
    if (std::any_of(job->folders.begin(), job->folders.end(), same)) continue;
    PendingFolder stored = sub;
    stored.path = clean(sub.path);
    stored.folder.name = clean(sub.folder.name);
    job->folders.push_back({std::move(stored), false});
    added.folders.push_back(sub);
  }
  return added;
}

Result<void> MemoryMetadataStore::restart_folder(const CallContext& context, const JobLease& lease,
                                                 const DriveId& folder) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * job, listing(lease));
  for (FolderEntry& entry : job->folders) {
    if (entry.folder.folder.id != folder) continue;
    entry.folder.page_token.clear();
    entry.done = false;
    return {};
  }
  return Error(ErrorCode::kNotFound, "the folder is none of this job's").with_reason("no_such_folder");
}

Result<void> MemoryMetadataStore::finish_listing(const CallContext& context, const JobLease& lease) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, leased(lease));
  Job& job = entry->job;
  if (job.listed && job.status != JobStatus::kFailed && job.status != JobStatus::kCancelled) return {};
  IMGIMPORT_RETURN_IF_ERROR(listing(lease));
  for (const FolderEntry& folder : entry->folders) {
    if (folder.done) continue;
    return Error(ErrorCode::kConflict, "folders are not listed to their end").with_reason("listing_incomplete");
  }
  job.listed = true;
  job.status = job.dry_run ? JobStatus::kCompleted : JobStatus::kProcessing;
  if (job.dry_run) job.finished_at = clock_.now();
  settle(*entry);
  return {};
}

Result<void> MemoryMetadataStore::fail_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, leased(lease));
  if (entry->job.status == JobStatus::kCancelled) {
    return Error(ErrorCode::kConflict, "the job was cancelled").with_reason("cancelled");
  }
  entry->job.status = JobStatus::kFailed;
  entry->job.finished_at = clock_.now();
  entry->job.trouble = trouble;
  discard_begun(*entry, Discard::kInDoubt);
  return {};
}

Result<void> MemoryMetadataStore::warn_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * entry, leased(lease));
  entry->job.trouble = joined(entry->job.trouble, trouble);
  return {};
}

Result<std::vector<BatchId>> MemoryMetadataStore::group_due(const CallContext& context, const JobLease& lease,
                                                            Timestamp now, std::size_t batch_size, std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * job, leased(lease));
  std::vector<BatchId> batches;
  if (!is_live(job->job) || batch_size == 0) return batches;
  std::vector<ItemEntry*> due;
  for (auto& [id, item] : job->items) {
    const bool waits = item.state == ItemState::kPending || item.state == ItemState::kDeferred;
    if (waits && item.batch == 0 && item.not_before.value_or(Timestamp::min()) <= now) due.push_back(&item);
  }
  std::stable_sort(due.begin(), due.end(), [](const ItemEntry* a, const ItemEntry* b) {
    return a->not_before.value_or(Timestamp::min()) < b->not_before.value_or(Timestamp::min());
  });
  for (std::size_t i = 0; i < due.size() && i < batch_size * limit; ++i) {
    if (i % batch_size == 0) batches.emplace_back(++last_batch_);
    due[i]->batch = last_batch_;
    due[i]->not_before.reset();
    move(*job, *due[i], ItemState::kPending);
  }
  settle(*job);
  return batches;
}

Result<std::vector<BatchId>> MemoryMetadataStore::ready_batches(const CallContext& context, const JobLease& lease,
                                                                BatchId after, std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* job, leased(lease));
  std::vector<BatchId> batches;
  if (!is_live(job->job)) return batches;
  std::set<BatchId> ready;
  for (const auto& [id, item] : job->items) {
    if (item.state == ItemState::kPending && item.batch > after.value()) ready.insert(BatchId(item.batch));
  }
  for (const BatchId batch : ready) {
    if (batches.size() < limit) batches.push_back(batch);
  }
  return batches;
}

Result<std::optional<Timestamp>> MemoryMetadataStore::next_due(const CallContext& context, const JobId& id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* job, known(id));
  std::optional<Timestamp> next;
  if (!is_live(job->job)) return next;
  for (const auto& [item_id, item] : job->items) {
    const bool waits = item.state == ItemState::kPending || item.state == ItemState::kDeferred;
    if (!waits || item.batch != 0) continue;
    const Timestamp due = item.not_before.value_or(Timestamp{});
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

Result<Batch> MemoryMetadataStore::open_batch(const CallContext& context, const BatchRef& batch,
                                              const StorePlace& place) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(JobEntry * job, known(batch.job));
  Batch opened{batch.job, {}};
  if (!is_live(job->job)) return opened;
  for (const auto& [id, item] : job->items) {
    if (item.state != ItemState::kPending || item.batch == 0 || item.batch != batch.batch.value()) continue;
    opened.items.push_back({ItemId(id), item.listed.file, item.listed.folder_path, item.listed.key, item.attempts,
                            item.backoffs, item.retrying_since, known_image(place, item)});
  }
  if (!opened.items.empty()) job->begun.emplace(batch.batch.value(), place);
  return opened;
}

Result<void> MemoryMetadataStore::ping(const CallContext& context) {
  return context.check();
}

}  // namespace imgimport
