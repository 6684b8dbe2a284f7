// ImageStore, apart from garbage.
#include <limits>

#include "metadata/sqlite/garbage.hpp"
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/rows.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr auto kSelectImage = "SELECT " + rows::kImageColumns + "FROM images m " + rows::kImageJoins;
constexpr auto kImageById = kSelectImage + "WHERE m.id = ?1 AND m.deleting = 0";
constexpr auto kJobImages = "SELECT " + rows::kImageColumns +
                            ", i.id FROM items i INDEXED BY items_stored JOIN images m ON m.id = i.image_id " +
                            rows::kImageJoins +
                            "WHERE i.job_id = ?1 AND i.id > ?2 AND i.image_id IS NOT NULL AND m.deleting = 0 "
                            "ORDER BY i.id LIMIT ?3";

// The conditions that no index carries: bound to NULL they hold for all.
constexpr db::SqlText kConditions(
    "m.deleting = 0 AND m.id < ?3 AND (?1 IS NULL OR m.provider_id = ?1) AND (?2 IS NULL OR m.job_id = ?2) "
    "AND (?4 IS NULL OR m.name LIKE ?4 ESCAPE '\\') ");
constexpr db::SqlText kNewest("ORDER BY m.id DESC LIMIT ?5 OFFSET ?6");
// One statement per index that may lead; the page is found in the index first, so that the rows skipped are not read.
constexpr db::SqlText kAll("FROM images m NOT INDEXED WHERE ");
constexpr db::SqlText kOfProvider("FROM images m INDEXED BY images_by_provider WHERE m.provider_id = ?1 AND ");
constexpr db::SqlText kOfJob("FROM images m INDEXED BY images_by_job WHERE m.job_id = ?2 AND ");
constexpr auto kPageOfAll =
    kSelectImage + "WHERE m.id IN (SELECT m.id " + kAll + kConditions + kNewest + ") ORDER BY m.id DESC";
constexpr auto kPageOfProvider =
    kSelectImage + "WHERE m.id IN (SELECT m.id " + kOfProvider + kConditions + kNewest + ") ORDER BY m.id DESC";
constexpr auto kPageOfJob =
    kSelectImage + "WHERE m.id IN (SELECT m.id " + kOfJob + kConditions + kNewest + ") ORDER BY m.id DESC";
constexpr auto kCountOfAll = "SELECT count(*) " + kAll + kConditions;
constexpr auto kCountOfProvider = "SELECT count(*) " + kOfProvider + kConditions;
constexpr auto kCountOfJob = "SELECT count(*) " + kOfJob + kConditions;

// An ImageQuery with its names resolved to rows. Names that do not exist match nothing.
struct Conditions {
  std::optional<std::int64_t> provider;
  std::optional<std::int64_t> job;
  std::optional<std::string> like;
  bool nothing = false;
};

// The provider of all images, when there is but one: then its index leads, which is far smaller than the table.
std::optional<std::int64_t> only_provider(db::Connection& connection) {
  auto query = connection.query("SELECT id FROM providers WHERE images <> 0 LIMIT 2");
  if (!query.next()) return std::nullopt;
  const std::int64_t first = query.integer(0);
  if (query.next()) return std::nullopt;
  return first;
}

Conditions resolve(db::Connection& connection, const ImageQuery& wanted) {
  Conditions conditions;
  if (!wanted.storage_provider.empty()) {
    auto query = connection.query("SELECT id FROM providers WHERE name = ?1");
    if (query.bind(wanted.storage_provider).next()) conditions.provider = query.integer(0);
    conditions.nothing |= !conditions.provider;
  }
  if (!wanted.job.value().empty()) {
    if (const auto job = find_job(connection, wanted.job); job.has_value()) conditions.job = job->row;
    conditions.nothing |= !conditions.job;
  }
  if (!conditions.provider && !conditions.job) conditions.provider = only_provider(connection);
  if (!wanted.text.empty()) conditions.like = like_pattern(wanted.text);
  return conditions;
}

std::vector<Image> read_images(db::Connection& connection, const Conditions& conditions, std::int64_t before,
                               std::int64_t limit, std::int64_t offset) {
  auto query = connection.query(conditions.job        ? db::Sql(kPageOfJob)
                                : conditions.provider ? db::Sql(kPageOfProvider)
                                                      : db::Sql(kPageOfAll));
  query.bind(conditions.provider, conditions.job, before, conditions.like, limit, offset);
  std::vector<Image> images;
  while (query.next()) images.push_back(rows::image(query));
  return images;
}

// From kept counters where nothing or only the provider is asked for.
std::int64_t count_images(db::Connection& connection, const Conditions& conditions) {
  if (!conditions.job && !conditions.like) {
    auto query = connection.query("SELECT total(images) FROM providers WHERE ?1 IS NULL OR id = ?1");
    query.bind(conditions.provider).next();
    return query.integer(0);
  }
  auto query = connection.query(conditions.job        ? db::Sql(kCountOfJob)
                                : conditions.provider ? db::Sql(kCountOfProvider)
                                                      : db::Sql(kCountOfAll));
  query.bind(conditions.provider, conditions.job, std::numeric_limits<std::int64_t>::max(), conditions.like).next();
  return query.integer(0);
}

