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

constexpr std::array<const char*, 2> kMigrations = {kVersion1, kVersion2};
constexpr db::Schema kSchema{.application_id = 0x494d4749,  // "IMGI"
                             .application = "imgimport",
                             .migrations = kMigrations};

}  // namespace

const db::Schema& metadata_schema() noexcept {
  return kSchema;
}

}  // namespace imgimport
