// The statements, written once over what the dialects say differently. A dialect D gives:
//   kOpen, kClose        around a SELECT: makes a JSON document of each row, or one of all
//   rows(columns)        the table that :rows holds, named x
//   exact("x.column")    a text of x as the type and collation of the column it is compared with
//   kText                the type of any text in rows()
//   real("t.column")     a floating-point number as text that loses nothing
//   kHint, kForUpdate    behind a table's alias, and at the end: lock what is read; the alias is j or p
//   kOutputValue, kReturningValue   before WHERE, and at the end: an UPDATE gives the new `value` back
//   lateral(select)      LEFT JOIN with a subquery that sees the tables before it, named same
//   kFirst, kFetchOne    of one row, behind SELECT and at the end
//   kTop, kLimit         SELECT, and the end of one: the first :limit rows
//   kLike, kLikeRow      whether s.name holds the pattern, in any case; so that no index is thought of
//   kHasTextIndex, kAnyOrder   whether an index finds parts of names; what FETCH needs where no order matters
//   each(select)         a join with a subquery that sees the tables before it, named h
//   kSameName            whether the label l has the name of x
//   day("s.taken_at")    its first ten characters, compared byte for byte
//   with_ids("jobs", text), kIdsAsGiven   around an INSERT into a table that gives ids by itself, and behind its
//   columns:
//                        it takes those of the rows
//   kSetNextIds          the ids that tables give by themselves go on behind the highest
// and kOpenSchema, kLockSchema, kHasSchema. Only the dialects' own files include this.
#pragma once

#include "metadata/copy_columns.hpp"
#include "metadata/sql/dialect.hpp"

namespace imgimport::sql {

using db::SqlText;

// NOLINTBEGIN(readability-identifier-naming): the constants bear the names of Dialect's fields
template <class D>
struct Texts {
  // The first :limit rows of what stands behind a SELECT.
  template <std::size_t N>
  static consteval auto limited(const SqlText<N>& rest) {
    return D::kTop + rest + D::kLimit;
  }
  template <std::size_t N>
  static consteval auto limited(const char (&rest)[N]) {
    return limited(SqlText<N>(rest));
  }

  // --- jobs -----------------------------------------------------------------------------------------------------

  static constexpr SqlText kJob =
      "j.id AS id, j.uuid AS uuid, j.folder_url AS folder_url, j.root_id AS root_id, j.root_name AS root_name,"
      " j.root_resource_key AS root_resource_key, j.root_shared_drive AS root_shared_drive, j.recursive AS recursive,"
      " j.dry_run AS dry_run, j.filters AS filters, j.status AS status, j.listed AS listed, j.total AS total,"
      " j.imported AS imported, j.skipped AS skipped, j.deduplicated AS deduplicated, j.failed AS failed,"
      " j.deferred AS deferred, j.cancelled AS cancelled, j.pending AS pending, j.ignored AS ignored,"
      " j.bytes AS bytes, j.total_bytes AS total_bytes, j.trouble_reason AS trouble_reason,"
      " j.trouble_message AS trouble_message, j.trouble_remedy AS trouble_remedy, j.created_at AS created_at,"
      " j.finished_at AS finished_at, j.owner AS owner, j.epoch AS epoch, j.leased_until AS leased_until FROM jobs j ";
  static constexpr auto job_by_uuid = D::kOpen + "SELECT " + kJob + "WHERE j.uuid = :uuid" + D::kClose;
  static constexpr auto job_by_key = D::kOpen + "SELECT " + kJob + "WHERE j.idempotency_key IN (SELECT " +
                                     D::exact("x.word") + " FROM " + D::rows("word " + D::kText) + ")" + D::kClose;
  static constexpr auto jobs_before = D::kOpen + limited(kJob + "WHERE j.id < :before ORDER BY j.id DESC ") + D::kClose;
  static constexpr auto unfinished_jobs =
      D::kOpen + "SELECT " + kJob + "WHERE j.status IN (1, 2) OR (j.status = 3 AND j.deferred > 0) ORDER BY j.id" +
      D::kClose;