Error no_such_image(ImageId id) {
  return Error(ErrorCode::kNotFound, "there is no image " + std::to_string(id.value())).with_reason("no_such_image");
}

}  // namespace

Result<Image> SqliteMetadataStore::image(const CallContext& context, ImageId id) {
  return read(context, [&](db::Connection& connection) -> Result<Image> {
    auto query = connection.query(kImageById);
    if (!query.bind(id.value()).next()) return no_such_image(id);
    return rows::image(query);
  });
}

Result<ImagePage> SqliteMetadataStore::page(const CallContext& context, const ImageQuery& wanted, std::int64_t page,
                                            std::int64_t per_page) {
  return read(context, [&](db::Connection& connection) -> Result<ImagePage> {
    if (page < 1 || per_page < 1) {
      return Error(ErrorCode::kInvalidArgument, "pages and their size count from 1").with_reason("bad_page");
    }
    const Conditions conditions = resolve(connection, wanted);
    ImagePage result;
    if (conditions.nothing) return result;
    result.total = count_images(connection, conditions);
    if (page - 1 > result.total / per_page) return result;  // also keeps the product below from overflowing
    result.images =
        read_images(connection, conditions, std::numeric_limits<std::int64_t>::max(), per_page, (page - 1) * per_page);
    return result;
  });
}

Result<std::vector<Image>> SqliteMetadataStore::walk(const CallContext& context, const ImageQuery& wanted,
                                                     ImageId before, std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<Image>> {
    const Conditions conditions = resolve(connection, wanted);
    if (conditions.nothing) return std::vector<Image>();
    const std::int64_t below = before.value() > 0 ? before.value() : std::numeric_limits<std::int64_t>::max();
    return read_images(connection, conditions, below, static_cast<std::int64_t>(limit), 0);
  });
}

Result<std::vector<ImageStore::JobImage>> SqliteMetadataStore::job_images(const CallContext& context, const JobId& id,
                                                                          ItemId after, std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<JobImage>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_job(connection, id));
    auto query = connection.query(kJobImages);
    query.bind(job.row, after.value(), limit);
    std::vector<JobImage> images;
    while (query.next()) images.push_back({ItemId(query.integer(rows::kImageWidth)), rows::image(query)});
    return images;
  });
}

Result<ImageStore::Deletion> SqliteMetadataStore::begin_delete(const CallContext& context, ImageId id) {
  return write(context, [&](db::Connection& connection) -> Result<Deletion> {
    Deletion deletion;
    std::int64_t place = 0;
    std::int64_t provider = 0;
    std::int64_t size = 0;
    std::int64_t going = 0;
    {
      auto query =
          connection.query("SELECT object_key, place_id, provider_id, size_bytes, deleting FROM images WHERE id = ?1");
      if (!query.bind(id.value()).next()) return no_such_image(id);
      deletion.key = ObjectKey(query.text(0));
      place = query.integer(1);
      provider = query.integer(2);
      size = query.integer(3);
      going = query.integer(4);
    }
    if (going != 0) {
      deletion.last = going == 2;
      return deletion;
    }
    deletion.last = !is_key_shared(connection, place, deletion.key, id.value());
    connection.query("UPDATE images SET deleting = ?2, deleting_at = ?3 WHERE id = ?1")
        .bind(id.value(), deletion.last ? 2 : 1, to_millis(clock_.now()))
        .run();
    connection.query("UPDATE providers SET images = images - 1, bytes = bytes - ?2 WHERE id = ?1")
        .bind(provider, size)
        .run();
    return deletion;
  });
}

Result<void> SqliteMetadataStore::finish_delete(const CallContext& context, ImageId id) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    {
      auto query = connection.query("SELECT place_id, object_key FROM images WHERE id = ?1 AND deleting = 2");
      if (query.bind(id.value()).next()) {
        remember_gone(connection, query.integer(0), ObjectKey(query.text(1)), clock_.now());
      }
    }
    connection.query("DELETE FROM images WHERE id = ?1 AND deleting <> 0").bind(id.value()).run();
    return {};
  });
}

Result<ImageStats> SqliteMetadataStore::stats(const CallContext& context) {
  return read(context, [&](db::Connection& connection) -> Result<ImageStats> {
    ImageStats stats;
    auto query = connection.query("SELECT name, images, bytes FROM providers WHERE images <> 0");
    while (query.next()) stats.by_provider[query.text(0)] = {query.integer(1), query.integer(2)};
    return stats;
  });
}

Result<std::vector<ImageGroup>> SqliteMetadataStore::folders(const CallContext&, const GroupQuery&) {
  return Error(ErrorCode::kUnsupported, "folders are not kept yet");
}

Result<std::vector<ImageGroup>> SqliteMetadataStore::cameras(const CallContext&, const GroupQuery&) {
  return Error(ErrorCode::kUnsupported, "cameras are not kept yet");
}

}  // namespace imgimport
