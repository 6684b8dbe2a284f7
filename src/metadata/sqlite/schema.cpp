#include "metadata/sqlite/schema.hpp"

#include <array>

namespace imgimport {
namespace {

// Numbers in these tables: JobStatus and ItemState as job.hpp has them, times in milliseconds since 1970, hashes as raw
// bytes. not_before 0 = at once. images.deleting: 0 = live, 1 = going while another record keeps the object, 2 = going
// with its object. garbage.state: see garbage.hpp.
//
// images.shared: 1 where another record may have the same object. Two records come to share one only by deduplication,
// since a key holds the Drive id it was uploaded for; both are marked then, so that whoever asks who needs a key looks
// among the marked ones (and at the record of the Drive id itself).
//
// Indexes are what a commit costs. Each image enters two in random order, by Drive id and by content; they hold as
// little as will do (eight bytes of the MD5, which Drive has for every file, or else of the SHA-256). All others grow
// at their end or are small.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE sequences (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequences VALUES ('batch', 0);

CREATE TABLE providers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  images INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE places (
  id INTEGER PRIMARY KEY,
  provider_id INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  prefix TEXT NOT NULL,
  UNIQUE (provider_id, bucket, prefix)
) STRICT;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  status INTEGER NOT NULL,
  listed INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  imported INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  deduplicated INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  deferred INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  ignored INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  total_bytes INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL,
  leased_until INTEGER,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  recursive INTEGER NOT NULL,
  dry_run INTEGER NOT NULL,
  uuid TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  idempotency_key TEXT UNIQUE,
  folder_url TEXT NOT NULL,
  root_id TEXT NOT NULL,
  root_name TEXT NOT NULL,
  root_resource_key TEXT NOT NULL,
  root_shared_drive TEXT NOT NULL,
  filters TEXT NOT NULL,
  trouble_reason TEXT,
  trouble_message TEXT,
  trouble_remedy TEXT
) STRICT;
CREATE INDEX jobs_unfinished ON jobs (id) WHERE status IN (1, 2) OR (status = 3 AND deferred > 0);

CREATE TABLE folders (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  drive_id TEXT NOT NULL,
  name TEXT NOT NULL,
  resource_key TEXT NOT NULL,
  shared_drive TEXT NOT NULL,
  path TEXT NOT NULL,
  page_token TEXT NOT NULL,
  UNIQUE (job_id, drive_id)
) STRICT;
CREATE INDEX folders_pending ON folders (job_id, depth, id) WHERE done = 0;

CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  batch_id INTEGER,
  not_before INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  backoffs INTEGER NOT NULL DEFAULT 0,
  retrying_since INTEGER,
  image_id INTEGER,
  reason TEXT NOT NULL,
  remedy TEXT NOT NULL,
  drive_id TEXT NOT NULL,
  name TEXT NOT NULL,
  folder_path TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  size_bytes INTEGER,
  md5 BLOB,
  sha1 BLOB,
  sha256 BLOB,
  head_revision TEXT NOT NULL,
  resource_key TEXT NOT NULL,
  modified_at INTEGER,
  width INTEGER,
  height INTEGER,
  taken_at TEXT NOT NULL,
  camera TEXT NOT NULL,
  latitude REAL,
  longitude REAL,
  object_key TEXT NOT NULL,
  UNIQUE (job_id, drive_id)
) STRICT;
CREATE INDEX items_by_job ON items (job_id, id);
CREATE INDEX items_by_state ON items (job_id, state, id);
CREATE INDEX items_in_batch ON items (job_id, batch_id, id) WHERE state = 1 AND batch_id IS NOT NULL;
CREATE INDEX items_due ON items (job_id, not_before, id) WHERE state IN (1, 6) AND batch_id IS NULL;
CREATE INDEX items_stored ON items (job_id, id) WHERE image_id IS NOT NULL;

CREATE TABLE images (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider_id INTEGER NOT NULL,
  place_id INTEGER NOT NULL,
  job_id INTEGER NOT NULL,
  deleting INTEGER NOT NULL DEFAULT 0,
  deleting_at INTEGER,
  created_at INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  key_hash INTEGER NOT NULL,
  checksum_verified INTEGER NOT NULL,
  shared INTEGER NOT NULL DEFAULT 0,
  drive_id TEXT NOT NULL,
  name TEXT NOT NULL,
  folder_path TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  object_key TEXT NOT NULL,
  etag TEXT NOT NULL,
  version_id TEXT NOT NULL,
  md5 BLOB,
  sha1 BLOB,
  sha256 BLOB,
  head_revision TEXT NOT NULL,
  width INTEGER,
  height INTEGER,
  taken_at TEXT NOT NULL,
  camera TEXT NOT NULL,
  latitude REAL,
  longitude REAL,
  drive_modified_at INTEGER,
  UNIQUE (place_id, drive_id)
) STRICT;
CREATE INDEX images_by_content ON images (place_id, substr(coalesce(md5, sha256), 1, 8))
  WHERE coalesce(md5, sha256) IS NOT NULL;
CREATE INDEX images_shared ON images (place_id, key_hash) WHERE shared = 1;
CREATE INDEX images_going ON images (place_id, deleting_at) WHERE deleting <> 0;
CREATE INDEX images_by_provider ON images (provider_id, id) WHERE deleting = 0;
CREATE INDEX images_by_job ON images (job_id, id) WHERE deleting = 0;