  static constexpr SqlText kJobState =
      "SELECT j.id AS id, j.uuid AS uuid, j.status AS status, j.listed AS listed, j.dry_run AS dry_run,"
      " j.pending AS pending, j.deferred AS deferred, j.epoch AS epoch FROM jobs j";
  static constexpr auto find_job = D::kOpen + kJobState + " WHERE j.uuid = :uuid" + D::kClose;
  static constexpr auto lock_job =
      D::kOpen + kJobState + D::kHint + " WHERE j.uuid = :uuid" + D::kForUpdate + D::kClose;
  // In the order of their ids, as everybody locks them.
  static constexpr auto lock_jobs = D::kOpen + kJobState + D::kHint + " WHERE j.uuid IN (SELECT " + D::exact("x.word") +
                                    " FROM " + D::rows("word " + D::kText) + ") ORDER BY j.id" + D::kForUpdate +
                                    D::kClose;
  static constexpr auto insert_job =
      "INSERT INTO jobs (uuid, idempotency_key, folder_url, root_id, root_name, root_resource_key, root_shared_drive,"
      " recursive, dry_run, filters, status, epoch, owner, leased_until, created_at)"
      " SELECT x.uuid, x.idempotency_key, x.folder_url, x.root_id, x.root_name, x.root_resource_key,"
      " x.root_shared_drive, x.recursive, x.dry_run, x.filters, 1, 1, x.owner, x.leased_until, x.created_at FROM " +
      D::rows("uuid " + D::kText + ", idempotency_key " + D::kText + ", folder_url " + D::kText + ", root_id " +
              D::kText + ", root_name " + D::kText + ", root_resource_key " + D::kText + ", root_shared_drive " +
              D::kText + ", recursive smallint, dry_run smallint, filters " + D::kText + ", owner " + D::kText +
              ", leased_until bigint, created_at bigint");
  static constexpr auto update_lease =
      "UPDATE jobs SET epoch = jobs.epoch + 1, owner = x.owner, leased_until = x.until FROM " +
      D::rows("id bigint, owner " + D::kText + ", until bigint") + "WHERE jobs.id = x.id";
  static constexpr auto renew_leases =
      "UPDATE jobs SET leased_until = x.until FROM " + D::rows("id bigint, until bigint") + "WHERE jobs.id = x.id";
  static constexpr SqlText cancel_items =
      "UPDATE items SET state = 7, batch_id = NULL, not_before = 0, reason = '', remedy = '' WHERE job_id = :job"
      " AND state IN (1, 6)";
  static constexpr SqlText cancel_job = "UPDATE jobs SET status = 5, finished_at = :now WHERE id = :job";
  static constexpr auto count_retryable =
      D::kOpen +
      "SELECT i.state AS state, count(*) AS items FROM items i WHERE i.job_id = :job AND i.state IN (5, 6, 7)"
      " AND i.object_key <> '' GROUP BY i.state" +
      D::kClose;
  static constexpr SqlText retry_items =
      "UPDATE items SET state = 1, batch_id = NULL, not_before = 0, attempts = 0, backoffs = 0, retrying_since = NULL,"
      " reason = '', remedy = '' WHERE job_id = :job AND state IN (5, 6, 7) AND object_key <> ''";
  static constexpr SqlText reopen_job =
      "UPDATE jobs SET status = :status, listed = :listed, finished_at = NULL, trouble_reason = NULL,"
      " trouble_message = NULL, trouble_remedy = NULL WHERE id = :job";
  // Those that were left out (values.hpp).
  static constexpr SqlText retry_folders = "UPDATE folders SET done = 0 WHERE job_id = :job AND done = 2";
  // All right-hand sides see the row as it was. A dry run stays completed although its items stay pending.
  static constexpr auto settle =
      "UPDATE jobs SET total = jobs.total + x.total, imported = jobs.imported + x.imported,"
      " skipped = jobs.skipped + x.skipped, deduplicated = jobs.deduplicated + x.deduplicated,"
      " failed = jobs.failed + x.failed, deferred = jobs.deferred + x.deferred,"
      " cancelled = jobs.cancelled + x.cancelled, pending = jobs.pending + x.pending,"
      " ignored = jobs.ignored + x.ignored, bytes = jobs.bytes + x.bytes,"
      " total_bytes = jobs.total_bytes + x.total_bytes,"
      " status = CASE WHEN jobs.status NOT IN (2, 3) OR jobs.dry_run = 1 THEN jobs.status"
      " WHEN jobs.pending + x.pending = 0 THEN 3 ELSE 2 END,"
      " finished_at = CASE WHEN jobs.status NOT IN (2, 3) OR jobs.dry_run = 1 THEN jobs.finished_at"
      " WHEN jobs.pending + x.pending = 0 THEN coalesce(jobs.finished_at, x.now) END FROM " +
      D::rows(
          "id bigint, total bigint, imported bigint, skipped bigint, deduplicated bigint, failed bigint,"
          " deferred bigint, cancelled bigint, pending bigint, ignored bigint, bytes bigint, total_bytes bigint,"
          " now bigint") +
      "WHERE jobs.id = x.id";
  static constexpr SqlText fail_job =
      "UPDATE jobs SET status = 4, finished_at = :now WHERE id = :job AND status IN (1, 2, 3)";
  static constexpr auto set_trouble =
      "UPDATE jobs SET trouble_reason = x.reason, trouble_message = x.message, trouble_remedy = x.remedy FROM " +
      D::rows("id bigint, reason " + D::kText + ", message " + D::kText + ", remedy " + D::kText) +
      "WHERE jobs.id = x.id";
  static constexpr SqlText kItem =
      "i.id AS id, i.drive_id AS drive_id, i.name AS name, i.folder_path AS folder_path,"
      " i.size_bytes AS size_bytes, i.mime_type AS mime_type, i.state AS state, i.reason AS reason,"
      " i.remedy AS remedy, i.attempts AS attempts, i.not_before AS not_before,"
      " (SELECT m.id FROM images m WHERE m.id = i.image_id AND m.deleting = 0) AS image_id FROM items i"
      " WHERE i.job_id = :job AND i.id > :after ";
  static constexpr auto items = D::kOpen + limited(kItem + "ORDER BY i.id ") + D::kClose;
  static constexpr auto items_in_state = D::kOpen + limited(kItem + "AND i.state = :state ORDER BY i.id ") + D::kClose;

  // --- listing --------------------------------------------------------------------------------------------------

  static constexpr auto pending_folders =
      D::kOpen +
      limited(
          "f.drive_id AS drive_id, f.name AS name, f.resource_key AS resource_key, f.shared_drive AS shared_drive,"
          " f.path AS path, f.depth AS depth, f.page_token AS page_token FROM folders f"
          " WHERE f.job_id = :job AND f.done = 0 ORDER BY f.depth, f.id ") +
      D::kClose;
  static constexpr auto known_folders =
      D::kOpen + "SELECT f.drive_id AS drive_id FROM folders f WHERE f.job_id = :job AND f.drive_id IN (SELECT " +
      D::exact("x.word") + " FROM " + D::rows("word " + D::kText) + ")" + D::kClose;
  static constexpr auto insert_folders =
      "INSERT INTO folders (job_id, depth, done, drive_id, name, resource_key, shared_drive, path, page_token)"
      " SELECT x.job, x.depth, 0, x.drive_id, x.name, x.resource_key, x.shared_drive, x.path, x.page_token FROM " +
      D::rows("n bigint, job bigint, depth bigint, drive_id " + D::kText + ", name " + D::kText + ", resource_key " +
              D::kText + ", shared_drive " + D::kText + ", path " + D::kText + ", page_token " + D::kText) +
      "ORDER BY x.n";
  // `done` NULL: stays as it is.
  static constexpr auto move_cursor =
      "UPDATE folders SET page_token = x.page_token, done = coalesce(x.done, folders.done) FROM " +
      D::rows("job bigint, drive_id " + D::kText + ", page_token " + D::kText + ", done smallint") +
      "WHERE folders.job_id = x.job AND folders.drive_id = " + D::exact("x.drive_id");
  static constexpr SqlText open_folders = "SELECT count(*) FROM folders WHERE job_id = :job AND done = 0";
  static constexpr auto known_items =
      D::kOpen + "SELECT i.drive_id AS drive_id FROM items i WHERE i.job_id = :job AND i.drive_id IN (SELECT " +
      D::exact("x.word") + " FROM " + D::rows("word " + D::kText) + ")" + D::kClose;
  static constexpr auto insert_items =
      "INSERT INTO items (job_id, state, batch_id, reason, remedy, drive_id, name, folder_path, mime_type, size_bytes,"
      " md5, sha1, sha256, head_revision, resource_key, modified_at, width, height, taken_at, camera, latitude,"
      " longitude, object_key) SELECT x.job, x.state, x.batch, x.reason, x.remedy, x.drive_id, x.name, x.folder_path,"
      " x.mime_type, x.size_bytes, x.md5, x.sha1, x.sha256, x.head_revision, x.resource_key, x.modified_at, x.width,"
      " x.height, x.taken_at, x.camera, x.latitude, x.longitude, x.object_key FROM " +
      D::rows("n bigint, job bigint, state smallint, batch bigint, reason " + D::kText + ", remedy " + D::kText +
              ", drive_id " + D::kText + ", name " + D::kText + ", folder_path " + D::kText + ", mime_type " +
              D::kText + ", size_bytes bigint, md5 " + D::kText + ", sha1 " + D::kText + ", sha256 " + D::kText +
              ", head_revision " + D::kText + ", resource_key " + D::kText +
              ", modified_at bigint, width bigint, height bigint, taken_at " + D::kText + ", camera " + D::kText +
              ", latitude float, longitude float, object_key " + D::kText) +
      "ORDER BY x.n";
  static constexpr SqlText list_done = "UPDATE jobs SET listed = 1, status = 2 WHERE id = :job";
  static constexpr SqlText list_done_dry = "UPDATE jobs SET listed = 1, status = 3, finished_at = :now WHERE id = :job";

