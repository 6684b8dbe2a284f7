// The metadata service's methods as calls between services: MetadataStore, one route a method. What each means, and its
// errors, is said there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imgimport/metadata_store.hpp"
#include "rest/contract_types.hpp"
#include "rest/protocol.hpp"
#include "rest/wire.hpp"

namespace imgimport {

// --- answers and parts that only this contract has ------------------------------------------------------------------

template <class Wire, Described<JobStore::Created> T>
void describe(Wire& wire, T& created) {
  wire.field("job", created.job);
  wire.field("existed", created.existed);
}

template <class Wire, Described<JobStore::ItemQuery> T>
void describe(Wire& wire, T& query) {
  wire.required("job", query.job);
  wire.field("state", query.state);
  wire.field("after", query.after);
  wire.field("limit", query.limit);
}

template <class Wire, Described<JobStore::Damage> T>
void describe(Wire& wire, T& damage) {
  wire.required("item", damage.item);
  wire.required("image", damage.image);
  wire.required("key", damage.key);
  wire.field("reason", damage.reason);
  wire.field("remedy", damage.remedy);
}

template <class Wire, Described<Journal::Added> T>
void describe(Wire& wire, T& added) {
  wire.field("items", added.items);
  wire.field("folders", added.folders);
}

template <class Wire, Described<ImageStore::JobImage> T>
void describe(Wire& wire, T& entry) {
  wire.field("item", entry.item);
  wire.field("image", entry.image);
}

template <class Wire, Described<ImageStore::Deletion> T>
void describe(Wire& wire, T& deletion) {
  wire.required("place", deletion.place);
  wire.field("key", deletion.key);
  wire.field("last", deletion.last);
}

template <class Wire, Described<ImageStore::GroupQuery> T>
void describe(Wire& wire, T& query) {
  wire.field("parent", query.parent);
  wire.field("after", query.after);
  wire.field("limit", query.limit);
}

// --- requests and methods
// ---------------------------------------------------------------------------------------------

namespace metadata_call {

struct CreateJobRequest {
  NewJob job{};
  std::string owner{};
  std::chrono::milliseconds ttl{};
};
template <class Wire, Described<CreateJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
  wire.field("owner", request.owner);
  wire.field("ttl", request.ttl);
}
inline constexpr ServiceMethod<CreateJobRequest, JobStore::Created> kCreateJob{.path =
                                                                                   "/internal/v1/metadata/create_job"};

struct JobByKeyRequest {
  std::string idempotency_key{};
};
template <class Wire, Described<JobByKeyRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("idempotency_key", request.idempotency_key);
}
inline constexpr ServiceMethod<JobByKeyRequest, Job> kJobByKey{.path = "/internal/v1/metadata/job_by_key",
                                                               .repeatable = true};

struct JobRequest {
  JobId id{};
};
template <class Wire, Described<JobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<JobRequest, Job> kJob{.path = "/internal/v1/metadata/job", .repeatable = true};

struct JobsRequest {
  JobId before{};
  std::size_t limit{};
};
template <class Wire, Described<JobsRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("before", request.before);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<JobsRequest, std::vector<Job>> kJobs{.path = "/internal/v1/metadata/jobs",
                                                                    .repeatable = true};

struct ItemsRequest {
  JobStore::ItemQuery query{};
};
template <class Wire, Described<ItemsRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("query", request.query);
}
inline constexpr ServiceMethod<ItemsRequest, std::vector<Item>> kItems{.path = "/internal/v1/metadata/items",
                                                                       .repeatable = true};

inline constexpr ServiceMethod<Nothing, std::vector<Job>> kUnfinishedJobs{
    .path = "/internal/v1/metadata/unfinished_jobs", .repeatable = true};

struct ClaimJobRequest {
  JobId id{};
  std::int64_t seen_epoch{};
  std::string owner{};
  std::chrono::milliseconds ttl{};
};
template <class Wire, Described<ClaimJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
  wire.field("seen_epoch", request.seen_epoch);
  wire.field("owner", request.owner);
  wire.field("ttl", request.ttl);
}
inline constexpr ServiceMethod<ClaimJobRequest, JobLease> kClaimJob{.path = "/internal/v1/metadata/claim_job"};

