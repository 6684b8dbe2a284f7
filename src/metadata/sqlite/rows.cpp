#include "metadata/sqlite/rows.hpp"

#include "metadata/values.hpp"

namespace imgimport::rows {
namespace {

// Reads a row's columns in their order.
class Reader {
 public:
  explicit Reader(const db::Query& query) : query_(query) {}

  std::int64_t integer() { return query_.integer(column_++); }
  std::string text() { return query_.text(column_++); }
  bool flag() { return integer() != 0; }
  Timestamp time() { return from_millis(integer()); }
  std::optional<std::int64_t> maybe_integer() { return query_.maybe_integer(column_++); }
  std::optional<double> maybe_real() { return query_.maybe_real(column_++); }
  std::optional<Timestamp> maybe_time() { return from_millis(maybe_integer()); }
  bool null() { return query_.is_null(column_); }

  template <class T>
  std::optional<T> maybe() {
    const auto value = maybe_integer();
    if (!value) return std::nullopt;
    return static_cast<T>(*value);
  }

  ContentHashes hashes() {
    ContentHashes hashes;
    hashes.md5 = hash_hex(text());
    hashes.sha1 = hash_hex(text());
    hashes.sha256 = hash_hex(text());
    return hashes;
  }

  ImageFacts facts() {
    ImageFacts facts;
    facts.width = maybe<std::int32_t>();
    facts.height = maybe<std::int32_t>();
    facts.taken_at = text();
    facts.camera = text();
    facts.latitude = maybe_real();
    facts.longitude = maybe_real();
    return facts;
  }

 private:
  const db::Query& query_;
  int column_ = 0;
};

JobCounters counters(Reader& row) {
  JobCounters counters;
  counters.total = row.integer();
  counters.imported = row.integer();
  counters.skipped = row.integer();
  counters.deduplicated = row.integer();
  counters.failed = row.integer();
  counters.deferred = row.integer();
  counters.cancelled = row.integer();
  counters.pending = row.integer();
  counters.ignored = row.integer();
  counters.bytes = row.integer();
  counters.total_bytes = row.integer();
  return counters;
}

std::optional<JobTrouble> trouble(Reader& row) {
  const bool none = row.null();
  JobTrouble trouble;
  trouble.reason = row.text();
  trouble.message = row.text();
  trouble.remedy = row.text();
  if (none) return std::nullopt;
  return trouble;
}

}  // namespace

JobRow job(const db::Query& query) {
  Reader row(query);
  JobRow result;
  result.id = row.integer();
  Job& job = result.job;
  job.id = JobId(row.text());
  job.folder_url = row.text();
  job.root.id = DriveId(row.text());
  job.root.name = row.text();
  job.root.resource_key = row.text();
  job.root.shared_drive = DriveId(row.text());
  job.recursive = row.flag();
  job.dry_run = row.flag();
  job.filters = filters_from_json(row.text());
  job.status = static_cast<JobStatus>(row.integer());
  job.listed = row.flag();
  job.counters = counters(row);
  job.trouble = trouble(row);
  job.created_at = row.time();
  job.finished_at = row.maybe_time();
  job.owner = row.text();
  job.epoch = row.integer();
  job.leased_until = row.maybe_time();
  return result;
}

Item item(const db::Query& query) {
  Reader row(query);
  Item item;
  item.id = ItemId(row.integer());
  item.drive_id = DriveId(row.text());
  item.name = row.text();
  item.folder_path = row.text();
  item.size = row.maybe<std::uint64_t>();
  item.mime_type = row.text();
  item.state = static_cast<ItemState>(row.integer());
  item.reason = row.text();
  item.remedy = row.text();
  item.attempts = static_cast<std::int32_t>(row.integer());
  const std::int64_t not_before = row.integer();
  const bool waits = item.state == ItemState::kPending || item.state == ItemState::kDeferred;
  if (waits && not_before != 0) item.next_try_at = from_millis(not_before);
  if (const auto image = row.maybe_integer()) item.image = ImageId(*image);
  return item;
}

WorkItem work_item(const db::Query& query) {
  Reader row(query);
  WorkItem item;
  item.id = ItemId(row.integer());
  item.file.id = DriveId(row.text());
  item.file.name = row.text();
  item.folder_path = row.text();
  item.file.size = row.maybe<std::uint64_t>();
  item.file.mime_type = row.text();
  item.file.hashes = row.hashes();
  item.file.head_revision = row.text();
  item.file.resource_key = row.text();
  item.file.modified_at = row.maybe_time();
  item.file.image = row.facts();
  item.key = ObjectKey(row.text());
  item.attempts = static_cast<std::int32_t>(row.integer());
  item.backoffs = static_cast<std::int32_t>(row.integer());
  item.retrying_since = row.maybe_time();
  return item;
}

Image image(const db::Query& query) {
  Reader row(query);
  Image image;
  image.id = ImageId(row.integer());
  image.name = row.text();
  image.drive_id = DriveId(row.text());
  image.size_bytes = static_cast<std::uint64_t>(row.integer());
  image.mime_type = row.text();
  image.place.provider = row.text();
  image.place.bucket = row.text();
  image.place.prefix = row.text();
  image.key = ObjectKey(row.text());
  image.etag = row.text();
  image.version_id = row.text();
  image.created_at = row.time();
  image.job = JobId(row.text());
  image.folder_path = row.text();
  image.hashes = row.hashes();
  image.checksum_verified = row.flag();
  image.facts = row.facts();
  image.drive_modified_at = row.maybe_time();
  image.damaged = row.flag();
  return image;
}

PendingFolder folder(const db::Query& query) {
  Reader row(query);
  PendingFolder folder;
  folder.folder.id = DriveId(row.text());
  folder.folder.name = row.text();
  folder.folder.resource_key = row.text();
  folder.folder.shared_drive = DriveId(row.text());
  folder.path = row.text();
  folder.depth = static_cast<std::int32_t>(row.integer());
  folder.page_token = row.text();
  return folder;
}

}  // namespace imgimport::rows