  // --- batches --------------------------------------------------------------------------------------------------

  // The row stays locked until the transaction ends: batch ids ascend in the order of the commits.
  static constexpr auto take_batches =
      "UPDATE sequences SET value = value + :count" + D::kOutputValue + " WHERE name = 'batch'" + D::kReturningValue;
  static constexpr SqlText last_batch = "SELECT value FROM sequences WHERE name = 'batch'";
  static constexpr SqlText kDue =
      "FROM items WHERE job_id = :job AND state IN (1, 6) AND batch_id IS NULL AND not_before <= :now"
      " ORDER BY not_before, id ";
  static constexpr auto count_due =
      D::kOpen +
      "SELECT count(*) AS items, coalesce(sum(CASE WHEN d.state = 6 THEN 1 ELSE 0 END), 0) AS deferred"
      " FROM (" +
      limited("state " + kDue) + ") d" + D::kClose;
  static constexpr auto group_due =
      "UPDATE items SET state = 1, batch_id = :first + d.slot, not_before = 0"
      " FROM (" +
      limited("id, (row_number() OVER (ORDER BY not_before, id) - 1) / :size AS slot " + kDue) +
      ") d WHERE items.id = d.id";
  static constexpr auto ready_batches =
      D::kOpen +
      limited(
          "i.batch_id AS batch FROM items i WHERE i.job_id = :job AND i.state = 1 AND i.batch_id > :after"
          " GROUP BY i.batch_id ORDER BY i.batch_id ") +
      D::kClose;
  static constexpr SqlText next_due =
      "SELECT min(not_before) FROM items WHERE job_id = :job AND state IN (1, 6) AND batch_id IS NULL";
  // Of equal content: by SHA-256 where both know it, else by MD5 and size. Records are found by the first half of their
  // MD5 if they have one, so that both hashes of the item must be tried; an item without MD5 finds only records
  // without, but Drive has the MD5 of every file whose SHA-256 it has.
  static constexpr auto kSame =
      "SELECT " + D::kFirst +
      "s.id AS id, s.object_key AS object_key FROM images s WHERE s.place_id = pl.id"
      " AND s.content IN (left(i.md5, 16), left(i.sha256, 16)) AND s.deleting = 0 AND s.damaged = 0"
      " AND ((s.sha256 IS NOT NULL AND i.sha256 IS NOT NULL AND s.sha256 = i.sha256)"
      " OR ((s.sha256 IS NULL OR i.sha256 IS NULL) AND s.md5 = i.md5 AND s.size_bytes = i.size_bytes))"
      " ORDER BY CASE WHEN s.content = left(i.md5, 16) THEN 0 ELSE 1 END, s.id" +
      D::kFetchOne;
  // The batch's pending items; for each the record of its own Drive id (own), and the oldest one of equal content.
  static constexpr auto open_batch =
      D::kOpen +
      "SELECT i.id AS id, i.drive_id AS drive_id, i.name AS name, i.folder_path AS folder_path,"
      " i.size_bytes AS size_bytes, i.mime_type AS mime_type, i.md5 AS md5, i.sha1 AS sha1, i.sha256 AS sha256,"
      " i.head_revision AS head_revision, i.resource_key AS resource_key, i.modified_at AS modified_at,"
      " i.width AS width, i.height AS height, i.taken_at AS taken_at, i.camera AS camera, " +
      D::real("i.latitude") +
      " AS latitude,"
      " " +
      D::real("i.longitude") +
      " AS longitude, i.object_key AS object_key, i.attempts AS attempts, i.backoffs AS backoffs,"
      " i.retrying_since AS retrying_since, own.id AS own_id, own.object_key AS own_key, own.size_bytes AS own_size,"
      " own.md5 AS own_md5, own.sha256 AS own_sha256, own.checksum_verified AS own_verified,"
      " own.head_revision AS own_revision, same.id AS same_id, same.object_key AS same_key"
      " FROM items i LEFT JOIN places pl ON pl.id = :place LEFT JOIN images own ON own.place_id = pl.id"
      " AND own.drive_id = i.drive_id AND own.deleting = 0 AND own.damaged = 0 " +
      D::lateral(kSame) + " WHERE i.job_id = :job AND i.batch_id = :batch AND i.state = 1 ORDER BY i.id" + D::kClose;

  // Pending items of the batch, unless it is written down as begun.
  static constexpr SqlText not_begun =
      "SELECT count(*) FROM items i WHERE i.job_id = :job AND i.batch_id = :batch AND i.state = 1"
      " AND NOT EXISTS (SELECT 1 FROM begun_batches b WHERE b.job_id = i.job_id AND b.batch_id = i.batch_id"
      " AND b.place_id = :place)";
  static constexpr SqlText insert_begun =
      "INSERT INTO begun_batches (job_id, batch_id, place_id) VALUES (:job, :batch, :place)";
  static constexpr auto begun_places =
      D::kOpen + "SELECT DISTINCT b.place_id AS place FROM begun_batches b WHERE b.job_id = :job" + D::kClose;
  static constexpr auto begun_keys =
      D::kOpen +
      "SELECT i.object_key AS object_key FROM begun_batches b JOIN items i ON i.job_id = b.job_id"
      " AND i.batch_id = b.batch_id AND i.state = 1 AND i.batch_id IS NOT NULL"
      " WHERE b.job_id = :job AND b.place_id = :place AND NOT EXISTS (SELECT 1 FROM images m"
      " WHERE m.place_id = b.place_id AND m.drive_id = i.drive_id AND m.object_key = i.object_key AND m.deleting = 0)" +
      D::kClose;
  static constexpr SqlText forget_begun = "DELETE FROM begun_batches WHERE job_id = :job";
  // Items never come back into a batch.
  static constexpr SqlText purge_begun =
      "DELETE FROM begun_batches WHERE place_id = :place AND NOT EXISTS (SELECT 1 FROM items i"
      " WHERE i.job_id = begun_batches.job_id AND i.batch_id = begun_batches.batch_id AND i.state = 1"
      " AND i.batch_id IS NOT NULL)";

  // --- places ---------------------------------------------------------------------------------------------------

