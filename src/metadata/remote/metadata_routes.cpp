#include "metadata/remote/metadata_routes.hpp"

#include "metadata/remote/metadata_calls.hpp"
#include "rest/service_routes.hpp"

namespace imgimport {

using namespace metadata_call;

void mount_metadata_routes(Router& router, MetadataStore& store) {
  ServiceRoutes routes(router, "metadata");
  routes.serve(kCreateJob, [&store](const CallContext& context, const CreateJobRequest& request) {
    return store.create_job(context, request.job, request.owner, request.ttl);
  });
  routes.serve(
      kJob, [&store](const CallContext& context, const JobRequest& request) { return store.job(context, request.id); });
  routes.serve(kJobByKey, [&store](const CallContext& context, const JobByKeyRequest& request) {
    return store.job_by_key(context, request.idempotency_key);
  });
  routes.serve(kJobs, [&store](const CallContext& context, const JobsRequest& request) {
    return store.jobs(context, request.before, request.limit);
  });
  routes.serve(kItems, [&store](const CallContext& context, const ItemsRequest& request) {
    return store.items(context, request.query);
  });
  routes.serve(kUnfinishedJobs,
               [&store](const CallContext& context, const Nothing&) { return store.unfinished_jobs(context); });
  routes.serve(kClaimJob, [&store](const CallContext& context, const ClaimJobRequest& request) {
    return store.claim_job(context, request.id, request.seen_epoch, request.owner, request.ttl);
  });
  routes.serve(kRenewLeases, [&store](const CallContext& context, const RenewLeasesRequest& request) {
    return store.renew_leases(context, request.leases, request.ttl);
  });
  routes.serve(kCancelJob, [&store](const CallContext& context, const CancelJobRequest& request) {
    return store.cancel_job(context, request.id);
  });
  routes.serve(kRetryJob, [&store](const CallContext& context, const RetryJobRequest& request) {
    return store.retry_job(context, request.id);
  });
  routes.serve(kReportDamage, [&store](const CallContext& context, const ReportDamageRequest& request) {
    return store.report_damage(context, request.job, request.damages);
  });
  routes.serve(kPendingFolders, [&store](const CallContext& context, const PendingFoldersRequest& request) {
    return store.pending_folders(context, request.job, request.limit);
  });
  routes.serve(kAddPage, [&store](const CallContext& context, const AddPageRequest& request) {
    return store.add_page(context, request.lease, request.page, request.batch_size);
  });
  routes.serve(kRestartFolder, [&store](const CallContext& context, const RestartFolderRequest& request) {
    return store.restart_folder(context, request.lease, request.folder);
  });
  routes.serve(kFinishListing, [&store](const CallContext& context, const FinishListingRequest& request) {
    return store.finish_listing(context, request.lease);
  });
  routes.serve(kFailJob, [&store](const CallContext& context, const FailJobRequest& request) {
    return store.fail_job(context, request.lease, request.trouble);
  });
  routes.serve(kWarnJob, [&store](const CallContext& context, const WarnJobRequest& request) {
    return store.warn_job(context, request.lease, request.trouble);
  });
  routes.serve(kGroupDue, [&store](const CallContext& context, const GroupDueRequest& request) {
    return store.group_due(context, request.lease, request.now, request.batch_size, request.limit);
  });
  routes.serve(kReadyBatches, [&store](const CallContext& context, const ReadyBatchesRequest& request) {
    return store.ready_batches(context, request.lease, request.after, request.limit);
  });
  routes.serve(kNextDue, [&store](const CallContext& context, const NextDueRequest& request) {
    return store.next_due(context, request.job);
  });
  routes.serve(kOpenBatch, [&store](const CallContext& context, const OpenBatchRequest& request) {
    return store.open_batch(context, request.batch, request.place);
  });
  routes.serve(kCommit, [&store](const CallContext& context, const CommitRequest& request) {
    return store.commit(context, request.outcomes, request.place);
  });
  routes.serve(kImage, [&store](const CallContext& context, const ImageRequest& request) {
    return store.image(context, request.id);
  });
  routes.serve(kPage, [&store](const CallContext& context, const PageRequest& request) {
    return store.page(context, request.query, request.page, request.per_page);
  });
  routes.serve(kWalk, [&store](const CallContext& context, const WalkRequest& request) {
    return store.walk(context, request.query, request.before, request.limit);
  });
  routes.serve(kJobImages, [&store](const CallContext& context, const JobImagesRequest& request) {
    return store.job_images(context, request.job, request.after, request.limit);
  });
  routes.serve(kBeginDelete, [&store](const CallContext& context, const BeginDeleteRequest& request) {
    return store.begin_delete(context, request.id);
  });
  routes.serve(kFinishDelete, [&store](const CallContext& context, const FinishDeleteRequest& request) {
    return store.finish_delete(context, request.id);
  });
  routes.serve(kClaimGarbage, [&store](const CallContext& context, const ClaimGarbageRequest& request) {
    return store.claim_garbage(context, request.place, request.limit);
  });
  routes.serve(kForgetGarbage, [&store](const CallContext& context, const ForgetGarbageRequest& request) {
    return store.forget_garbage(context, request.place, request.keys);
  });
  routes.serve(kStats, [&store](const CallContext& context, const Nothing&) { return store.stats(context); });
  routes.serve(kFolders, [&store](const CallContext& context, const FoldersRequest& request) {
    return store.folders(context, request.query);
  });
  routes.serve(kCameras, [&store](const CallContext& context, const CamerasRequest& request) {
    return store.cameras(context, request.query);
  });
  routes.serve(kPing, [&store](const CallContext& context, const Nothing&) { return store.ping(context); });
}

}  // namespace imgimport
