// The dialect and tables of SQL Server 2019 and later, and of Azure SQL Database: Transact-SQL. All of it is in this
// file and in what sql_texts.hpp makes of it; each construct that other databases lack has its documentation beside it.
//
// The database's compatibility level must be 130 or higher, for OPENJSON; 150, for UTF-8 collations
// (https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-database-transact-sql-compatibility-level).
#include <array>

#include "metadata/sql/sql_texts.hpp"

namespace imgimport {
namespace {

using db::Sql;
using db::SqlText;

struct TransactSql {
  // One document for all rows. As a subquery, since a bare FOR JSON cuts a long document into rows of 2,033 characters:
  // https://learn.microsoft.com/en-us/sql/relational-databases/json/format-query-results-as-json-with-for-json-sql-server
  static constexpr SqlText kOpen = "SELECT (";
  static constexpr SqlText kClose = " FOR JSON PATH, INCLUDE_NULL_VALUES) AS document";

  // https://learn.microsoft.com/en-us/sql/t-sql/functions/openjson-transact-sql
  // The parameter is ASCII, whatever the text holds: so no code page on the way can change it. The driver may send it
  // as the old type text, which OPENJSON does not take:
  // https://learn.microsoft.com/en-us/sql/t-sql/functions/cast-and-convert-transact-sql
  static constexpr SqlText kText = "nvarchar(max)";
  template <std::size_t N>
  static consteval auto rows(const SqlText<N>& columns) {
    return "OPENJSON(CAST(:rows AS nvarchar(max))) WITH (" + columns + ") AS x ";
  }
  template <std::size_t N>
  static consteval auto rows(const char (&columns)[N]) {
    return rows(SqlText<N>(columns));
  }
  // Columns that are compared have a binary UTF-8 collation, so that equal means equal byte for byte; what is compared
  // with them must have the same, and the same type, for an index to be used:
  // https://learn.microsoft.com/en-us/sql/t-sql/statements/collation-precedence-transact-sql
  // https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-type-precedence-transact-sql
  template <std::size_t N>
  static consteval auto exact(const char (&column)[N]) {
    return "CAST(" + SqlText<N>(column) + " COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(1024))";
  }
  // Style 3 gives 17 digits, which read back as the same number:
  // https://learn.microsoft.com/en-us/sql/t-sql/functions/cast-and-convert-transact-sql#float-and-real-styles
  template <std::size_t N>
  static consteval auto real(const char (&column)[N]) {
    return "CONVERT(varchar(32), " + SqlText<N>(column) + ", 3)";
  }

