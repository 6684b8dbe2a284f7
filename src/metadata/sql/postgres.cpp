// PostgreSQL's dialect and tables. https://www.postgresql.org/docs/15/
#include <array>

#include "metadata/sql/sql_texts.hpp"

namespace imgimport {
namespace {

using db::Sql;
using db::SqlText;

// https://www.postgresql.org/docs/15/functions-sequence.html
template <std::size_t T>
consteval auto next_id(const char (&table)[T]) {
  return "setval(pg_get_serial_sequence('" + SqlText<T>(table) + "', 'id'), coalesce((SELECT max(id) FROM " +
         SqlText<T>(table) + "), 0) + 1, false)";
}

struct Postgres {
  // https://www.postgresql.org/docs/15/functions-json.html
  static constexpr SqlText kOpen = "SELECT CAST(row_to_json(r) AS text) FROM (";
  static constexpr SqlText kClose = ") r";
  static constexpr SqlText kText = "text";
  template <std::size_t N>
  static consteval auto rows(const SqlText<N>& columns) {
    return "json_to_recordset(CAST(:rows AS json)) AS x(" + columns + ") ";
  }
  template <std::size_t N>
  static consteval auto rows(const char (&columns)[N]) {
    return rows(SqlText<N>(columns));
  }
  template <std::size_t N>
  static consteval auto exact(const char (&column)[N]) {
    return SqlText<N>(column);
  }
  template <std::size_t N>
  static consteval auto real(const char (&column)[N]) {
    return "CAST(" + SqlText<N>(column) + " AS text)";
  }
  static constexpr SqlText kHint = "";
  static constexpr SqlText kForUpdate = " FOR UPDATE OF j";
  static constexpr SqlText kForUpdatePlace = " FOR UPDATE";
  static constexpr SqlText kOutputValue = "";
  static constexpr SqlText kReturningValue = " RETURNING value";
  static constexpr SqlText kFirst = "";
  static constexpr SqlText kFetchOne = " LIMIT 1";
  static constexpr SqlText kTop = "SELECT ";
  static constexpr SqlText kLimit = " LIMIT :limit";
  template <std::size_t N>
  static consteval auto lateral(const SqlText<N>& select) {
    return "LEFT JOIN LATERAL (" + select + ") same ON true";
  }
  static constexpr SqlText kLike = "lower(s.name) LIKE lower(CAST(:pattern AS json) ->> 'v') ESCAPE '\\'";
  // Another expression than that of the index.
  static constexpr SqlText kLikeRow = "lower(s.name) || '' LIKE lower(CAST(:pattern AS json) ->> 'v') ESCAPE '\\'";
  static constexpr bool kHasTextIndex = true;
  static constexpr SqlText kAnyOrder = "";
  template <std::size_t N>
  static consteval auto each(const SqlText<N>& select) {
    return "CROSS JOIN LATERAL (" + select + ") h";
  }
  static constexpr SqlText kSameName = "l.name = x.name";
  template <std::size_t N>
  static consteval auto day(const char (&column)[N]) {
    return "left(" + SqlText<N>(column) + ", 10) COLLATE \"C\"";
  }
  // https://www.postgresql.org/docs/15/sql-insert.html
  static constexpr SqlText kIdsAsGiven = " OVERRIDING SYSTEM VALUE";
  template <std::size_t T, std::size_t N>
  static consteval auto with_ids(const char (&)[T], const SqlText<N>& insert) {
    return insert;
  }
  static constexpr auto kSetNextIds = "SELECT " + next_id("providers") + " + " + next_id("places") + " + " +
                                      next_id("jobs") + " + " + next_id("folders") + " + " + next_id("items");
  // https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
  static constexpr SqlText kLockSchema =
      "SELECT CASE CAST(pg_advisory_xact_lock(5640297716134) AS text) WHEN '' THEN 0 ELSE 0 END";
  static constexpr SqlText kHasSchema = "SELECT CASE WHEN to_regclass('imgimport_schema') IS NULL THEN 0 ELSE 1 END";
  static constexpr SqlText kCreateSchema = "CREATE TABLE IF NOT EXISTS imgimport_schema (version bigint PRIMARY KEY)";
};

// Numbers in these tables: JobStatus and ItemState as job.hpp has them, times in milliseconds since 1970, hashes in
// hex. not_before 0 = at once. images.deleting: 0 = live, 1 = going while another record keeps the object, 2 = going
// with its object. images.shared: 1 where another record may have the same object. images.content: the beginning of the
// MD5, else of the SHA-256, by which equal content is found. images.damaged: 1 = the object was found missing or
// different, and has not been stored again since. garbage.state: 0 = waiting, 1 = being removed, 2 = gone. calls: see
// SqlToken.
constexpr std::array kVersion1 = {
    Sql("CREATE TABLE sequences (name text PRIMARY KEY, value bigint NOT NULL)"),
    Sql("INSERT INTO sequences (name, value) VALUES ('batch', 0), ('image', 0)"),
    Sql("CREATE TABLE calls (token text PRIMARY KEY, made_at bigint NOT NULL)"),
    Sql("CREATE INDEX calls_by_age ON calls (made_at)"),
    Sql("CREATE TABLE providers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,"
        " images bigint NOT NULL, bytes bigint NOT NULL)"),
    Sql("CREATE TABLE places (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, provider_id bigint NOT NULL,"
        " bucket text NOT NULL, prefix text NOT NULL, UNIQUE (provider_id, bucket, prefix))"),
    Sql("CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status smallint NOT NULL,"
        " listed smallint NOT NULL DEFAULT 0, recursive smallint NOT NULL, dry_run smallint NOT NULL,"
        " total bigint NOT NULL DEFAULT 0, imported bigint NOT NULL DEFAULT 0, skipped bigint NOT NULL DEFAULT 0,"
        " deduplicated bigint NOT NULL DEFAULT 0, failed bigint NOT NULL DEFAULT 0,"
        " deferred bigint NOT NULL DEFAULT 0, cancelled bigint NOT NULL DEFAULT 0, pending bigint NOT NULL DEFAULT 0,"
        " ignored bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, total_bytes bigint NOT NULL DEFAULT 0,"
        " epoch bigint NOT NULL, leased_until bigint, created_at bigint NOT NULL, finished_at bigint,"
        " uuid text NOT NULL UNIQUE, owner text NOT NULL, idempotency_key text, folder_url text NOT NULL,"
        " root_id text NOT NULL, root_name text NOT NULL, root_resource_key text NOT NULL,"
        " root_shared_drive text NOT NULL, filters text NOT NULL, trouble_reason text, trouble_message text,"
        " trouble_remedy text) WITH (fillfactor = 50)"),
    Sql("CREATE UNIQUE INDEX jobs_by_key ON jobs (idempotency_key) WHERE idempotency_key IS NOT NULL"),
    Sql("CREATE INDEX jobs_unfinished ON jobs (id) WHERE status IN (1, 2) OR (status = 3 AND deferred > 0)"),
    Sql("CREATE TABLE folders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id bigint NOT NULL,"
        " depth bigint NOT NULL, done smallint NOT NULL, drive_id text NOT NULL, name text NOT NULL,"
        " resource_key text NOT NULL, shared_drive text NOT NULL, path text NOT NULL, page_token text NOT NULL,"
        " UNIQUE (job_id, drive_id))"),
    Sql("CREATE INDEX folders_pending ON folders (job_id, depth, id) WHERE done = 0"),
    Sql("CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id bigint NOT NULL,"
        " batch_id bigint, not_before bigint NOT NULL DEFAULT 0, attempts bigint NOT NULL DEFAULT 0,"
        " backoffs bigint NOT NULL DEFAULT 0, retrying_since bigint, image_id bigint, size_bytes bigint,"
        " modified_at bigint, width bigint, height bigint, latitude double precision, longitude double precision,"
        " state smallint NOT NULL, reason text NOT NULL, remedy text NOT NULL, drive_id text NOT NULL,"
        " name text NOT NULL, folder_path text NOT NULL, mime_type text NOT NULL, md5 text, sha1 text, sha256 text,"
        " head_revision text NOT NULL, resource_key text NOT NULL, taken_at text NOT NULL, camera text NOT NULL,"
        " object_key text NOT NULL, UNIQUE (job_id, drive_id))"),
    Sql("CREATE INDEX items_by_job ON items (job_id, id)"),
    Sql("CREATE INDEX items_by_state ON items (job_id, state, id)"),
    Sql("CREATE INDEX items_in_batch ON items (job_id, batch_id, id) WHERE state = 1 AND batch_id IS NOT NULL"),
    Sql("CREATE INDEX items_due ON items (job_id, not_before, id) WHERE state IN (1, 6) AND batch_id IS NULL"),
    Sql("CREATE INDEX items_stored ON items (job_id, id) WHERE image_id IS NOT NULL"),
    Sql("CREATE TABLE images (id bigint PRIMARY KEY, provider_id bigint NOT NULL, place_id bigint NOT NULL,"
        " job_id bigint NOT NULL, created_at bigint NOT NULL, deleting_at bigint, size_bytes bigint NOT NULL,"
        " key_hash bigint NOT NULL, width bigint, height bigint, latitude double precision,"
        " longitude double precision, drive_modified_at bigint, deleting smallint NOT NULL DEFAULT 0,"
        " checksum_verified smallint NOT NULL, shared smallint NOT NULL, damaged smallint NOT NULL,"
        " drive_id text NOT NULL, name text NOT NULL, folder_path text NOT NULL, mime_type text NOT NULL,"
        " object_key text NOT NULL, etag text NOT NULL, version_id text NOT NULL, md5 text, sha1 text, sha256 text,"
        " content text, head_revision text NOT NULL, taken_at text NOT NULL, camera text NOT NULL,"
        " UNIQUE (place_id, drive_id))"),
    Sql("CREATE INDEX images_by_content ON images (place_id, content) WHERE content IS NOT NULL"),
    Sql("CREATE INDEX images_shared ON images (place_id, key_hash) WHERE shared = 1"),
    Sql("CREATE INDEX images_going ON images (place_id, deleting_at) WHERE deleting <> 0"),
    Sql("CREATE INDEX images_by_provider ON images (provider_id, id) WHERE deleting = 0"),
    Sql("CREATE INDEX images_by_job ON images (job_id, id) WHERE deleting = 0"),
    Sql("CREATE TABLE garbage (place_id bigint NOT NULL, object_key text NOT NULL, state smallint NOT NULL,"
        " since bigint NOT NULL, again smallint NOT NULL, after_batch bigint NOT NULL,"
        " PRIMARY KEY (place_id, object_key))"),
    Sql("CREATE INDEX garbage_by_state ON garbage (place_id, state, since)"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (1)"),
};

// What lists of images are found by. labels: labels.hpp says what they are; images: how many have it, used: 1 where
// that is not 0. image_labels: of live images alone, each list in the order of their ids. image_blocks: live images by
// blocks of ids. A label's name may be longer than a row of a B-tree, so that equal ones are found by their hash.
// https://www.postgresql.org/docs/15/pgtrgm.html: an extension that a database's owner may create.
constexpr std::array kVersion2 = {
    Sql("CREATE EXTENSION IF NOT EXISTS pg_trgm"),
    Sql("CREATE INDEX images_by_name ON images USING gin (lower(name) gin_trgm_ops) WHERE deleting = 0"),
    Sql("CREATE TABLE labels (id bigint PRIMARY KEY, kind smallint NOT NULL, used smallint NOT NULL,"
        " parent_id bigint NOT NULL, images bigint NOT NULL, name text NOT NULL, sort text COLLATE \"C\" NOT NULL)"
        " WITH (fillfactor = 50)"),
    Sql("CREATE INDEX labels_by_name ON labels USING hash (name)"),
    Sql("CREATE INDEX labels_below ON labels (parent_id, sort, id) WHERE used = 1"),
    Sql("CREATE TABLE image_labels (label_id bigint NOT NULL, image_id bigint NOT NULL,"
        " PRIMARY KEY (label_id, image_id))"),
    Sql("CREATE TABLE image_blocks (place_id bigint NOT NULL, block bigint NOT NULL, images bigint NOT NULL,"
        " PRIMARY KEY (place_id, block)) WITH (fillfactor = 50)"),
    Sql("INSERT INTO sequences (name, value) VALUES ('label', 0)"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (2)"),
};

// Batches that a worker has begun, and where it stores their images: until no item of them is pending, or the job
// stops.
constexpr std::array kVersion3 = {
    Sql("CREATE TABLE begun_batches (job_id bigint NOT NULL, batch_id bigint NOT NULL, place_id bigint NOT NULL,"
        " PRIMARY KEY (job_id, batch_id, place_id))"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (3)"),
};

constexpr std::array<std::span<const Sql>, 3> kMigrations = {kVersion1, kVersion2, kVersion3};

}  // namespace

const Dialect& postgres_dialect() noexcept {
  static const Dialect dialect = sql::make_dialect<Postgres>(kMigrations);
  return dialect;
}

}  // namespace imgimport
