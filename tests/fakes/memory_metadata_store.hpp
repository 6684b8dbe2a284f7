// The metadata store in memory, with the behaviour of the real one: for tests of whatever stands on MetadataStore.
//
// Threading: as MetadataStore; one mutex. It never fails by itself and survives nothing. A removal that was begun
// counts as cut short after two minutes of its clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"
#include "metadata/discard.hpp"
#include "metadata/garbage.hpp"

namespace imgimport {

class MemoryMetadataStore : public MetadataStore {
 public:
  // `clock` must outlive the store.
  explicit MemoryMetadataStore(const Clock& clock) : clock_(clock) {}

  Result<Created> create_job(const CallContext& context, const NewJob& job, std::string_view owner,
                             std::chrono::milliseconds ttl) override;
  Result<Job> job(const CallContext& context, const JobId& id) override;
  Result<Job> job_by_key(const CallContext& context, std::string_view idempotency_key) override;
  Result<std::vector<Job>> jobs(const CallContext& context, const JobId& before, std::size_t limit) override;
  Result<std::vector<Item>> items(const CallContext& context, const ItemQuery& query) override;
  Result<std::vector<Job>> unfinished_jobs(const CallContext& context) override;
  Result<JobLease> claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                             std::string_view owner, std::chrono::milliseconds ttl) override;
  Result<std::vector<JobLease>> renew_leases(const CallContext& context, std::span<const JobLease> leases,
                                             std::chrono::milliseconds ttl) override;
  Result<Job> cancel_job(const CallContext& context, const JobId& id) override;
  Result<std::int64_t> retry_job(const CallContext& context, const JobId& id) override;
  Result<std::int64_t> report_damage(const CallContext& context, const JobId& id,
                                     std::span<const Damage> damages) override;

  Result<std::vector<PendingFolder>> pending_folders(const CallContext& context, const JobId& job,
                                                     std::size_t limit) override;
  Result<Added> add_page(const CallContext& context, const JobLease& lease, const ListedPage& page,
                         std::size_t batch_size) override;
  Result<void> restart_folder(const CallContext& context, const JobLease& lease, const DriveId& folder) override;
  Result<void> finish_listing(const CallContext& context, const JobLease& lease) override;
  Result<void> fail_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) override;
  Result<void> warn_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) override;
  Result<std::vector<BatchId>> group_due(const CallContext& context, const JobLease& lease, Timestamp now,
                                         std::size_t batch_size, std::size_t limit) override;
  Result<std::vector<BatchId>> ready_batches(const CallContext& context, const JobLease& lease, BatchId after,
                                             std::size_t limit) override;
  Result<std::optional<Timestamp>> next_due(const CallContext& context, const JobId& job) override;
  Result<Batch> open_batch(const CallContext& context, const BatchRef& batch, const StorePlace& place) override;
  Result<std::vector<CommitEffect>> commit(const CallContext& context, std::span<const Outcome> outcomes,
                                           const StorePlace& place) override;

  Result<Image> image(const CallContext& context, ImageId id) override;
  Result<ImagePage> page(const CallContext& context, const ImageQuery& query, std::int64_t page,
                         std::int64_t per_page) override;
  Result<std::vector<Image>> walk(const CallContext& context, const ImageQuery& query, ImageId before,
                                  std::size_t limit) override;
  Result<std::vector<JobImage>> job_images(const CallContext& context, const JobId& job, ItemId after,
                                           std::size_t limit) override;
  Result<Deletion> begin_delete(const CallContext& context, ImageId id) override;
  Result<void> finish_delete(const CallContext& context, ImageId id) override;
  Result<std::vector<ObjectKey>> claim_garbage(const CallContext& context, const StorePlace& place,
                                               std::size_t limit) override;
  Result<void> forget_garbage(const CallContext& context, const StorePlace& place,
                              std::span<const ObjectKey> keys) override;
  Result<ImageStats> stats(const CallContext& context) override;
  Result<std::vector<ImageGroup>> folders(const CallContext& context, const GroupQuery& query) override;
  Result<std::vector<ImageGroup>> cameras(const CallContext& context, const GroupQuery& query) override;
  Result<void> ping(const CallContext& context) override;

 private:
  struct ItemEntry {
    NewItem listed;
    ItemState state = ItemState::kPending;
    std::int64_t batch = 0;  // 0 = in none
    std::optional<Timestamp> not_before;
    std::int32_t attempts = 0;
    std::int32_t backoffs = 0;
    std::optional<Timestamp> retrying_since;
    std::string reason;
    std::string remedy;
    std::optional<ImageId> image;
  };
  struct FolderEntry {
    PendingFolder folder;
    bool done = false;
    bool left_out = false;
  };
  struct JobEntry {
    Job job;
    std::string idempotency_key;
    std::vector<FolderEntry> folders;
    std::map<std::int64_t, ItemEntry> items;
    std::set<DriveId> known_items;
    std::set<std::pair<std::int64_t, StorePlace>> begun;  // batches, where
  };
  enum class Going : std::uint8_t { kNot = 0, kAlone = 1, kWithObject = 2 };
  struct ImageEntry {
    Image image;
    std::string head_revision;
    Going going = Going::kNot;
    Timestamp going_since;
  };
  struct GarbageEntry {
    GarbageState state = GarbageState::kWaiting;
    Timestamp since;
    std::int64_t again = 0;
    std::int64_t after_batch = 0;
  };
  using GarbageKey = std::pair<StorePlace, ObjectKey>;

  // All of these REQUIRE mutex_.
  JobEntry* find(const JobId& id);
  Result<JobEntry*> known(const JobId& id);
  Result<JobEntry*> leased(const JobLease& lease);
  Result<JobEntry*> listing(const JobLease& lease);
  void move(JobEntry& job, ItemEntry& item, ItemState to);
  void settle(JobEntry& job);
  ImageEntry* record(const StorePlace& place, const DriveId& drive_id);
  ImageEntry* live(const StorePlace& place, ImageId id);
  std::optional<KnownImage> known_image(const StorePlace& place, const ItemEntry& item);
  bool in_use(const StorePlace& place, const ObjectKey& key);
  void discard(const StorePlace& place, const ObjectKey& key, Discard why);
  void discard_begun(JobEntry& job, Discard why);
  void remember_gone(const StorePlace& place, const ObjectKey& key);
  CommitEffect apply(const Outcome& outcome, const StorePlace& place);
  CommitEffect store(const Outcome& outcome, const StorePlace& place, JobEntry& job, ItemEntry& item);
  CommitEffect keep(const Outcome& outcome, const StorePlace& place, JobEntry& job, ItemEntry& item);
  CommitEffect requeue(const Outcome& outcome, const StorePlace& place, JobEntry& job, ItemEntry& item,
                       std::chrono::milliseconds pause);
  void finish(const Outcome& outcome, JobEntry& job, ItemEntry& item, std::optional<ImageId> image);
  ImageEntry& write_record(const StorePlace& place, const JobEntry& job, const ItemEntry& item);
  bool matches(const ImageEntry& entry, const ImageQuery& query) const;
  std::int64_t lowest_searched(const ImageQuery& query) const;

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<JobEntry>> jobs_;  // oldest first
  std::map<std::int64_t, ImageEntry> images_;
  std::map<GarbageKey, GarbageEntry> garbage_;
  std::int64_t last_item_ = 0;
  std::int64_t last_batch_ = 0;
  std::int64_t last_image_ = 0;
};

}  // namespace imgimport
