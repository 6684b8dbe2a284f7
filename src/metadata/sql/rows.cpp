#include "metadata/sql/rows.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "metadata/rules.hpp"
#include "metadata/values.hpp"

namespace imgimport::sql {
namespace {

template <class T>
std::optional<T> maybe(const Row& row, std::string_view name) {
  const auto value = row.maybe_integer(name);
  if (!value) return std::nullopt;
  return static_cast<T>(*value);
}

ContentHashes hashes(const Row& row) {
  ContentHashes hashes;
  hashes.md5 = row.text("md5");
  hashes.sha1 = row.text("sha1");
  hashes.sha256 = row.text("sha256");
  return hashes;
}

ImageFacts facts(const Row& row) {
  ImageFacts facts;
  facts.width = maybe<std::int32_t>(row, "width");
  facts.height = maybe<std::int32_t>(row, "height");
  facts.taken_at = row.text("taken_at");
  facts.camera = row.text("camera");
  facts.latitude = row.maybe_real("latitude");
  facts.longitude = row.maybe_real("longitude");
  return facts;
}

JobCounters counters(const Row& row) {
  JobCounters counters;
  counters.total = row.integer("total");
  counters.imported = row.integer("imported");
  counters.skipped = row.integer("skipped");
  counters.deduplicated = row.integer("deduplicated");
  counters.failed = row.integer("failed");
  counters.deferred = row.integer("deferred");
  counters.cancelled = row.integer("cancelled");
  counters.pending = row.integer("pending");
  counters.ignored = row.integer("ignored");
  counters.bytes = row.integer("bytes");
  counters.total_bytes = row.integer("total_bytes");
  return counters;
}

HeldVersion held_version(const Row& row) {
  return {.verified = row.flag("own_verified"),
          .sha256 = row.text("own_sha256"),
          .md5 = row.text("own_md5"),
          .size_bytes = row.maybe_integer("own_size"),
          .revision = row.text("own_revision"),
          .key = row.text("own_key")};
}

std::optional<KnownImage> known_image(const Row& row, const WorkItem& item) {
  if (!row.is_null("own_id") && is_unchanged(held_version(row), item)) {
    return KnownImage{ImageId(row.integer("own_id")), ObjectKey(row.text("own_key")), true};
  }
  if (row.is_null("same_id")) return std::nullopt;
  const bool own = row.maybe_integer("own_id") == row.integer("same_id");
  return KnownImage{ImageId(row.integer("same_id")), ObjectKey(row.text("same_key")), own};
}

}  // namespace

const boost::json::value* Row::find(std::string_view name) const {
  const auto* value = columns_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Row::is_null(std::string_view name) const {
  return find(name) == nullptr;
}

std::string Row::text(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

std::optional<std::int64_t> Row::maybe_integer(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  return value->to_number<std::int64_t>();
}

std::optional<double> Row::maybe_real(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto& text = value->as_string();
  double real = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real);
  if (error != std::errc()) return std::nullopt;
  return real;
}

Rows::Rows(const std::vector<std::string>& documents) : values_(std::make_unique<std::vector<boost::json::value>>()) {
  for (const std::string& document : documents) {
    if (document.empty()) continue;  // NULL: what FOR JSON makes of no rows
    auto parsed = boost::json::parse(document);
    if (!parsed.is_array()) {
      values_->push_back(std::move(parsed));
      continue;
    }
    for (auto& value : parsed.get_array()) values_->push_back(std::move(value));
  }
}

Rows::~Rows() = default;
Rows::Rows(Rows&&) noexcept = default;

std::size_t Rows::size() const noexcept {
  return values_->size();
}

Row Rows::operator[](std::size_t index) const {
  return Row((*values_)[index].as_object());
}

Rows select(db::SqlSession& session, db::Sql sql, db::SqlArguments arguments) {
  return Rows(session.texts(sql, arguments));
}

Job job(const Row& row) {
  Job job;
  job.id = JobId(row.text("uuid"));
  job.folder_url = row.text("folder_url");
  job.root.id = DriveId(row.text("root_id"));
  job.root.name = row.text("root_name");
  job.root.resource_key = row.text("root_resource_key");
  job.root.shared_drive = DriveId(row.text("root_shared_drive"));
  job.recursive = row.flag("recursive");
  job.dry_run = row.flag("dry_run");
  job.filters = filters_from_json(row.text("filters"));
  job.status = static_cast<JobStatus>(row.integer("status"));
  job.listed = row.flag("listed");
  job.counters = counters(row);
  if (!row.is_null("trouble_reason")) {
    job.trouble = JobTrouble{row.text("trouble_reason"), row.text("trouble_message"), row.text("trouble_remedy")};
  }
  job.created_at = from_millis(row.integer("created_at"));
  job.finished_at = from_millis(row.maybe_integer("finished_at"));
  job.owner = row.text("owner");
  job.epoch = row.integer("epoch");
  job.leased_until = from_millis(row.maybe_integer("leased_until"));
  return job;
}

Item item(const Row& row) {
  Item item;
  item.id = ItemId(row.integer("id"));
  item.drive_id = DriveId(row.text("drive_id"));
  item.name = row.text("name");
  item.folder_path = row.text("folder_path");
  item.size = maybe<std::uint64_t>(row, "size_bytes");
  item.mime_type = row.text("mime_type");
  item.state = static_cast<ItemState>(row.integer("state"));
  item.reason = row.text("reason");
  item.remedy = row.text("remedy");
  item.attempts = static_cast<std::int32_t>(row.integer("attempts"));
  const std::int64_t not_before = row.integer("not_before");
  const bool waits = item.state == ItemState::kPending || item.state == ItemState::kDeferred;
  if (waits && not_before != 0) item.next_try_at = from_millis(not_before);
  if (const auto image = row.maybe_integer("image_id")) item.image = ImageId(*image);
  return item;
}

WorkItem work_item(const Row& row) {
  WorkItem item;
  item.id = ItemId(row.integer("id"));
  item.file.id = DriveId(row.text("drive_id"));
  item.file.name = row.text("name");
  item.folder_path = row.text("folder_path");
  item.file.size = maybe<std::uint64_t>(row, "size_bytes");
  item.file.mime_type = row.text("mime_type");
  item.file.hashes = hashes(row);
  item.file.head_revision = row.text("head_revision");
  item.file.resource_key = row.text("resource_key");
  item.file.modified_at = from_millis(row.maybe_integer("modified_at"));
  item.file.image = facts(row);
  item.key = ObjectKey(row.text("object_key"));
  item.attempts = static_cast<std::int32_t>(row.integer("attempts"));
  item.backoffs = static_cast<std::int32_t>(row.integer("backoffs"));
  item.retrying_since = from_millis(row.maybe_integer("retrying_since"));
  item.known = known_image(row, item);
  return item;
}

Image image(const Row& row) {
  Image image;
  image.id = ImageId(row.integer("id"));
  image.name = row.text("name");
  image.drive_id = DriveId(row.text("drive_id"));
  image.size_bytes = static_cast<std::uint64_t>(row.integer("size_bytes"));
  image.mime_type = row.text("mime_type");
  image.place = {row.text("provider"), row.text("bucket"), row.text("prefix")};
  image.key = ObjectKey(row.text("object_key"));
  image.etag = row.text("etag");
  image.version_id = row.text("version_id");
  image.created_at = from_millis(row.integer("created_at"));
  image.job = JobId(row.text("job"));
  image.folder_path = row.text("folder_path");
  image.hashes = hashes(row);
  image.checksum_verified = row.flag("checksum_verified");
  image.damaged = row.flag("damaged");
  image.facts = facts(row);
  image.drive_modified_at = from_millis(row.maybe_integer("drive_modified_at"));
  return image;
}

PendingFolder folder(const Row& row) {
  PendingFolder folder;
  folder.folder.id = DriveId(row.text("drive_id"));
  folder.folder.name = row.text("name");
  folder.folder.resource_key = row.text("resource_key");
  folder.folder.shared_drive = DriveId(row.text("shared_drive"));
  folder.path = row.text("path");
  folder.depth = static_cast<std::int32_t>(row.integer("depth"));
  folder.page_token = row.text("page_token");
  return folder;
}

}  // namespace imgimport::sql