struct RenewLeasesRequest {
  std::vector<JobLease> leases{};
  std::chrono::milliseconds ttl{};
};
template <class Wire, Described<RenewLeasesRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("leases", request.leases);
  wire.field("ttl", request.ttl);
}
inline constexpr ServiceMethod<RenewLeasesRequest, std::vector<JobLease>> kRenewLeases{
    .path = "/internal/v1/metadata/renew_leases", .repeatable = true};

struct CancelJobRequest {
  JobId id{};
};
template <class Wire, Described<CancelJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<CancelJobRequest, Job> kCancelJob{.path = "/internal/v1/metadata/cancel_job",
                                                                 .repeatable = true};

struct RetryJobRequest {
  JobId id{};
};
template <class Wire, Described<RetryJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<RetryJobRequest, std::int64_t> kRetryJob{.path = "/internal/v1/metadata/retry_job"};

struct ReportDamageRequest {
  JobId job{};
  std::vector<JobStore::Damage> damages{};
};
template <class Wire, Described<ReportDamageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
  wire.field("damages", request.damages);
}
inline constexpr ServiceMethod<ReportDamageRequest, std::int64_t> kReportDamage{
    .path = "/internal/v1/metadata/report_damage"};

struct PendingFoldersRequest {
  JobId job{};
  std::size_t limit{};
};
template <class Wire, Described<PendingFoldersRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<PendingFoldersRequest, std::vector<PendingFolder>> kPendingFolders{
    .path = "/internal/v1/metadata/pending_folders", .repeatable = true};

struct AddPageRequest {
  JobLease lease{};
  ListedPage page{};
  std::size_t batch_size{};
};
template <class Wire, Described<AddPageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.required("page", request.page);
  wire.field("batch_size", request.batch_size);
}
inline constexpr ServiceMethod<AddPageRequest, Journal::Added> kAddPage{.path = "/internal/v1/metadata/add_page"};

struct RestartFolderRequest {
  JobLease lease{};
  DriveId folder{};
};
template <class Wire, Described<RestartFolderRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.required("folder", request.folder);
}
inline constexpr ServiceMethod<RestartFolderRequest, Nothing> kRestartFolder{
    .path = "/internal/v1/metadata/restart_folder", .repeatable = true};

struct FinishListingRequest {
  JobLease lease{};
};
template <class Wire, Described<FinishListingRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
}
inline constexpr ServiceMethod<FinishListingRequest, Nothing> kFinishListing{
    .path = "/internal/v1/metadata/finish_listing"};

struct FailJobRequest {
  JobLease lease{};
  JobTrouble trouble{};
};
template <class Wire, Described<FailJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.required("trouble", request.trouble);
}
inline constexpr ServiceMethod<FailJobRequest, Nothing> kFailJob{.path = "/internal/v1/metadata/fail_job"};

struct WarnJobRequest {
  JobLease lease{};
  JobTrouble trouble{};
};
template <class Wire, Described<WarnJobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.required("trouble", request.trouble);
}
inline constexpr ServiceMethod<WarnJobRequest, Nothing> kWarnJob{.path = "/internal/v1/metadata/warn_job",
                                                                 .repeatable = true};

struct GroupDueRequest {
  JobLease lease{};
  Timestamp now{};
  std::size_t batch_size{};
  std::size_t limit{};
};
template <class Wire, Described<GroupDueRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.field("now", request.now);
  wire.field("batch_size", request.batch_size);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<GroupDueRequest, std::vector<BatchId>> kGroupDue{.path =
                                                                                    "/internal/v1/metadata/group_due"};

struct ReadyBatchesRequest {
  JobLease lease{};
  BatchId after{};
  std::size_t limit{};
};
template <class Wire, Described<ReadyBatchesRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("lease", request.lease);
  wire.field("after", request.after);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<ReadyBatchesRequest, std::vector<BatchId>> kReadyBatches{
    .path = "/internal/v1/metadata/ready_batches", .repeatable = true};

struct NextDueRequest {
  JobId job{};
};
template <class Wire, Described<NextDueRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
}
inline constexpr ServiceMethod<NextDueRequest, std::optional<Timestamp>> kNextDue{
    .path = "/internal/v1/metadata/next_due", .repeatable = true};