  static constexpr auto kPlaceRows = D::rows("provider " + D::kText + ", bucket " + D::kText + ", prefix " + D::kText);
  static constexpr auto find_place = D::kOpen + "SELECT p.id AS id, p.provider_id AS provider FROM " + kPlaceRows +
                                     "JOIN providers v ON v.name = " + D::exact("x.provider") +
                                     " JOIN places p ON p.provider_id = v.id AND p.bucket = " + D::exact("x.bucket") +
                                     " AND p.prefix = " + D::exact("x.prefix") + D::kClose;
  static constexpr auto insert_provider =
      "INSERT INTO providers (name, images, bytes) SELECT x.provider, 0, 0 FROM " + kPlaceRows +
      "WHERE NOT EXISTS (SELECT 1 FROM providers v WHERE v.name = " + D::exact("x.provider") + ")";
  static constexpr auto insert_place =
      "INSERT INTO places (provider_id, bucket, prefix) SELECT v.id, x.bucket, x.prefix FROM " + kPlaceRows +
      "JOIN providers v ON v.name = " + D::exact("x.provider");
  static constexpr auto lock_place =
      "SELECT p.id FROM places p" + D::kHint + " WHERE p.id = :place" + D::kForUpdatePlace;
  static constexpr auto providers =
      D::kOpen + "SELECT v.id AS id, v.name AS name, v.images AS images, v.bytes AS bytes FROM providers v" + D::kClose;
  static constexpr SqlText move_provider =
      "UPDATE providers SET images = images + :images, bytes = bytes + :bytes WHERE id = :provider";

  // --- commit ---------------------------------------------------------------------------------------------------

  static constexpr auto kKeyRows = D::rows("place bigint, key_hash bigint, object_key " + D::kText);
  // All that a commit must know of an item: its state, the record of its Drive id at this place, and what the list of
  // garbage and the records that share objects say about the key that was uploaded to (NULL when nothing was).
  static constexpr auto item_facts =
      D::kOpen +
      "SELECT x.n AS n, i.job_id AS job, i.state AS state, i.batch_id AS batch, i.drive_id AS drive_id, own.id AS "
      "own_id,"
      " own.object_key AS own_key, own.deleting AS own_deleting, own.size_bytes AS own_size,"
      " i.folder_path AS folder_path, i.camera AS camera, i.taken_at AS taken_at, own.folder_path AS own_folder_path,"
      " own.camera AS own_camera, own.taken_at AS own_taken_at, g.state AS garbage_state,"
      " g.after_batch AS after_batch, (SELECT max(d.deleting) FROM images d WHERE d.place_id = x.place"
      " AND d.key_hash = x.key_hash AND d.shared = 1 AND d.object_key = " +
      D::exact("x.object_key") + ") AS sharing FROM " +
      D::rows("n bigint, item bigint, place bigint, key_hash bigint, object_key " + D::kText) +
      "JOIN items i ON i.id = x.item"
      " LEFT JOIN images own ON own.place_id = x.place AND own.drive_id = i.drive_id"
      " LEFT JOIN garbage g ON g.place_id = x.place AND g.object_key = " +
      D::exact("x.object_key") + D::kClose;
  static constexpr auto records =
      D::kOpen +
      "SELECT m.id AS id, m.place_id AS place, m.provider_id AS provider, m.object_key AS object_key,"
      " m.deleting AS deleting, m.damaged AS damaged, m.shared AS shared, m.size_bytes AS size_bytes,"
      " m.job_id AS job, m.drive_id AS drive_id, m.folder_path AS folder_path, m.camera AS camera,"
      " m.taken_at AS taken_at FROM " +
      D::rows("id bigint") + "JOIN images m ON m.id = x.id" + D::kClose;
  static constexpr auto place_of = D::kOpen +
                                   "SELECT v.name AS provider, p.bucket AS bucket, p.prefix AS prefix FROM places p"
                                   " JOIN providers v ON v.id = p.provider_id WHERE p.id = :place" +
                                   D::kClose;
  // The live records that share these objects.
  static constexpr auto sharing =
      D::kOpen + "SELECT m.id AS id, m.place_id AS place, m.object_key AS object_key FROM " + kKeyRows +
      "JOIN images m ON m.place_id = x.place AND m.key_hash = x.key_hash AND m.shared = 1 AND m.deleting = 0"
      " AND m.object_key = " +
      D::exact("x.object_key") + D::kClose;
  static constexpr auto take_images =
      "UPDATE sequences SET value = value + :count" + D::kOutputValue + " WHERE name = 'image'" + D::kReturningValue;

