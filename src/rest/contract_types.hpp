// How the values of the contracts look between services (wire.hpp).
#pragma once

#include "imgimport/image.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/job.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"
#include "rest/wire.hpp"

namespace imgimport {

// --- what the source tells ----------------------------------------------------------------------------------------

template <class Wire, Described<ContentHashes> T>
void describe(Wire& wire, T& hashes) {
  wire.field("md5", hashes.md5);
  wire.field("sha1", hashes.sha1);
  wire.field("sha256", hashes.sha256);
}

template <class Wire, Described<FolderRef> T>
void describe(Wire& wire, T& folder) {
  wire.required("id", folder.id);
  wire.field("name", folder.name);
  wire.field("resource_key", folder.resource_key);
  wire.field("shared_drive", folder.shared_drive);
}

template <class Wire, Described<ImageFacts> T>
void describe(Wire& wire, T& facts) {
  wire.field("width", facts.width);
  wire.field("height", facts.height);
  wire.field("taken_at", facts.taken_at);
  wire.field("camera", facts.camera);
  wire.field("latitude", facts.latitude);
  wire.field("longitude", facts.longitude);
}

template <class Wire, Described<SourceFile> T>
void describe(Wire& wire, T& file) {
  wire.required("id", file.id);
  wire.field("name", file.name);
  wire.field("mime_type", file.mime_type);
  wire.field("size", file.size);
  wire.field("hashes", file.hashes);
  wire.field("head_revision", file.head_revision);
  wire.field("resource_key", file.resource_key);
  wire.field("modified_at", file.modified_at);
  wire.field("can_download", file.can_download);
  wire.field("trashed", file.trashed);
  wire.field("image", file.image);
}

// --- object store -------------------------------------------------------------------------------------------------

template <class Wire, Described<StorePlace> T>
void describe(Wire& wire, T& place) {
  wire.required("provider", place.provider);
  wire.field("bucket", place.bucket);
  wire.field("prefix", place.prefix);
}

template <class Wire, Described<PutOptions> T>
void describe(Wire& wire, T& options) {
  wire.field("content_type", options.content_type);
  wire.field("expected", options.expected);
}

template <class Wire, Described<ObjectInfo> T>
void describe(Wire& wire, T& info) {
  wire.field("size_bytes", info.size_bytes);
  wire.field("etag", info.etag);
  wire.field("hashes", info.hashes);
  wire.field("version_id", info.version_id);
  wire.field("modified_at", info.modified_at);
}

template <class Wire, Described<ByteRange> T>
void describe(Wire& wire, T& range) {
  wire.field("first", range.first);
  wire.field("last", range.last);
  wire.field("suffix", range.suffix);
}

template <class Wire, Described<PlannedPut> T>
void describe(Wire& wire, T& plan) {
  wire.required("key", plan.key);
  wire.field("size_bytes", plan.size_bytes);
  wire.field("options", plan.options);
}

// One value a name: tickets repeat none.
template <class Wire, Described<UploadTicket> T>
void describe(Wire& wire, T& ticket) {
  wire.required("key", ticket.key);
  wire.required("url", ticket.url);
  std::map<std::string, std::string> headers;
  if constexpr (std::is_const_v<T>) headers.insert(ticket.headers.all().begin(), ticket.headers.all().end());
  wire.field("headers", headers);
  if constexpr (!std::is_const_v<T>) {
    for (const auto& [name, value] : headers) ticket.headers.set(name, value);
  }
  wire.field("expires_at", ticket.expires_at);
}

template <class Wire, Described<LinkOptions> T>
void describe(Wire& wire, T& options) {
  wire.field("content_type", options.content_type);
  wire.field("content_disposition", options.content_disposition);
  wire.field("valid_for", options.valid_for);
}

// --- jobs ---------------------------------------------------------------------------------------------------------

template <class Wire, Described<ImportFilters> T>
void describe(Wire& wire, T& filters) {
  wire.field("min_size", filters.min_size);
  wire.field("max_size", filters.max_size);
  wire.field("mime_types", filters.mime_types);
  wire.field("name_glob", filters.name_glob);
  wire.field("min_width", filters.min_width);
  wire.field("min_height", filters.min_height);
  wire.field("taken_after", filters.taken_after);
  wire.field("taken_before", filters.taken_before);
  wire.field("modified_after", filters.modified_after);
  wire.field("modified_before", filters.modified_before);
}

template <class Wire, Described<JobCounters> T>
void describe(Wire& wire, T& counters) {
  wire.field("total", counters.total);
  wire.field("imported", counters.imported);
  wire.field("skipped", counters.skipped);
  wire.field("deduplicated", counters.deduplicated);
  wire.field("failed", counters.failed);
  wire.field("deferred", counters.deferred);
  wire.field("cancelled", counters.cancelled);
  wire.field("pending", counters.pending);
  wire.field("ignored", counters.ignored);
  wire.field("bytes", counters.bytes);
  wire.field("total_bytes", counters.total_bytes);
}

template <class Wire, Described<JobTrouble> T>
void describe(Wire& wire, T& trouble) {
  wire.field("reason", trouble.reason);
  wire.field("message", trouble.message);
  wire.field("remedy", trouble.remedy);
}

template <class Wire, Described<NewJob> T>
void describe(Wire& wire, T& job) {
  wire.required("id", job.id);
  wire.field("folder_url", job.folder_url);
  wire.required("root", job.root);
  wire.field("recursive", job.recursive);
  wire.field("dry_run", job.dry_run);
  wire.field("filters", job.filters);
  wire.field("idempotency_key", job.idempotency_key);
}

template <class Wire, Described<Job> T>
void describe(Wire& wire, T& job) {
  wire.required("id", job.id);
  wire.field("folder_url", job.folder_url);
  wire.field("root", job.root);
  wire.field("recursive", job.recursive);
  wire.field("dry_run", job.dry_run);
  wire.field("filters", job.filters);
  wire.field("status", job.status);
  wire.field("listed", job.listed);
  wire.field("counters", job.counters);
  wire.field("trouble", job.trouble);
  wire.field("created_at", job.created_at);
  wire.field("finished_at", job.finished_at);
  wire.field("owner", job.owner);
  wire.field("epoch", job.epoch);
  wire.field("leased_until", job.leased_until);
}

template <class Wire, Described<JobLease> T>
void describe(Wire& wire, T& lease) {
  wire.required("job", lease.job);
  wire.field("epoch", lease.epoch);
}

template <class Wire, Described<BatchRef> T>
void describe(Wire& wire, T& batch) {
  wire.required("job", batch.job);
  wire.required("batch", batch.batch);
}

template <class Wire, Described<PendingFolder> T>
void describe(Wire& wire, T& folder) {
  wire.required("folder", folder.folder);
  wire.field("path", folder.path);
  wire.field("depth", folder.depth);
  wire.field("page_token", folder.page_token);
}

template <class Wire, Described<NewItem> T>
void describe(Wire& wire, T& item) {
  wire.required("file", item.file);
  wire.field("folder_path", item.folder_path);
  wire.field("key", item.key);
  wire.field("state", item.state);
  wire.field("reason", item.reason);
  wire.field("remedy", item.remedy);
}

template <class Wire, Described<ListedPage> T>
void describe(Wire& wire, T& page) {
  wire.required("folder", page.folder);
  wire.field("items", page.items);
  wire.field("subfolders", page.subfolders);
  wire.field("next_page_token", page.next_page_token);
  wire.field("left_out", page.left_out);
}

template <class Wire, Described<Item> T>
void describe(Wire& wire, T& item) {
  wire.required("id", item.id);
  wire.required("drive_id", item.drive_id);
  wire.field("name", item.name);
  wire.field("folder_path", item.folder_path);
  wire.field("size", item.size);
  wire.field("mime_type", item.mime_type);
  wire.field("state", item.state);
  wire.field("reason", item.reason);
  wire.field("remedy", item.remedy);
  wire.field("attempts", item.attempts);
  wire.field("next_try_at", item.next_try_at);
  wire.field("image", item.image);
}

template <class Wire, Described<KnownImage> T>
void describe(Wire& wire, T& known) {
  wire.required("id", known.id);
  wire.required("key", known.key);
  wire.field("same_drive_id", known.same_drive_id);
}

template <class Wire, Described<WorkItem> T>
void describe(Wire& wire, T& item) {
  wire.required("id", item.id);
  wire.required("file", item.file);
  wire.field("folder_path", item.folder_path);
  wire.field("key", item.key);
  wire.field("attempts", item.attempts);
  wire.field("backoffs", item.backoffs);
  wire.field("retrying_since", item.retrying_since);
  wire.field("known", item.known);
}

template <class Wire, Described<Batch> T>
void describe(Wire& wire, T& batch) {
  wire.required("job", batch.job);
  wire.field("items", batch.items);
}

template <class Wire, Described<StoredObject> T>
void describe(Wire& wire, T& stored) {
  wire.required("key", stored.key);
  wire.field("size_bytes", stored.size_bytes);
  wire.field("hashes", stored.hashes);
  wire.field("mime_type", stored.mime_type);
  wire.field("etag", stored.etag);
  wire.field("version_id", stored.version_id);
  wire.field("checksum_verified", stored.checksum_verified);
}

template <class Wire, Described<Outcome> T>
void describe(Wire& wire, T& outcome) {
  wire.required("job", outcome.job);
  wire.required("item", outcome.item);
  wire.field("state", outcome.state);
  wire.field("stored", outcome.stored);
  wire.field("perhaps_stored", outcome.perhaps_stored);
  wire.field("same_as", outcome.same_as);
  wire.field("reason", outcome.reason);
  wire.field("remedy", outcome.remedy);
  wire.field("attempts", outcome.attempts);
  wire.field("backoffs", outcome.backoffs);
  wire.field("retrying_since", outcome.retrying_since);
  wire.field("not_before", outcome.not_before);
  wire.field("stops_job", outcome.stops_job);
}

// --- image records --------------------------------------------------------------------------------------------------

template <class Wire, Described<Image> T>
void describe(Wire& wire, T& image) {
  wire.required("id", image.id);
  wire.field("name", image.name);
  wire.required("drive_id", image.drive_id);
  wire.field("size_bytes", image.size_bytes);
  wire.field("mime_type", image.mime_type);
  wire.field("place", image.place);
  wire.required("key", image.key);
  wire.field("etag", image.etag);
  wire.field("version_id", image.version_id);
  wire.field("created_at", image.created_at);
  wire.field("job", image.job);
  wire.field("folder_path", image.folder_path);
  wire.field("hashes", image.hashes);
  wire.field("checksum_verified", image.checksum_verified);
  wire.field("damaged", image.damaged);
  wire.field("facts", image.facts);
  wire.field("drive_modified_at", image.drive_modified_at);
}

template <class Wire, Described<ImageQuery> T>
void describe(Wire& wire, T& query) {
  wire.field("storage_provider", query.storage_provider);
  wire.field("text", query.text);
  wire.field("job", query.job);
  wire.field("folder", query.folder);
  wire.field("camera", query.camera);
  wire.field("taken_after", query.taken_after);
  wire.field("taken_before", query.taken_before);
}

template <class Wire, Described<ImagePage> T>
void describe(Wire& wire, T& page) {
  wire.field("images", page.images);
  wire.field("total", page.total);
  wire.field("total_capped", page.total_capped);
}

template <class Wire, Described<ImageGroup> T>
void describe(Wire& wire, T& group) {
  wire.field("name", group.name);
  wire.field("images", group.images);
}

template <class Wire, Described<ImageStats::Provider> T>
void describe(Wire& wire, T& provider) {
  wire.field("images", provider.images);
  wire.field("bytes", provider.bytes);
}

template <class Wire, Described<ImageStats> T>
void describe(Wire& wire, T& stats) {
  wire.field("by_provider", stats.by_provider);
}

}  // namespace imgimport
