// Rows as values of the contract: for each, the list of columns and the function that reads them, side by side.
#pragma once

#include <cstdint>
#include <optional>

#include "db/connection.hpp"
#include "imgimport/image.hpp"
#include "imgimport/job.hpp"

namespace imgimport::rows {

// From `jobs j`.
inline constexpr db::SqlText kJobColumns(
    "j.id, j.uuid, j.folder_url, j.root_id, j.root_name, j.root_resource_key, j.root_shared_drive, j.recursive, "
    "j.dry_run, j.filters, j.status, j.listed, j.total, j.imported, j.skipped, j.deduplicated, j.failed, j.deferred, "
    "j.cancelled, j.pending, j.ignored, j.bytes, j.total_bytes, j.trouble_reason, j.trouble_message, "
    "j.trouble_remedy, j.created_at, j.finished_at, j.owner, j.epoch, j.leased_until ");
struct JobRow {
  std::int64_t id = 0;  // the row's, which items and images refer to
  Job job;
};
JobRow job(const db::Query& query);

// From `items i`.
inline constexpr db::SqlText kItemColumns(
    "i.id, i.drive_id, i.name, i.folder_path, i.size_bytes, i.mime_type, i.state, i.reason, i.remedy, i.attempts, "
    "i.not_before, (SELECT m.id FROM images m WHERE m.id = i.image_id AND m.deleting = 0) ");
Item item(const db::Query& query);

// From `items i`.
inline constexpr db::SqlText kWorkItemColumns(
    "i.id, i.drive_id, i.name, i.folder_path, i.size_bytes, i.mime_type, i.md5, i.sha1, i.sha256, i.head_revision, "
    "i.resource_key, i.modified_at, i.width, i.height, i.taken_at, i.camera, i.latitude, i.longitude, i.object_key, "
    "i.attempts, i.backoffs, i.retrying_since ");
inline constexpr int kWorkItemWidth = 22;
WorkItem work_item(const db::Query& query);

// From `images m JOIN places p JOIN providers v LEFT JOIN jobs j`.
inline constexpr db::SqlText kImageColumns(
    "m.id, m.name, m.drive_id, m.size_bytes, m.mime_type, v.name, p.bucket, p.prefix, m.object_key, m.etag, "
    "m.version_id, m.created_at, j.uuid, m.folder_path, m.md5, m.sha1, m.sha256, m.checksum_verified, m.width, "
    "m.height, m.taken_at, m.camera, m.latitude, m.longitude, m.drive_modified_at, m.damaged ");
inline constexpr int kImageWidth = 26;
// The tables of kImageColumns besides images.
inline constexpr db::SqlText kImageJoins(
    "JOIN places p ON p.id = m.place_id JOIN providers v ON v.id = m.provider_id LEFT JOIN jobs j ON j.id = m.job_id ");
Image image(const db::Query& query);

// From `folders f`.
inline constexpr db::SqlText kFolderColumns(
    "f.drive_id, f.name, f.resource_key, f.shared_drive, f.path, f.depth, f.page_token ");
PendingFolder folder(const db::Query& query);

}  // namespace imgimport::rows