  // https://learn.microsoft.com/en-us/sql/t-sql/queries/hints-transact-sql-table
  static constexpr SqlText kHint = " WITH (UPDLOCK, ROWLOCK)";
  static constexpr SqlText kForUpdate = "";
  static constexpr SqlText kForUpdatePlace = "";
  // https://learn.microsoft.com/en-us/sql/t-sql/queries/output-clause-transact-sql
  static constexpr SqlText kOutputValue = " OUTPUT inserted.value";
  static constexpr SqlText kReturningValue = "";
  // https://learn.microsoft.com/en-us/sql/t-sql/queries/top-transact-sql
  static constexpr SqlText kFirst = "TOP (1) ";
  static constexpr SqlText kFetchOne = "";
  static constexpr SqlText kTop = "SELECT TOP (:limit) ";
  static constexpr SqlText kLimit = "";
  // https://learn.microsoft.com/en-us/sql/t-sql/queries/from-transact-sql#left_table_source--cross--outer--apply-right_table_source
  template <std::size_t N>
  static consteval auto lateral(const SqlText<N>& select) {
    return "OUTER APPLY (" + select + ") AS same";
  }
  // https://learn.microsoft.com/en-us/sql/t-sql/language-elements/like-transact-sql
  // https://learn.microsoft.com/en-us/sql/t-sql/functions/json-value-transact-sql
  static constexpr SqlText kLike =
      "s.name COLLATE Latin1_General_100_CI_AS_SC_UTF8 LIKE JSON_VALUE(CAST(:pattern AS nvarchar(max)), '$.v')"
      " ESCAPE '\\'";
  static constexpr SqlText kLikeRow = kLike;
  // No index finds parts of names.
  static constexpr bool kHasTextIndex = false;
  // https://learn.microsoft.com/en-us/sql/t-sql/queries/select-order-by-clause-transact-sql#offset-fetch
  static constexpr SqlText kAnyOrder = "ORDER BY s.id DESC ";
  // https://learn.microsoft.com/en-us/sql/t-sql/queries/from-transact-sql#left_table_source--cross--outer--apply-right_table_source
  template <std::size_t N>
  static consteval auto each(const SqlText<N>& select) {
    return "CROSS APPLY (" + select + ") AS h";
  }
  // Names are longer than an index key may be: they are found by their hash, of the same bytes in the same encoding.
  // https://learn.microsoft.com/en-us/sql/t-sql/functions/hashbytes-transact-sql
  static constexpr SqlText kSameName =
      "l.name_hash = CAST(HASHBYTES('SHA2_256', CAST(x.name COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(max)))"
      " AS binary(32))";
  template <std::size_t N>
  static consteval auto day(const char (&column)[N]) {
    return "left(" + SqlText<N>(column) + ", 10) COLLATE Latin1_General_100_BIN2_UTF8";
  }
  // One table of a session at a time; ids that are given move those that the table gives by itself.
  // https://learn.microsoft.com/en-us/sql/t-sql/statements/set-identity-insert-transact-sql
  static constexpr SqlText kIdsAsGiven = "";
  template <std::size_t T, std::size_t N>
  static consteval auto with_ids(const char (&table)[T], const SqlText<N>& insert) {
    return "SET IDENTITY_INSERT " + SqlText<T>(table) + " ON; " + insert + "; SET IDENTITY_INSERT " +
           SqlText<T>(table) + " OFF";
  }
  static constexpr SqlText kSetNextIds = "SELECT 1";
  // Negative: not got within a minute, or broken off.
  // https://learn.microsoft.com/en-us/sql/relational-databases/system-stored-procedures/sp-getapplock-transact-sql
  static constexpr SqlText kLockSchema =
      "SET NOCOUNT ON; DECLARE @result int; EXEC @result = sp_getapplock @Resource = 'imgimport_schema',"
      " @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 60000; SET NOCOUNT OFF;"
      " SELECT @result";
  // https://learn.microsoft.com/en-us/sql/t-sql/functions/object-id-transact-sql
  static constexpr SqlText kHasSchema = "SELECT CASE WHEN OBJECT_ID('imgimport_schema', 'U') IS NULL THEN 0 ELSE 1 END";
  static constexpr SqlText kCreateSchema =
      "IF OBJECT_ID('imgimport_schema', 'U') IS NULL"
      " CREATE TABLE imgimport_schema (version bigint NOT NULL PRIMARY KEY)";
};

// What the numbers mean: postgres.cpp.
//
// IDENTITY: https://learn.microsoft.com/en-us/sql/t-sql/statements/create-table-transact-sql-identity-property
// Rows inserted by INSERT … SELECT … ORDER BY get ascending ones:
// https://learn.microsoft.com/en-us/sql/t-sql/statements/insert-transact-sql#best-practices
// Filtered indexes: https://learn.microsoft.com/en-us/sql/relational-databases/indexes/create-filtered-indexes
// An index key holds at most 1,700 bytes, 900 where it is clustered:
// https://learn.microsoft.com/en-us/sql/sql-server/maximum-capacity-specifications-for-sql-server
// UTF-8 in varchar:
// https://learn.microsoft.com/en-us/sql/relational-databases/collations/collation-and-unicode-support#utf8
constexpr SqlText kExact = " COLLATE Latin1_General_100_BIN2_UTF8";
constexpr auto kLong = "varchar(max)" + kExact;  // text that is not compared by an index
constexpr auto kKey = "varchar(1024)" + kExact;  // object keys
constexpr auto kId = "varchar(200)" + kExact;    // ids of Drive, UUIDs, names of providers
constexpr auto kHash = "varchar(64)" + kExact;   // in hex
constexpr auto kPart = "varchar(400)" + kExact;  // bucket, prefix

constexpr auto kSequences =
    "CREATE TABLE sequences (name varchar(20)" + kExact + " NOT NULL PRIMARY KEY, value bigint NOT NULL)";
constexpr auto kCalls =
    "CREATE TABLE calls (token varchar(64)" + kExact + " NOT NULL PRIMARY KEY, made_at bigint NOT NULL)";
constexpr auto kProviders = "CREATE TABLE providers (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY, name " + kId +
                            " NOT NULL UNIQUE, images bigint NOT NULL, bytes bigint NOT NULL)";
constexpr auto kPlaces =
    "CREATE TABLE places (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY,"
    " provider_id bigint NOT NULL, bucket " +
    kPart + " NOT NULL, prefix " + kPart + " NOT NULL, UNIQUE (provider_id, bucket, prefix))";
constexpr auto kJobs =
    "CREATE TABLE jobs (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY, status smallint NOT NULL,"
    " listed smallint NOT NULL DEFAULT 0, recursive smallint NOT NULL, dry_run smallint NOT NULL,"
    " total bigint NOT NULL DEFAULT 0, imported bigint NOT NULL DEFAULT 0, skipped bigint NOT NULL DEFAULT 0,"
    " deduplicated bigint NOT NULL DEFAULT 0, failed bigint NOT NULL DEFAULT 0, deferred bigint NOT NULL DEFAULT 0,"
    " cancelled bigint NOT NULL DEFAULT 0, pending bigint NOT NULL DEFAULT 0, ignored bigint NOT NULL DEFAULT 0,"
    " bytes bigint NOT NULL DEFAULT 0, total_bytes bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL,"
    " leased_until bigint NULL, created_at bigint NOT NULL, finished_at bigint NULL, uuid " +
    kId + " NOT NULL UNIQUE, owner " + kLong + " NOT NULL, idempotency_key " + kKey + " NULL, folder_url " + kLong +
    " NOT NULL, root_id " + kId + " NOT NULL, root_name " + kLong + " NOT NULL, root_resource_key " + kLong +
    " NOT NULL, root_shared_drive " + kLong + " NOT NULL, filters " + kLong + " NOT NULL, trouble_reason " + kLong +
    " NULL, trouble_message " + kLong + " NULL, trouble_remedy " + kLong + " NULL)";
constexpr auto kFolders =
    "CREATE TABLE folders (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY, job_id bigint NOT NULL,"
    " depth bigint NOT NULL, done smallint NOT NULL, drive_id " +
    kId + " NOT NULL, name " + kLong + " NOT NULL, resource_key " + kLong + " NOT NULL, shared_drive " + kLong +
    " NOT NULL, path " + kLong + " NOT NULL, page_token " + kLong + " NOT NULL, UNIQUE (job_id, drive_id))";
constexpr auto kItems =
    "CREATE TABLE items (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY, job_id bigint NOT NULL, batch_id bigint NULL,"
    " not_before bigint NOT NULL DEFAULT 0, attempts bigint NOT NULL DEFAULT 0, backoffs bigint NOT NULL DEFAULT 0,"
    " retrying_since bigint NULL, image_id bigint NULL, size_bytes bigint NULL, modified_at bigint NULL,"
    " width bigint NULL, height bigint NULL, latitude float NULL, longitude float NULL, state smallint NOT NULL,"
    " reason " +
    kLong + " NOT NULL, remedy " + kLong + " NOT NULL, drive_id " + kId + " NOT NULL, name " + kLong +
    " NOT NULL, folder_path " + kLong + " NOT NULL, mime_type " + kLong + " NOT NULL, md5 " + kHash + " NULL, sha1 " +
    kHash + " NULL, sha256 " + kHash + " NULL, head_revision " + kLong + " NOT NULL, resource_key " + kLong +
    " NOT NULL, taken_at " + kLong + " NOT NULL, camera " + kLong + " NOT NULL, object_key " + kKey +
    " NOT NULL, UNIQUE (job_id, drive_id))";
constexpr auto kImages =
    "CREATE TABLE images (id bigint NOT NULL PRIMARY KEY, provider_id bigint NOT NULL, place_id bigint NOT NULL,"
    " job_id bigint NOT NULL, created_at bigint NOT NULL, deleting_at bigint NULL, size_bytes bigint NOT NULL,"
    " key_hash bigint NOT NULL, width bigint NULL, height bigint NULL, latitude float NULL, longitude float NULL,"
    " drive_modified_at bigint NULL, deleting smallint NOT NULL DEFAULT 0, checksum_verified smallint NOT NULL,"
    " shared smallint NOT NULL, damaged smallint NOT NULL, drive_id " +
    kId + " NOT NULL, name " + kLong + " NOT NULL, folder_path " + kLong + " NOT NULL, mime_type " + kLong +
    " NOT NULL, object_key " + kKey + " NOT NULL, etag " + kLong + " NOT NULL, version_id " + kLong +
    " NOT NULL, md5 " + kHash + " NULL, sha1 " + kHash + " NULL, sha256 " + kHash + " NULL, content varchar(16)" +
    kExact + " NULL, head_revision " + kLong + " NOT NULL, taken_at " + kLong + " NOT NULL, camera " + kLong +
    " NOT NULL, UNIQUE (place_id, drive_id))";
constexpr auto kGarbage = "CREATE TABLE garbage (place_id bigint NOT NULL, object_key " + kKey +
                          " NOT NULL, state smallint NOT NULL, since bigint NOT NULL, again smallint NOT NULL,"
                          " after_batch bigint NOT NULL, PRIMARY KEY NONCLUSTERED (place_id, object_key))";

constexpr std::array kVersion1 = {
    Sql(kSequences),
    Sql("INSERT INTO sequences (name, value) VALUES ('batch', 0), ('image', 0)"),
    Sql(kCalls),
    Sql("CREATE INDEX calls_by_age ON calls (made_at)"),
    Sql(kProviders),
    Sql(kPlaces),
    Sql(kJobs),
    Sql("CREATE UNIQUE INDEX jobs_by_key ON jobs (idempotency_key) WHERE idempotency_key IS NOT NULL"),
    // A filter may not say OR.
    Sql("CREATE INDEX jobs_by_status ON jobs (status, deferred, id)"),
    Sql(kFolders),
    Sql("CREATE INDEX folders_pending ON folders (job_id, depth, id) WHERE done = 0"),
    Sql(kItems),
    Sql("CREATE INDEX items_by_job ON items (job_id, id)"),
    Sql("CREATE INDEX items_by_state ON items (job_id, state, id)"),
    Sql("CREATE INDEX items_in_batch ON items (job_id, batch_id, id) WHERE state = 1 AND batch_id IS NOT NULL"),
    Sql("CREATE INDEX items_due ON items (job_id, not_before, id) INCLUDE (state)"
        " WHERE state IN (1, 6) AND batch_id IS NULL"),
    Sql("CREATE INDEX items_stored ON items (job_id, id) INCLUDE (image_id) WHERE image_id IS NOT NULL"),
    Sql(kImages),
    Sql("CREATE INDEX images_by_content ON images (place_id, content) WHERE content IS NOT NULL"),
    Sql("CREATE INDEX images_shared ON images (place_id, key_hash) WHERE shared = 1"),
    Sql("CREATE INDEX images_going ON images (place_id, deleting_at) WHERE deleting <> 0"),
    Sql("CREATE INDEX images_by_provider ON images (provider_id, id) WHERE deleting = 0"),
    Sql("CREATE INDEX images_by_job ON images (job_id, id) WHERE deleting = 0"),
    Sql(kGarbage),
    Sql("CREATE INDEX garbage_by_state ON garbage (place_id, state, since)"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (1)"),
};

// A computed column that is kept may be part of an index:
// https://learn.microsoft.com/en-us/sql/relational-databases/indexes/indexes-on-computed-columns
constexpr auto kLabels =
    "CREATE TABLE labels (id bigint NOT NULL PRIMARY KEY, kind smallint NOT NULL, used smallint NOT NULL,"
    " parent_id bigint NOT NULL, images bigint NOT NULL, name " +
    kLong + " NOT NULL, sort varchar(256)" + kExact +
    " NOT NULL, name_hash AS CAST(HASHBYTES('SHA2_256', name) AS binary(32)) PERSISTED)";

constexpr std::array kVersion2 = {
    Sql(kLabels),
    Sql("CREATE UNIQUE INDEX labels_by_name ON labels (name_hash, kind)"),
    Sql("CREATE INDEX labels_below ON labels (parent_id, sort, id) INCLUDE (images) WHERE used = 1"),
    Sql("CREATE TABLE image_labels (label_id bigint NOT NULL, image_id bigint NOT NULL,"
        " PRIMARY KEY (label_id, image_id))"),
    Sql("CREATE TABLE image_blocks (place_id bigint NOT NULL, block bigint NOT NULL, images bigint NOT NULL,"
        " PRIMARY KEY (place_id, block))"),
    Sql("INSERT INTO sequences (name, value) VALUES ('label', 0)"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (2)"),
};

constexpr std::array kVersion3 = {
    Sql("CREATE TABLE begun_batches (job_id bigint NOT NULL, batch_id bigint NOT NULL, place_id bigint NOT NULL,"
        " PRIMARY KEY (job_id, batch_id, place_id))"),
    Sql("INSERT INTO imgimport_schema (version) VALUES (3)"),
};

constexpr std::array<std::span<const Sql>, 3> kMigrations = {kVersion1, kVersion2, kVersion3};

}  // namespace

const Dialect& transact_sql_dialect() noexcept {
  static const Dialect dialect = sql::make_dialect<TransactSql>(kMigrations);
  return dialect;
}

}  // namespace imgimport
