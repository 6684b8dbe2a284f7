// The metadata service in another process, as a MetadataStore.
//
// Threading: as MetadataStore. Errors: the service's own, and those of ServiceClient (kUnavailable while it is away).
#pragma once

#include "imgimport/metadata_store.hpp"
#include "rest/service_client.hpp"

namespace imgimport {

class RemoteMetadataStore final : public MetadataStore {
 public:
  // REQUIRES: the client outlives it.
  explicit RemoteMetadataStore(ServiceClient& service) : service_(service) {}

  // JobStore
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
  Result<std::int64_t> report_damage(const CallContext& context, const JobId& job,
                                     std::span<const Damage> damages) override;
  // Journal
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
  // ImageStore
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
  // MetadataStore
  Result<void> ping(const CallContext& context) override;

 private:
  ServiceClient& service_;
};

}  // namespace imgimport