  static constexpr auto kStoredRows = D::rows(
      "image bigint, item bigint, size_bytes bigint, mime_type " + D::kText + ", object_key " + D::kText +
      ", key_hash bigint, etag " + D::kText + ", version_id " + D::kText + ", verified smallint, md5 " + D::kText +
      ", sha1 " + D::kText + ", sha256 " + D::kText + ", shared smallint, provider bigint, place bigint, now bigint");
  static constexpr auto kSharedRows = D::rows("image bigint, item bigint, target bigint, now bigint");
  static constexpr SqlText kImageColumns =
      "INSERT INTO images (id, provider_id, place_id, drive_id, created_at, job_id, name, folder_path, head_revision,"
      " width, height, taken_at, camera, latitude, longitude, drive_modified_at, size_bytes, mime_type, object_key,"
      " key_hash, etag, version_id, checksum_verified, md5, sha1, sha256, content, shared, damaged) SELECT x.image, ";
  // What a record takes over from its item.
  static constexpr SqlText kFromItem =
      "i.job_id, i.name, i.folder_path, i.head_revision, i.width, i.height, i.taken_at, i.camera, i.latitude,"
      " i.longitude, i.modified_at, ";
  static constexpr SqlText kSetFromItem =
      "UPDATE images SET job_id = i.job_id, name = i.name, folder_path = i.folder_path,"
      " head_revision = i.head_revision, width = i.width, height = i.height, taken_at = i.taken_at,"
      " camera = i.camera, latitude = i.latitude, longitude = i.longitude, drive_modified_at = i.modified_at, ";
  // A hash that Drive published is true of the bytes once any of Drive's hashes was matched.
  static constexpr auto kMd5 = "coalesce(" + D::exact("x.md5") + ", CASE WHEN x.verified = 1 THEN i.md5 END)";
  static constexpr auto kSha1 = "coalesce(" + D::exact("x.sha1") + ", CASE WHEN x.verified = 1 THEN i.sha1 END)";
  static constexpr auto kSha256 = "coalesce(" + D::exact("x.sha256") + ", CASE WHEN x.verified = 1 THEN i.sha256 END)";
  static constexpr auto kContent = "left(coalesce(" + kMd5 + ", " + kSha256 + "), 16)";
  static constexpr auto insert_stored =
      kImageColumns + "x.provider, x.place, i.drive_id, x.now, " + kFromItem +
      "x.size_bytes, x.mime_type, x.object_key, x.key_hash, x.etag, x.version_id, x.verified, " + kMd5 + ", " + kSha1 +
      ", " + kSha256 + ", " + kContent + ", x.shared, 0 FROM " + kStoredRows + "JOIN items i ON i.id = x.item";
  static constexpr auto update_stored =
      kSetFromItem +
      "size_bytes = x.size_bytes, mime_type = x.mime_type, object_key = x.object_key, key_hash = x.key_hash,"
      " etag = x.etag, version_id = x.version_id, checksum_verified = x.verified, md5 = " +
      kMd5 + ", sha1 = " + kSha1 + ", sha256 = " + kSha256 + ", content = " + kContent +
      ", shared = x.shared, damaged = 0 FROM " + kStoredRows +
      "JOIN items i ON i.id = x.item WHERE images.id = x.image";
  static constexpr SqlText kSharedContent = "left(coalesce(t.md5, i.md5, t.sha256, i.sha256), 16)";
  static constexpr auto insert_shared =
      kImageColumns + "t.provider_id, t.place_id, i.drive_id, x.now, " + kFromItem +
      "t.size_bytes, t.mime_type, t.object_key, t.key_hash, t.etag, t.version_id, t.checksum_verified,"
      " coalesce(t.md5, i.md5), coalesce(t.sha1, i.sha1), coalesce(t.sha256, i.sha256), " +
      kSharedContent + ", 1, 0 FROM " + kSharedRows + "JOIN items i ON i.id = x.item JOIN images t ON t.id = x.target";
  static constexpr auto update_shared =
      kSetFromItem +
      "size_bytes = t.size_bytes, mime_type = t.mime_type, object_key = t.object_key, key_hash = t.key_hash,"
      " etag = t.etag, version_id = t.version_id, checksum_verified = t.checksum_verified,"
      " md5 = coalesce(t.md5, i.md5), sha1 = coalesce(t.sha1, i.sha1), sha256 = coalesce(t.sha256, i.sha256),"
      " content = " +
      kSharedContent + ", shared = 1, damaged = 0 FROM " + kSharedRows +
      // As a subquery: SQL Server would take a second `images` in FROM for the one to change.
      // https://learn.microsoft.com/en-us/sql/t-sql/queries/update-transact-sql#arguments
      "JOIN items i ON i.id = x.item JOIN (SELECT o.id, o.size_bytes, o.mime_type, o.object_key, o.key_hash, o.etag,"
      " o.version_id, o.checksum_verified, o.md5, o.sha1, o.sha256 FROM images o) t ON t.id = x.target"
      " WHERE images.id = x.image";
  // An unchanged file may have been renamed or moved.
  static constexpr auto update_skipped =
      "UPDATE images SET name = i.name, folder_path = i.folder_path, drive_modified_at = i.modified_at FROM " +
      kSharedRows +
      "JOIN items i ON i.id = x.item WHERE images.id = x.target AND images.drive_id = i.drive_id"
      " AND (images.name <> i.name OR images.folder_path <> i.folder_path"
      " OR coalesce(images.drive_modified_at, -9223372036854775807) <> coalesce(i.modified_at, -9223372036854775807))";
  static constexpr auto kIdRows = D::rows("id bigint");
  static constexpr auto mark_shared =
      "UPDATE images SET shared = 1 WHERE shared = 0 AND id IN (SELECT x.id FROM " + kIdRows + ")";
  // Of the records that share an object. (A record that shares none loses its mark as it is written.)
  static constexpr auto clear_damage =
      "UPDATE images SET damaged = 0 FROM " + kKeyRows +
      "WHERE images.place_id = x.place AND images.key_hash = x.key_hash AND images.shared = 1 AND images.damaged = 1"
      " AND images.object_key = " +
      D::exact("x.object_key");
  static constexpr auto finish_items =
      "UPDATE items SET state = x.state, batch_id = NULL, not_before = x.not_before, attempts = x.attempts,"
      " backoffs = x.backoffs, retrying_since = x.retrying_since, image_id = x.image, reason = x.reason,"
      " remedy = x.remedy FROM " +
      D::rows(
          "id bigint, state smallint, not_before bigint, attempts bigint, backoffs bigint, retrying_since bigint,"
          " image bigint, reason " +
          D::kText + ", remedy " + D::kText) +
      "WHERE items.id = x.id";
  static constexpr auto requeue_items =
      "UPDATE items SET state = 1, batch_id = NULL, not_before = x.not_before, reason = '', remedy = '' FROM " +
      D::rows("id bigint, not_before bigint") + "WHERE items.id = x.id";

  // --- damage ---------------------------------------------------------------------------------------------------

  static constexpr auto relying_items =
      D::kOpen + "SELECT i.id AS id, i.state AS state, i.image_id AS image, i.size_bytes AS size_bytes FROM " +
      kIdRows + "JOIN items i ON i.id = x.id WHERE i.job_id = :job AND i.state IN (2, 3, 4)" + D::kClose;
  static constexpr auto mark_damaged =
      "UPDATE images SET damaged = 1 WHERE damaged = 0 AND id IN (SELECT x.id FROM " + kIdRows + ")";
  static constexpr auto mark_damaged_keys =
      "UPDATE images SET damaged = 1 FROM " + kKeyRows +
      "WHERE images.place_id = x.place AND images.key_hash = x.key_hash AND images.shared = 1 AND images.damaged = 0"
      " AND images.object_key = " +
      D::exact("x.object_key");
  static constexpr auto fail_damaged =
      "UPDATE items SET state = 5, image_id = NULL, reason = x.reason, remedy = x.remedy FROM " +
      D::rows("id bigint, reason " + D::kText + ", remedy " + D::kText) + "WHERE items.id = x.id";

  // --- garbage --------------------------------------------------------------------------------------------------