CREATE TABLE garbage (
  place_id INTEGER NOT NULL,
  object_key TEXT NOT NULL,
  state INTEGER NOT NULL,
  since INTEGER NOT NULL,
  again INTEGER NOT NULL DEFAULT 0,
  after_batch INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (place_id, object_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX garbage_by_state ON garbage (place_id, state, since);
)sql";

// images.damaged: 1 = the object was found missing or different, and has not been stored again since.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE images ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
)sql";

// What lists of images are found by (labels.hpp says what labels are). image_labels: of live images alone, each list in
// the order of their ids. labels.images: how many they are; labels_below: the labels in use, by their order below one
// parent. image_blocks: live images by blocks of 4,096 ids. image_names: the
// trigrams of their names; kept by the program, since a schema that is not trusted may not have triggers on it.
//
// rtrim(path, replace(path, '/', '')) is the path up to and with its last slash.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE labels (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  parent_id INTEGER NOT NULL,
  images INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL,
  sort TEXT NOT NULL,
  UNIQUE (kind, name)
) STRICT;
CREATE INDEX labels_below ON labels (parent_id, sort, id) WHERE images > 0;

CREATE TABLE image_labels (
  label_id INTEGER NOT NULL,
  image_id INTEGER NOT NULL,
  PRIMARY KEY (label_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE image_blocks (
  place_id INTEGER NOT NULL,
  block INTEGER NOT NULL,
  images INTEGER NOT NULL,
  PRIMARY KEY (place_id, block)
) STRICT, WITHOUT ROWID;

INSERT INTO image_blocks SELECT place_id, id / 4096, count(*) FROM images WHERE deleting = 0 GROUP BY 1, 2;

INSERT INTO labels (kind, parent_id, name, sort)
  WITH RECURSIVE paths (path) AS (
    SELECT folder_path FROM images WHERE deleting = 0 AND folder_path <> ''
    UNION
    SELECT substr(rtrim(path, replace(path, '/', '')), 1, length(rtrim(path, replace(path, '/', ''))) - 1) FROM paths
      WHERE instr(path, '/') > 0
  )
  SELECT 1, 0, path, substr(path, length(rtrim(path, replace(path, '/', ''))) + 1, 64) FROM paths WHERE path <> '';
UPDATE labels SET parent_id = coalesce((SELECT p.id FROM labels p WHERE p.kind = 1 AND p.name =
  substr(rtrim(labels.name, replace(labels.name, '/', '')), 1,
         length(rtrim(labels.name, replace(labels.name, '/', ''))) - 1)), 0);
INSERT INTO labels (kind, parent_id, name, sort)
  SELECT DISTINCT 2, -2, camera, substr(camera, 1, 64) FROM images WHERE deleting = 0 AND camera <> '';
INSERT INTO labels (kind, parent_id, name, sort)
  SELECT DISTINCT 3, -3, substr(taken_at, 1, 4), substr(taken_at, 1, 4) FROM images
    WHERE deleting = 0 AND taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
  UNION ALL
  SELECT DISTINCT 4, -4, substr(taken_at, 1, 7), substr(taken_at, 1, 7) FROM images
    WHERE deleting = 0 AND taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
  UNION ALL
  SELECT DISTINCT 5, -5, substr(taken_at, 1, 10), substr(taken_at, 1, 10) FROM images
    WHERE deleting = 0 AND taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*';

INSERT INTO image_labels
  WITH RECURSIVE above (label, folder) AS (
    SELECT id, id FROM labels WHERE kind = 1
    UNION ALL
    SELECT above.label, labels.parent_id FROM above JOIN labels ON labels.id = above.folder WHERE labels.parent_id <> 0
  )
  SELECT above.folder, images.id FROM images JOIN labels ON labels.kind = 1 AND labels.name = images.folder_path
    JOIN above ON above.label = labels.id WHERE images.deleting = 0 ORDER BY 1, 2;
INSERT INTO image_labels SELECT labels.id, images.id FROM images JOIN labels ON labels.kind = 2
  AND labels.name = images.camera WHERE images.deleting = 0 ORDER BY 1, 2;
INSERT INTO image_labels SELECT labels.id, images.id FROM images JOIN labels ON labels.kind = 3
  AND labels.name = substr(images.taken_at, 1, 4) WHERE images.deleting = 0
  AND images.taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' ORDER BY 1, 2;
INSERT INTO image_labels SELECT labels.id, images.id FROM images JOIN labels ON labels.kind = 4
  AND labels.name = substr(images.taken_at, 1, 7) WHERE images.deleting = 0
  AND images.taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' ORDER BY 1, 2;
INSERT INTO image_labels SELECT labels.id, images.id FROM images JOIN labels ON labels.kind = 5
  AND labels.name = substr(images.taken_at, 1, 10) WHERE images.deleting = 0
  AND images.taken_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' ORDER BY 1, 2;
UPDATE labels SET images = (SELECT count(*) FROM image_labels WHERE label_id = labels.id);

CREATE VIRTUAL TABLE image_names USING fts5(name, content='images', content_rowid='id', tokenize='trigram',
                                            columnsize=0);
INSERT INTO image_names (rowid, name) SELECT id, name FROM images WHERE deleting = 0;
)sql";

// Batches that a worker has begun, and where it stores their images: until no item of them is pending, or the job
// stops.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE begun_batches (
  job_id INTEGER NOT NULL,
  batch_id INTEGER NOT NULL,
  place_id INTEGER NOT NULL,
  PRIMARY KEY (job_id, batch_id, place_id)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<const char*, 4> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4};
constexpr db::Schema kSchema{.application_id = 0x494d4749,  // "IMGI"
                             .application = "imgimport",
                             .migrations = kMigrations};

}  // namespace

const db::Schema& metadata_schema() noexcept {
  return kSchema;
}

}  // namespace imgimport
