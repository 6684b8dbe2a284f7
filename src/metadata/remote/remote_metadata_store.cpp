#include "metadata/remote/remote_metadata_store.hpp"

#include "metadata/remote/metadata_calls.hpp"

namespace imgimport {

using namespace metadata_call;

Result<JobStore::Created> RemoteMetadataStore::create_job(const CallContext& context, const NewJob& job,
                                                          std::string_view owner, std::chrono::milliseconds ttl) {
  return service_.call(context, kCreateJob, CreateJobRequest{job, std::string(owner), ttl});
}

Result<Job> RemoteMetadataStore::job(const CallContext& context, const JobId& id) {
  return service_.call(context, kJob, JobRequest{id});
}

Result<std::vector<Job>> RemoteMetadataStore::jobs(const CallContext& context, const JobId& before, std::size_t limit) {
  return service_.call(context, kJobs, JobsRequest{before, limit});
}

Result<Job> RemoteMetadataStore::job_by_key(const CallContext& context, std::string_view idempotency_key) {
  return service_.call(context, kJobByKey, JobByKeyRequest{std::string(idempotency_key)});
}

Result<std::vector<Item>> RemoteMetadataStore::items(const CallContext& context, const ItemQuery& query) {
  return service_.call(context, kItems, ItemsRequest{query});
}

Result<std::vector<Job>> RemoteMetadataStore::unfinished_jobs(const CallContext& context) {
  return service_.call(context, kUnfinishedJobs, Nothing{});
}

Result<JobLease> RemoteMetadataStore::claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                                                std::string_view owner, std::chrono::milliseconds ttl) {
  return service_.call(context, kClaimJob, ClaimJobRequest{id, seen_epoch, std::string(owner), ttl});
}

Result<std::vector<JobLease>> RemoteMetadataStore::renew_leases(const CallContext& context,
                                                                std::span<const JobLease> leases,
                                                                std::chrono::milliseconds ttl) {
  return service_.call(context, kRenewLeases, RenewLeasesRequest{{leases.begin(), leases.end()}, ttl});
}

Result<Job> RemoteMetadataStore::cancel_job(const CallContext& context, const JobId& id) {
  return service_.call(context, kCancelJob, CancelJobRequest{id});
}

Result<std::int64_t> RemoteMetadataStore::retry_job(const CallContext& context, const JobId& id) {
  return service_.call(context, kRetryJob, RetryJobRequest{id});
}

Result<std::int64_t> RemoteMetadataStore::report_damage(const CallContext& context, const JobId& job,
                                                        std::span<const Damage> damages) {
  return service_.call(context, kReportDamage, ReportDamageRequest{job, {damages.begin(), damages.end()}});
}

Result<std::vector<PendingFolder>> RemoteMetadataStore::pending_folders(const CallContext& context, const JobId& job,
                                                                        std::size_t limit) {
  return service_.call(context, kPendingFolders, PendingFoldersRequest{job, limit});
}

Result<Journal::Added> RemoteMetadataStore::add_page(const CallContext& context, const JobLease& lease,
                                                     const ListedPage& page, std::size_t batch_size) {
  return service_.call(context, kAddPage, AddPageRequest{lease, page, batch_size});
}

Result<void> RemoteMetadataStore::restart_folder(const CallContext& context, const JobLease& lease,
                                                 const DriveId& folder) {
  return service_.call(context, kRestartFolder, RestartFolderRequest{lease, folder});
}

Result<void> RemoteMetadataStore::finish_listing(const CallContext& context, const JobLease& lease) {
  return service_.call(context, kFinishListing, FinishListingRequest{lease});
}

Result<void> RemoteMetadataStore::fail_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  return service_.call(context, kFailJob, FailJobRequest{lease, trouble});
}

Result<void> RemoteMetadataStore::warn_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  return service_.call(context, kWarnJob, WarnJobRequest{lease, trouble});
}

Result<std::vector<BatchId>> RemoteMetadataStore::group_due(const CallContext& context, const JobLease& lease,
                                                            Timestamp now, std::size_t batch_size, std::size_t limit) {
  return service_.call(context, kGroupDue, GroupDueRequest{lease, now, batch_size, limit});
}

Result<std::vector<BatchId>> RemoteMetadataStore::ready_batches(const CallContext& context, const JobLease& lease,
                                                                BatchId after, std::size_t limit) {
  return service_.call(context, kReadyBatches, ReadyBatchesRequest{lease, after, limit});
}

Result<std::optional<Timestamp>> RemoteMetadataStore::next_due(const CallContext& context, const JobId& job) {
  return service_.call(context, kNextDue, NextDueRequest{job});
}

Result<Batch> RemoteMetadataStore::open_batch(const CallContext& context, const BatchRef& batch,
                                              const StorePlace& place) {
  return service_.call(context, kOpenBatch, OpenBatchRequest{batch, place});
}

Result<std::vector<CommitEffect>> RemoteMetadataStore::commit(const CallContext& context,
                                                              std::span<const Outcome> outcomes,
                                                              const StorePlace& place) {
  return service_.call(context, kCommit, CommitRequest{{outcomes.begin(), outcomes.end()}, place});
}

Result<Image> RemoteMetadataStore::image(const CallContext& context, ImageId id) {
  return service_.call(context, kImage, ImageRequest{id});
}

Result<ImagePage> RemoteMetadataStore::page(const CallContext& context, const ImageQuery& query, std::int64_t page,
                                            std::int64_t per_page) {
  return service_.call(context, kPage, PageRequest{query, page, per_page});
}

Result<std::vector<Image>> RemoteMetadataStore::walk(const CallContext& context, const ImageQuery& query,
                                                     ImageId before, std::size_t limit) {
  return service_.call(context, kWalk, WalkRequest{query, before, limit});
}

Result<std::vector<ImageStore::JobImage>> RemoteMetadataStore::job_images(const CallContext& context, const JobId& job,
                                                                          ItemId after, std::size_t limit) {
  return service_.call(context, kJobImages, JobImagesRequest{job, after, limit});
}

Result<ImageStore::Deletion> RemoteMetadataStore::begin_delete(const CallContext& context, ImageId id) {
  return service_.call(context, kBeginDelete, BeginDeleteRequest{id});
}

Result<void> RemoteMetadataStore::finish_delete(const CallContext& context, ImageId id) {
  return service_.call(context, kFinishDelete, FinishDeleteRequest{id});
}

Result<std::vector<ObjectKey>> RemoteMetadataStore::claim_garbage(const CallContext& context, const StorePlace& place,
                                                                  std::size_t limit) {
  return service_.call(context, kClaimGarbage, ClaimGarbageRequest{place, limit});
}

Result<void> RemoteMetadataStore::forget_garbage(const CallContext& context, const StorePlace& place,
                                                 std::span<const ObjectKey> keys) {
  return service_.call(context, kForgetGarbage, ForgetGarbageRequest{place, {keys.begin(), keys.end()}});
}

Result<ImageStats> RemoteMetadataStore::stats(const CallContext& context) {
  return service_.call(context, kStats, Nothing{});
}

Result<std::vector<ImageGroup>> RemoteMetadataStore::folders(const CallContext& context, const GroupQuery& query) {
  return service_.call(context, kFolders, FoldersRequest{query});
}

Result<std::vector<ImageGroup>> RemoteMetadataStore::cameras(const CallContext& context, const GroupQuery& query) {
  return service_.call(context, kCameras, CamerasRequest{query});
}

Result<void> RemoteMetadataStore::ping(const CallContext& context) {
  return service_.call(context, kPing, Nothing{});
}

}  // namespace imgimport