  static constexpr auto kGarbageRows =
      D::rows("place bigint, object_key " + D::kText + ", now bigint, later bigint, after_batch bigint");
  static constexpr auto kDiscardedRows =
      D::rows("place bigint, object_key " + D::kText + ", since bigint, again smallint, again_if_removing smallint");
  static constexpr auto kOnList =
      "WHERE garbage.place_id = x.place AND garbage.object_key = " + D::exact("x.object_key");
  static constexpr auto kNotOnList =
      "WHERE NOT EXISTS (SELECT 1 FROM garbage g WHERE g.place_id = x.place"
      " AND g.object_key = " +
      D::exact("x.object_key") + ")";
  static constexpr auto update_discarded =
      "UPDATE garbage SET again = garbage.again | CASE garbage.state WHEN 1 THEN x.again_if_removing"
      " ELSE x.again END, since = CASE garbage.state WHEN 1 THEN garbage.since ELSE x.since END,"
      " state = CASE garbage.state WHEN 2 THEN 0 ELSE garbage.state END FROM " +
      kDiscardedRows + kOnList;
  static constexpr auto insert_discarded =
      "INSERT INTO garbage (place_id, object_key, state, since, again, after_batch)"
      " SELECT x.place, x.object_key, 0, x.since, x.again, 0 FROM " +
      kDiscardedRows + kNotOnList;
  static constexpr auto take_off_list = "DELETE FROM garbage WHERE place_id = :place AND object_key IN (SELECT " +
                                        D::exact("x.object_key") + " FROM " + D::rows("object_key " + D::kText) + ")";
  static constexpr auto update_gone =
      "UPDATE garbage SET state = CASE WHEN garbage.state = 0 OR garbage.again <> 0 THEN 0 ELSE 2 END,"
      " since = CASE WHEN garbage.state = 0 THEN garbage.since WHEN garbage.again = 2 THEN x.later ELSE x.now END,"
      " again = CASE WHEN garbage.state = 0 THEN garbage.again WHEN garbage.again = 3 THEN 2 ELSE 0 END,"
      " after_batch = x.after_batch FROM " +
      kGarbageRows + kOnList;
  static constexpr auto insert_gone =
      "INSERT INTO garbage (place_id, object_key, state, since, again, after_batch)"
      " SELECT x.place, x.object_key, 2, x.now, 0, x.after_batch FROM " +
      kGarbageRows + kNotOnList;
  static constexpr auto being_removed =
      D::kOpen +
      "SELECT g.object_key AS object_key FROM garbage g WHERE g.place_id = :place AND g.state = 1"
      " AND g.object_key IN (SELECT " +
      D::exact("x.object_key") + " FROM " + D::rows("object_key " + D::kText) + ")" + D::kClose;
  static constexpr SqlText purge_gone =
      "DELETE FROM garbage WHERE place_id = :place AND state = 2 AND since <= :before";
  static constexpr SqlText purge_copies =
      "DELETE FROM images WHERE place_id = :place AND deleting = 1 AND deleting_at <= :before";
  static constexpr auto stuck_deletions =
      D::kOpen +
      limited(
          "m.id AS id, m.object_key AS object_key FROM images m WHERE m.place_id = :place AND m.deleting <> 0"
          " AND m.deleting_at <= :before ORDER BY m.deleting_at ") +
      D::kClose;
  static constexpr auto waiting_keys =
      D::kOpen +
      limited(
          "g.object_key AS object_key FROM garbage g WHERE g.place_id = :place AND g.state = 0 AND g.since <= :now"
          " ORDER BY g.since ") +
      D::kClose;
  static constexpr auto cut_short_keys =
      D::kOpen +
      limited(
          "g.object_key AS object_key FROM garbage g WHERE g.place_id = :place AND g.state = 1"
          " AND g.since <= :before ORDER BY g.since ") +
      D::kClose;
  static constexpr auto mark_claimed =
      "UPDATE garbage SET state = 1, again = garbage.again & 2, since = x.now FROM " + kGarbageRows + kOnList;

  // --- images ---------------------------------------------------------------------------------------------------

  static constexpr auto kImage =
      "m.id AS id, m.name AS name, m.drive_id AS drive_id, m.size_bytes AS size_bytes, m.mime_type AS mime_type,"
      " v.name AS provider, p.bucket AS bucket, p.prefix AS prefix, m.object_key AS object_key, m.etag AS etag,"
      " m.version_id AS version_id, m.created_at AS created_at, j.uuid AS job, m.folder_path AS folder_path,"
      " m.md5 AS md5, m.sha1 AS sha1, m.sha256 AS sha256, m.checksum_verified AS checksum_verified, m.width AS width,"
      " m.height AS height, m.taken_at AS taken_at, m.camera AS camera, " +
      D::real("m.latitude") +
      " AS latitude,"
      " " +
      D::real("m.longitude") + " AS longitude, m.drive_modified_at AS drive_modified_at, m.damaged AS damaged ";
  static constexpr SqlText kImageJoins =
      "JOIN places p ON p.id = m.place_id JOIN providers v ON v.id = m.provider_id LEFT JOIN jobs j ON j.id = "
      "m.job_id ";
  static constexpr auto image_by_id = D::kOpen + "SELECT " + kImage + "FROM images m " + kImageJoins +
                                      "WHERE m.id = :id AND m.deleting = 0" + D::kClose;
  static constexpr auto job_images =
      D::kOpen +
      limited(kImage + ", i.id AS item FROM items i JOIN images m ON m.id = i.image_id " + kImageJoins +
              "WHERE i.job_id = :job AND i.id > :after AND i.image_id IS NOT NULL"
              " AND m.deleting = 0 ORDER BY i.id ") +
      D::kClose;
  static constexpr SqlText mark_deleting = "UPDATE images SET deleting = :deleting, deleting_at = :now WHERE id = :id";
  static constexpr auto delete_images = "DELETE FROM images WHERE id IN (SELECT x.id FROM " + kIdRows + ")";
  static constexpr SqlText delete_going = "DELETE FROM images WHERE id = :id AND deleting <> 0";

  // --- lists of images ------------------------------------------------------------------------------------------

  // The block of ids that holds the image behind :skip others, and how many of those are in blocks above it. :provider
  // 0 = any
  static constexpr auto find_block =
      D::kOpen +
      "SELECT b.block AS block, CAST(b.above AS bigint) AS above FROM (SELECT g.block AS block, g.images AS images,"
      " sum(g.images) OVER (ORDER BY g.block DESC ROWS UNBOUNDED PRECEDING) - g.images AS above"
      " FROM (SELECT k.block AS block, sum(k.images) AS images FROM image_blocks k JOIN places p ON p.id = k.place_id"
      " WHERE p.provider_id = coalesce(nullif(CAST(:provider AS bigint), 0), p.provider_id) GROUP BY k.block) g) b"
      " CROSS JOIN (SELECT CAST(:skip AS bigint) AS skip) c"
      " WHERE b.above <= c.skip AND b.above + b.images > c.skip" +
      D::kClose;
  static constexpr SqlText id_below =
      "SELECT s.id FROM images s WHERE s.deleting = 0 AND s.id < :before ORDER BY s.id DESC"
      " OFFSET :offset ROWS FETCH NEXT 1 ROWS ONLY";