struct OpenBatchRequest {
  BatchRef batch{};
  StorePlace place{};
};
template <class Wire, Described<OpenBatchRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("batch", request.batch);
  wire.required("place", request.place);
}
inline constexpr ServiceMethod<OpenBatchRequest, Batch> kOpenBatch{.path = "/internal/v1/metadata/open_batch",
                                                                   .repeatable = true};

struct CommitRequest {
  std::vector<Outcome> outcomes{};
  StorePlace place{};
};
template <class Wire, Described<CommitRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("outcomes", request.outcomes);
  wire.required("place", request.place);
}
inline constexpr ServiceMethod<CommitRequest, std::vector<CommitEffect>> kCommit{.path =
                                                                                     "/internal/v1/metadata/commit"};

struct ImageRequest {
  ImageId id{};
};
template <class Wire, Described<ImageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<ImageRequest, Image> kImage{.path = "/internal/v1/metadata/image", .repeatable = true};

struct PageRequest {
  ImageQuery query{};
  std::int64_t page{};
  std::int64_t per_page{};
};
template <class Wire, Described<PageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("query", request.query);
  wire.field("page", request.page);
  wire.field("per_page", request.per_page);
}
inline constexpr ServiceMethod<PageRequest, ImagePage> kPage{.path = "/internal/v1/metadata/page", .repeatable = true};

struct WalkRequest {
  ImageQuery query{};
  ImageId before{};
  std::size_t limit{};
};
template <class Wire, Described<WalkRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("query", request.query);
  wire.field("before", request.before);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<WalkRequest, std::vector<Image>> kWalk{.path = "/internal/v1/metadata/walk",
                                                                      .repeatable = true};

struct JobImagesRequest {
  JobId job{};
  ItemId after{};
  std::size_t limit{};
};
template <class Wire, Described<JobImagesRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
  wire.field("after", request.after);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<JobImagesRequest, std::vector<ImageStore::JobImage>> kJobImages{
    .path = "/internal/v1/metadata/job_images", .repeatable = true};

struct BeginDeleteRequest {
  ImageId id{};
};
template <class Wire, Described<BeginDeleteRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<BeginDeleteRequest, ImageStore::Deletion> kBeginDelete{
    .path = "/internal/v1/metadata/begin_delete", .repeatable = true};

struct FinishDeleteRequest {
  ImageId id{};
};
template <class Wire, Described<FinishDeleteRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("id", request.id);
}
inline constexpr ServiceMethod<FinishDeleteRequest, Nothing> kFinishDelete{
    .path = "/internal/v1/metadata/finish_delete", .repeatable = true};

struct ClaimGarbageRequest {
  StorePlace place{};
  std::size_t limit{};
};
template <class Wire, Described<ClaimGarbageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("place", request.place);
  wire.field("limit", request.limit);
}
inline constexpr ServiceMethod<ClaimGarbageRequest, std::vector<ObjectKey>> kClaimGarbage{
    .path = "/internal/v1/metadata/claim_garbage"};

struct ForgetGarbageRequest {
  StorePlace place{};
  std::vector<ObjectKey> keys{};
};
template <class Wire, Described<ForgetGarbageRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("place", request.place);
  wire.field("keys", request.keys);
}
inline constexpr ServiceMethod<ForgetGarbageRequest, Nothing> kForgetGarbage{
    .path = "/internal/v1/metadata/forget_garbage", .repeatable = true};

inline constexpr ServiceMethod<Nothing, ImageStats> kStats{.path = "/internal/v1/metadata/stats", .repeatable = true};

struct FoldersRequest {
  ImageStore::GroupQuery query{};
};
template <class Wire, Described<FoldersRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("query", request.query);
}
inline constexpr ServiceMethod<FoldersRequest, std::vector<ImageGroup>> kFolders{
    .path = "/internal/v1/metadata/folders", .repeatable = true};

struct CamerasRequest {
  ImageStore::GroupQuery query{};
};
template <class Wire, Described<CamerasRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("query", request.query);
}
inline constexpr ServiceMethod<CamerasRequest, std::vector<ImageGroup>> kCameras{
    .path = "/internal/v1/metadata/cameras", .repeatable = true};

inline constexpr ServiceMethod<Nothing, Nothing> kPing{.path = "/internal/v1/metadata/ping", .repeatable = true};

}  // namespace metadata_call

}  // namespace imgimport
