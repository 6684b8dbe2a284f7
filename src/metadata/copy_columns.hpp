// The columns of the tables that all stores have alike, for copies from one to the other: both sides name them in this
// order.
#pragma once

#include "db/sql.hpp"

namespace imgimport {

inline constexpr db::SqlText kProviderColumns("id, name, images, bytes");
inline constexpr db::SqlText kPlaceColumns("id, provider_id, bucket, prefix");
inline constexpr db::SqlText kJobColumns(
    "id, status, listed, recursive, dry_run, total, imported, skipped, deduplicated, failed, deferred, cancelled,"
    " pending, ignored, bytes, total_bytes, epoch, leased_until, created_at, finished_at, uuid, owner, idempotency_key,"
    " folder_url, root_id, root_name, root_resource_key, root_shared_drive, filters, trouble_reason, trouble_message,"
    " trouble_remedy");
inline constexpr db::SqlText kFolderColumns(
    "id, job_id, depth, done, drive_id, name, resource_key, shared_drive, path, page_token");
inline constexpr db::SqlText kItemColumns(
    "id, job_id, batch_id, not_before, attempts, backoffs, retrying_since, image_id, size_bytes, modified_at, width,"
    " height, latitude, longitude, state, reason, remedy, drive_id, name, folder_path, mime_type, md5, sha1, sha256,"
    " head_revision, resource_key, taken_at, camera, object_key");
inline constexpr db::SqlText kImageTableColumns(
    "id, provider_id, place_id, job_id, created_at, deleting_at, size_bytes, key_hash, width, height, latitude,"
    " longitude, drive_modified_at, deleting, checksum_verified, shared, damaged, drive_id, name, folder_path,"
    " mime_type, object_key, etag, version_id, md5, sha1, sha256, head_revision, taken_at, camera");
inline constexpr db::SqlText kBegunColumns("job_id, batch_id, place_id");
inline constexpr db::SqlText kGarbageColumns("place_id, object_key, state, since, again, after_batch");

// What a copy and its source must agree in: rows, and sums over what moves.
inline constexpr db::SqlText kCopyTotals(
    "SELECT (SELECT count(*) FROM providers) AS providers,"
    " (SELECT coalesce(sum(images), 0) FROM providers) AS provider_images,"
    " (SELECT coalesce(sum(bytes), 0) FROM providers) AS provider_bytes, (SELECT count(*) FROM places) AS places,"
    " (SELECT count(*) FROM jobs) AS jobs, (SELECT coalesce(sum(total), 0) FROM jobs) AS job_totals,"
    " (SELECT coalesce(sum(imported + skipped + deduplicated), 0) FROM jobs) AS job_processed,"
    " (SELECT coalesce(sum(failed + deferred + cancelled + pending), 0) FROM jobs) AS job_others,"
    " (SELECT coalesce(sum(bytes), 0) FROM jobs) AS job_bytes, (SELECT count(*) FROM folders) AS folders,"
    " (SELECT count(*) FROM folders WHERE done = 1) AS folders_done, (SELECT count(*) FROM items) AS items,"
    " (SELECT coalesce(sum(CAST(state AS bigint)), 0) FROM items) AS item_states,"
    " (SELECT coalesce(sum(size_bytes), 0) FROM items) AS item_bytes,"
    " (SELECT coalesce(sum(image_id), 0) FROM items) AS item_images, (SELECT count(*) FROM images) AS images,"
    " (SELECT coalesce(sum(size_bytes), 0) FROM images) AS image_bytes,"
    " (SELECT coalesce(sum(CAST(key_hash % 1000003 AS bigint)), 0) FROM images) AS image_keys,"
    " (SELECT count(*) FROM images WHERE deleting = 0) AS live_images,"
    " (SELECT coalesce(sum(images), 0) FROM image_blocks) AS counted_images,"
    " (SELECT count(*) FROM image_labels) AS image_labels,"
    " (SELECT coalesce(sum(images), 0) FROM labels) AS labelled_images, (SELECT count(*) FROM garbage) AS garbage,"
    " (SELECT count(*) FROM begun_batches) AS begun_batches");

}  // namespace imgimport