  // The conditions that no index carries. 0 = any; dated, named: 1 where days and pattern count.
  static constexpr SqlText kConditions =
      " CROSS JOIN (SELECT CAST(:provider AS bigint) AS provider, CAST(:job AS bigint) AS job,"
      " CAST(:folder AS bigint) AS folder, CAST(:camera AS bigint) AS camera, CAST(:dated AS bigint) AS dated,"
      " CAST(:named AS bigint) AS named) c ";
  template <std::size_t N>
  static consteval auto meant(const SqlText<N>& like) {
    return "s.deleting = 0 AND (c.provider = 0 OR s.provider_id = c.provider) AND (c.job = 0 OR s.job_id = c.job)"
           " AND (c.folder = 0 OR EXISTS (SELECT 1 FROM image_labels f WHERE f.label_id = c.folder AND f.image_id = "
           "s.id))"
           " AND (c.camera = 0 OR EXISTS (SELECT 1 FROM image_labels f WHERE f.label_id = c.camera AND f.image_id = "
           "s.id))"
           " AND (c.dated = 0 OR (" +
           D::day("s.taken_at") + " >= :first_day AND " + D::day("s.taken_at") +
           " <= :last_day)) AND (c.named = 0 OR " + like + ") ";
  }
  // Looked at row by row, and led by an index of names.
  static constexpr auto kMeant = meant(D::kLikeRow);
  static constexpr auto kMeantNamed = meant(D::kLike);
  static constexpr SqlText kPart = "OFFSET :offset ROWS FETCH NEXT :limit ROWS ONLY";
  // What leads is in the order of the ids already, so that a page is read and not all that match.
  template <std::size_t N>
  static consteval auto led_by(const SqlText<N>& lead) {
    return "SELECT s.id AS id FROM images s" + kConditions + "WHERE " + lead +
           "s.id < :before AND s.id >= :lowest AND " + kMeant + "ORDER BY s.id DESC " + kPart;
  }
  static constexpr auto kTable = led_by(SqlText(""));
  static constexpr auto kProvider = led_by(SqlText("s.provider_id = :lead AND "));
  static constexpr auto kJobImages = led_by(SqlText("s.job_id = :lead AND "));
  // No image is in two of the lists. Of each no more is read than may be on the page.
  static constexpr SqlText kList = "t.label_id = x.id AND t.image_id < :before AND t.image_id >= :lowest ";
  static constexpr SqlText kMost = "ORDER BY t.image_id DESC OFFSET 0 ROWS FETCH NEXT :most ROWS ONLY";
  static constexpr auto kLists = "SELECT h.id AS id FROM " + D::rows("id bigint") +
                                 D::each("SELECT t.image_id AS id FROM image_labels t WHERE " + kList + kMost) +
                                 " ORDER BY h.id DESC " + kPart;
  static constexpr auto kListsFiltered =
      "SELECT h.id AS id FROM " + D::rows("id bigint") +
      D::each("SELECT t.image_id AS id FROM image_labels t JOIN images s ON s.id = t.image_id" + kConditions +
              "WHERE " + kList + "AND " + kMeant + kMost) +
      " ORDER BY h.id DESC " + kPart;
  // The first :most that are found, in no order: all, if they are fewer.
  static constexpr auto kNamed = "SELECT s.id AS id FROM images s" + kConditions + "WHERE " + kMeantNamed +
                                 D::kAnyOrder + "OFFSET 0 ROWS FETCH NEXT :most ROWS ONLY";
  static constexpr auto kText =
      "SELECT h.id AS id FROM (" + kNamed + ") h WHERE h.id < :before ORDER BY h.id DESC " + kPart;
  template <std::size_t N>
  static consteval auto page(const SqlText<N>& ids) {
    return D::kOpen + "SELECT " + kImage + "FROM images m " + kImageJoins + "WHERE m.id IN (" + ids +
           ") ORDER BY m.id DESC" + D::kClose;
  }
  template <std::size_t N>
  static consteval auto count(const SqlText<N>& ids) {
    return "SELECT count(*) FROM (" + ids + ") q";
  }
  static constexpr auto page_table = page(kTable);
  static constexpr auto page_provider = page(kProvider);
  static constexpr auto page_job = page(kJobImages);
  static constexpr auto page_lists = page(kLists);
  static constexpr auto page_lists_filtered = page(kListsFiltered);
  static constexpr auto page_text = page(kText);
  static constexpr auto count_table = count(kTable);
  static constexpr auto count_provider = count(kProvider);
  static constexpr auto count_job = count(kJobImages);
  static constexpr auto count_lists_filtered = count(kListsFiltered);
  static constexpr auto count_text = count(kNamed);
  // The labels in use of each range.
  static constexpr auto days =
      D::kOpen + "SELECT h.id AS id, h.images AS images FROM " +
      D::rows("parent bigint, first " + D::kText + ", stop " + D::kText) +
      D::each(
          "SELECT l.id AS id, l.images AS images FROM labels l WHERE l.parent_id = x.parent AND l.used = 1"
          " AND l.sort >= " +
          D::exact("x.first") + " AND l.sort < " + D::exact("x.stop") + " ORDER BY l.sort OFFSET 0 ROWS") +
      D::kClose;
  static constexpr auto groups =
      D::kOpen + "SELECT h.name AS name, h.images AS images FROM " +
      D::rows("parent bigint, sort " + D::kText + ", id bigint") +
      D::each(limited("l.sort AS sort, l.id AS id, l.name AS name, l.images AS images FROM labels l"
                      " WHERE l.parent_id = x.parent AND l.used = 1 AND l.sort >= " +
                      D::exact("x.sort") + " AND (l.sort > " + D::exact("x.sort") +
                      " OR l.id > x.id) ORDER BY l.sort, l.id ")) +
      " ORDER BY h.sort, h.id" + D::kClose;

  // --- what they are found by -----------------------------------------------------------------------------------

  static constexpr auto find_labels =
      D::kOpen + "SELECT l.id AS id, l.kind AS kind, l.name AS name, l.images AS images FROM " +
      D::rows("kind smallint, name " + D::kText) + "JOIN labels l ON l.kind = x.kind AND " + D::kSameName + D::kClose;
  static constexpr auto take_labels =
      "UPDATE sequences SET value = value + :count" + D::kOutputValue + " WHERE name = 'label'" + D::kReturningValue;
  static constexpr auto insert_labels =
      "INSERT INTO labels (id, kind, used, parent_id, images, name, sort)"
      " SELECT x.id, x.kind, 0, x.parent, 0, x.name, x.sort FROM " +
      D::rows("id bigint, kind smallint, parent bigint, name " + D::kText + ", sort " + D::kText);
  static constexpr auto kLabelRows = D::rows("label bigint, image bigint");
  static constexpr auto link_labels =
      "INSERT INTO image_labels (label_id, image_id) SELECT x.label, x.image FROM " + kLabelRows;
  static constexpr auto unlink_labels = "DELETE FROM image_labels WHERE EXISTS (SELECT 1 FROM " + kLabelRows +
                                        "WHERE x.label = image_labels.label_id AND x.image = image_labels.image_id)";
  static constexpr auto move_labels =
      "UPDATE labels SET images = labels.images + x.images,"
      " used = CASE WHEN labels.images + x.images > 0 THEN 1 ELSE 0 END FROM " +
      D::rows("id bigint, images bigint") + "WHERE labels.id = x.id";
  static constexpr auto kBlockRows = D::rows("place bigint, block bigint, images bigint");
  static constexpr auto insert_blocks =
      "INSERT INTO image_blocks (place_id, block, images) SELECT x.place, x.block, 0 FROM " + kBlockRows +
      "WHERE NOT EXISTS (SELECT 1 FROM image_blocks k WHERE k.place_id = x.place AND k.block = x.block)";
  static constexpr auto move_blocks = "UPDATE image_blocks SET images = image_blocks.images + x.images FROM " +
                                      kBlockRows +
                                      "WHERE image_blocks.place_id = x.place AND image_blocks.block = x.block";
  static constexpr auto images_to_index =
      D::kOpen +
      limited(
          "m.id AS id, m.place_id AS place, m.folder_path AS folder_path, m.camera AS camera,"
          " m.taken_at AS taken_at FROM images m WHERE m.id > :after AND m.deleting = 0 ORDER BY m.id ") +
      D::kClose;

  // --- copies of another database -------------------------------------------------------------------------------

