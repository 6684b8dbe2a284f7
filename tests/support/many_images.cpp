#include "support/many_images.hpp"

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>

namespace imgimport {
namespace {

constexpr const char* kSqlite = R"sql(
PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;
DROP TABLE image_names; DROP TABLE image_labels; DROP TABLE image_blocks; DROP TABLE labels; DROP TABLE begun_batches;
PRAGMA user_version=2;
BEGIN;
INSERT INTO providers (id, name, images, bytes) VALUES (1, 'local', {0} - {0} / 1000, 5), (2, 'aws', {0} / 1000, 5);
INSERT INTO places (id, provider_id, bucket, prefix) VALUES (1, 1, '', 'imports'), (2, 2, 'b', 'imports');
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {0} / 1000)
INSERT INTO jobs (id, uuid, status, listed, total, imported, epoch, created_at, recursive, dry_run, owner, folder_url,
  root_id, root_name, root_resource_key, root_shared_drive, filters)
  SELECT i + 1, printf('00000000-0000-4000-8000-%012d', i), 3, 1, 1000, 1000, 1, i, 1, 0, '', '', 'root', '', '', '',
    '{{}}' FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})
INSERT INTO images (id, provider_id, place_id, job_id, created_at, size_bytes, key_hash, checksum_verified, drive_id,
  name, folder_path, mime_type, object_key, etag, version_id, md5, head_revision, width, height, taken_at, camera)
  SELECT i, 1 + (i % 1000 = 0), 1 + (i % 1000 = 0), i / 1000 + 1, 1700000000000 + i, 3000000, i, 1, 'drive-' || i,
    CASE WHEN i % 1000 = 0 THEN 'sunset over Vienna ' || i ELSE printf('IMG_%08d', i * 7919 % 100000000) END || '.jpg',
    'year ' || ((i - 1) * 25 / {0}) || '/album ' || (i / 500), 'image/jpeg', 'imports/drive-' || i || '/v/photo.jpg',
    '', '', randomblob(16), '', 4000, 3000, date('2000-01-01', ((i - 1) * 9131 / {0}) || ' days') || 'T10:00:00',
    'Camera ' || (i * 7 % 20) FROM n;
COMMIT;
)sql";

constexpr const char* kPostgres = R"sql(
DROP TABLE image_labels, image_blocks, labels;
DROP INDEX images_by_name;
DELETE FROM sequences WHERE name = 'label';
DROP TABLE begun_batches;
DELETE FROM imgimport_schema WHERE version >= 2;
UPDATE sequences SET value = {0} WHERE name = 'image';
INSERT INTO providers (id, name, images, bytes) OVERRIDING SYSTEM VALUE
  VALUES (1, 'local', {0} - {0} / 1000, 5), (2, 'aws', {0} / 1000, 5);
INSERT INTO places (id, provider_id, bucket, prefix) OVERRIDING SYSTEM VALUE
  VALUES (1, 1, '', 'imports'), (2, 2, 'b', 'imports');
SELECT setval(pg_get_serial_sequence('providers', 'id'), 2), setval(pg_get_serial_sequence('places', 'id'), 2);
INSERT INTO jobs (id, uuid, status, listed, total, imported, epoch, created_at, recursive, dry_run, owner, folder_url,
  root_id, root_name, root_resource_key, root_shared_drive, filters) OVERRIDING SYSTEM VALUE
  SELECT i + 1, '00000000-0000-4000-8000-' || lpad(i::text, 12, '0'), 3, 1, 1000, 1000, 1, i, 1, 0, '', '', 'root',
    '', '', '', '{{}}'
  FROM generate_series(0, {0} / 1000) i;
SELECT setval(pg_get_serial_sequence('jobs', 'id'), {0} / 1000 + 1);
INSERT INTO images (id, provider_id, place_id, job_id, created_at, size_bytes, key_hash, checksum_verified, shared,
  damaged, drive_id, name, folder_path, mime_type, object_key, etag, version_id, md5, content, head_revision, width,
  height, taken_at, camera)
  SELECT i, CASE i % 1000 WHEN 0 THEN 2 ELSE 1 END, CASE i % 1000 WHEN 0 THEN 2 ELSE 1 END, i / 1000 + 1,
    1700000000000 + i, 3000000, i, 1, 0, 0, 'drive-' || i,
    CASE i % 1000 WHEN 0 THEN 'sunset over Vienna ' || i ELSE 'IMG_' || lpad((i * 7919 % 100000000)::text, 8, '0') END
      || '.jpg',
    'year ' || ((i - 1) * 25 / {0}) || '/album ' || (i / 500), 'image/jpeg', 'imports/drive-' || i || '/v/photo.jpg',
    '', '', md5(i::text), left(md5(i::text), 16), '', 4000, 3000,
    to_char(date '2000-01-01' + ((i - 1) * 9131 / {0})::int, 'YYYY-MM-DD') || 'T10:00:00', 'Camera ' || (i * 7 % 20)
  FROM generate_series(1::bigint, {0}) i;
)sql";

}  // namespace

void fill_sqlite(const std::string& path, std::int64_t count) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE);
  database.exec(fmt::format(kSqlite, count));
}

std::string many_images_job(std::int64_t n) {
  return fmt::format("00000000-0000-4000-8000-{:012}", n);
}

void fill_postgres(const PostgresServer& server, const std::string& database, std::int64_t count) {
  server.execute(database, fmt::format(kPostgres, count));
  server.execute(database, "VACUUM ANALYZE");
}

}  // namespace imgimport