  // The mark of a copy that has not ended: which one it is.
  static constexpr SqlText copy_mark = "SELECT value FROM sequences WHERE name = 'copy'";
  static constexpr SqlText begin_copy = "INSERT INTO sequences (name, value) VALUES ('copy', :copy)";
  static constexpr SqlText end_copy = "DELETE FROM sequences WHERE name = 'copy'";
  // Each table is copied in the order of its ids.
  static constexpr auto copy_reached =
      D::kOpen +
      "SELECT (SELECT max(id) FROM providers) AS providers, (SELECT max(id) FROM places) AS places,"
      " (SELECT max(id) FROM jobs) AS jobs, (SELECT max(id) FROM folders) AS folders,"
      " (SELECT max(id) FROM items) AS items, (SELECT max(id) FROM images) AS images" +
      D::kClose;
  static constexpr auto copy_totals = D::kOpen + kCopyTotals + D::kClose;
  template <std::size_t T, std::size_t C, std::size_t R>
  static consteval auto copy(const char (&table)[T], const SqlText<C>& columns, const SqlText<R>& rows) {
    return "INSERT INTO " + SqlText<T>(table) + " (" + columns + ")" + D::kIdsAsGiven + " SELECT x.* FROM " + rows;
  }
  static constexpr auto copy_providers = D::with_ids(
      "providers",
      copy("providers", kProviderColumns, D::rows("id bigint, name " + D::kText + ", images bigint, bytes bigint")));
  static constexpr auto copy_places = D::with_ids(
      "places", copy("places", kPlaceColumns,
                     D::rows("id bigint, provider_id bigint, bucket " + D::kText + ", prefix " + D::kText)));
  static constexpr auto copy_jobs = D::with_ids(
      "jobs",
      copy("jobs", kJobColumns,
           D::rows("id bigint, status smallint, listed smallint, recursive smallint, dry_run smallint, total bigint,"
                   " imported bigint, skipped bigint, deduplicated bigint, failed bigint, deferred bigint,"
                   " cancelled bigint, pending bigint, ignored bigint, bytes bigint, total_bytes bigint, epoch bigint,"
                   " leased_until bigint, created_at bigint, finished_at bigint, uuid " +
                   D::kText + ", owner " + D::kText + ", idempotency_key " + D::kText + ", folder_url " + D::kText +
                   ", root_id " + D::kText + ", root_name " + D::kText + ", root_resource_key " + D::kText +
                   ", root_shared_drive " + D::kText + ", filters " + D::kText + ", trouble_reason " + D::kText +
                   ", trouble_message " + D::kText + ", trouble_remedy " + D::kText)));
  static constexpr auto copy_folders = D::with_ids(
      "folders", copy("folders", kFolderColumns,
                      D::rows("id bigint, job_id bigint, depth bigint, done smallint, drive_id " + D::kText +
                              ", name " + D::kText + ", resource_key " + D::kText + ", shared_drive " + D::kText +
                              ", path " + D::kText + ", page_token " + D::kText)));
  static constexpr auto copy_items = D::with_ids(
      "items",
      copy("items", kItemColumns,
           D::rows("id bigint, job_id bigint, batch_id bigint, not_before bigint, attempts bigint, backoffs bigint,"
                   " retrying_since bigint, image_id bigint, size_bytes bigint, modified_at bigint, width bigint,"
                   " height bigint, latitude float, longitude float, state smallint, reason " +
                   D::kText + ", remedy " + D::kText + ", drive_id " + D::kText + ", name " + D::kText +
                   ", folder_path " + D::kText + ", mime_type " + D::kText + ", md5 " + D::kText + ", sha1 " +
                   D::kText + ", sha256 " + D::kText + ", head_revision " + D::kText + ", resource_key " + D::kText +
                   ", taken_at " + D::kText + ", camera " + D::kText + ", object_key " + D::kText)));
  static constexpr auto copy_images =
      "INSERT INTO images (" + kImageTableColumns + ", content) SELECT x.*, left(coalesce(x.md5, x.sha256), 16) FROM " +
      D::rows(
          "id bigint, provider_id bigint, place_id bigint, job_id bigint, created_at bigint, deleting_at bigint,"
          " size_bytes bigint, key_hash bigint, width bigint, height bigint, latitude float, longitude float,"
          " drive_modified_at bigint, deleting smallint, checksum_verified smallint, shared smallint,"
          " damaged smallint, drive_id " +
          D::kText + ", name " + D::kText + ", folder_path " + D::kText + ", mime_type " + D::kText + ", object_key " +
          D::kText + ", etag " + D::kText + ", version_id " + D::kText + ", md5 " + D::kText + ", sha1 " + D::kText +
          ", sha256 " + D::kText + ", head_revision " + D::kText + ", taken_at " + D::kText + ", camera " + D::kText);
  static constexpr auto copy_garbage =
      "INSERT INTO garbage (" + kGarbageColumns + ") SELECT x.* FROM " +
      D::rows("place_id bigint, object_key " + D::kText +
              ", state smallint, since bigint, again smallint, after_batch bigint") +
      "WHERE NOT EXISTS (SELECT 1 FROM garbage g WHERE g.place_id = x.place_id AND g.object_key = " +
      D::exact("x.object_key") + ")";
  static constexpr auto copy_begun =
      "INSERT INTO begun_batches (" + kBegunColumns + ") SELECT x.* FROM " +
      D::rows("job_id bigint, batch_id bigint, place_id bigint") +
      "WHERE NOT EXISTS (SELECT 1 FROM begun_batches b WHERE b.job_id = x.job_id AND b.batch_id = x.batch_id"
      " AND b.place_id = x.place_id)";
  static constexpr SqlText set_batches = "UPDATE sequences SET value = :value WHERE name = 'batch'";
  static constexpr SqlText set_images = "UPDATE sequences SET value = :value WHERE name = 'image'";
  static constexpr auto set_next_ids = D::kSetNextIds;

  // --- the store itself -----------------------------------------------------------------------------------------

  static constexpr SqlText remember_call = "INSERT INTO calls (token, made_at) VALUES (:token, :at)";
  static constexpr SqlText forget_calls = "DELETE FROM calls WHERE made_at <= :before";
  static constexpr auto has_schema = D::kHasSchema;
  static constexpr auto lock_schema = D::kLockSchema;
  static constexpr auto create_schema = D::kCreateSchema;
  static constexpr SqlText schema_version = "SELECT max(version) FROM imgimport_schema";
  static constexpr SqlText ping = "SELECT value FROM sequences WHERE name = 'batch'";
};
// NOLINTEND(readability-identifier-naming)

template <class D>
Dialect make_dialect(std::span<const std::span<const db::Sql>> migrations) {
  return {
#define IMGIMPORT_SQL_TEXT(name) .name = Texts<D>::name,
      IMGIMPORT_SQL_STATEMENTS(IMGIMPORT_SQL_TEXT)
#undef IMGIMPORT_SQL_TEXT
          .has_text_index = D::kHasTextIndex,
      .migrations = migrations};
}

}  // namespace imgimport::sql
