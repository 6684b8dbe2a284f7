// ImageStore, apart from garbage; which images a query means: image_search.
#include <algorithm>
#include <limits>

#include "metadata/sqlite/garbage.hpp"
#include "metadata/sqlite/image_index.hpp"
#include "metadata/sqlite/image_search.hpp"
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/rows.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr auto kSelectImage = "SELECT " + rows::kImageColumns + "FROM images m " + rows::kImageJoins;
constexpr db::Sql kGroups =
    "SELECT name, images FROM labels INDEXED BY labels_below WHERE parent_id = ?1 AND images > 0 "
    "AND (sort, id) > (?2, ?3) ORDER BY sort, id LIMIT ?4";
constexpr auto kImageById = kSelectImage + "WHERE m.id = ?1 AND m.deleting = 0";
constexpr auto kJobImages = "SELECT " + rows::kImageColumns +
                            ", i.id FROM items i INDEXED BY items_stored JOIN images m ON m.id = i.image_id " +
                            rows::kImageJoins +
                            "WHERE i.job_id = ?1 AND i.id > ?2 AND i.image_id IS NOT NULL AND m.deleting = 0 "
                            "ORDER BY i.id LIMIT ?3";

std::vector<Image> read_images(db::Connection& connection, const std::vector<std::int64_t>& ids) {
  std::vector<Image> images;
  images.reserve(ids.size());
  auto query = connection.query(kImageById);
  for (const std::int64_t id : ids) {
    if (query.bind(id).next()) images.push_back(rows::image(query));
  }
  return images;
}

// Those behind the label `after`; an empty name is before all.
std::vector<ImageGroup> read_groups(db::Connection& connection, std::int64_t parent, const Label& after,
                                    std::size_t limit) {
  // Should it not be there, then those of its name so far as they are ordered by it have been seen.
  std::int64_t seen = after.name.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
  if (const auto label = find_label(connection, after)) seen = label->id;
  auto query = connection.query(kGroups);
  query.bind(parent, sort_key(after), seen, limit);
  std::vector<ImageGroup> groups;
  while (query.next()) groups.push_back({query.text(0), query.integer(1)});
  return groups;
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
  if (page < 1 || per_page < 1) {
    return Error(ErrorCode::kInvalidArgument, "pages and their size count from 1").with_reason("bad_page");
  }
  return read(context, [&](db::Connection& connection) -> Result<ImagePage> {
    ImageSearch search(connection, wanted);
    ImagePage result;
    const ImageTotal total = search.count();
    result.total = total.images;
    result.total_capped = total.capped;
    IMGIMPORT_RETURN_IF_ERROR(check_depth(total, page, per_page));
    if (page - 1 > result.total / per_page) return result;  // also keeps the product below from overflowing
    const std::int64_t skipped = (page - 1) * per_page;
    result.images = read_images(
        connection, search.page(skipped, std::min(per_page, std::max<std::int64_t>(0, result.total - skipped))));
    return result;
  });
}

Result<std::vector<Image>> SqliteMetadataStore::walk(const CallContext& context, const ImageQuery& wanted,
                                                     ImageId before, std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<Image>> {
    ImageSearch search(connection, wanted);
    return read_images(connection, search.below(before, static_cast<std::int64_t>(limit)));
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
    Findable found;
    {
      auto query = connection.query(
          "SELECT m.object_key, m.place_id, m.provider_id, m.size_bytes, m.deleting, m.name, m.folder_path, m.camera,"
          " m.taken_at, v.name, p.bucket, p.prefix FROM images m JOIN places p ON p.id = m.place_id"
          " JOIN providers v ON v.id = m.provider_id WHERE m.id = ?1");
      if (!query.bind(id.value()).next()) return no_such_image(id);
      deletion.key = ObjectKey(query.text(0));
      place = query.integer(1);
      provider = query.integer(2);
      size = query.integer(3);
      going = query.integer(4);
      found = {query.text(5), query.text(6), query.text(7), query.text(8)};
      deletion.place = {query.text(9), query.text(10), query.text(11)};
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
    ImageIndex index(connection);
    index.remove(place, id.value(), found);
    index.finish();
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

Result<std::vector<ImageGroup>> SqliteMetadataStore::folders(const CallContext& context, const GroupQuery& wanted) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<ImageGroup>> {
    std::int64_t parent = parent_of_kind(LabelKind::kFolder);
    if (!wanted.parent.empty()) {
      const auto above = find_label(connection, {LabelKind::kFolder, stored_text(wanted.parent)});
      if (!above) return std::vector<ImageGroup>();
      parent = above->id;
    }
    return read_groups(connection, parent, {LabelKind::kFolder, stored_text(wanted.after)}, wanted.limit);
  });
}

Result<std::vector<ImageGroup>> SqliteMetadataStore::cameras(const CallContext& context, const GroupQuery& wanted) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<ImageGroup>> {
    return read_groups(connection, parent_of_kind(LabelKind::kCamera), {LabelKind::kCamera, stored_text(wanted.after)},
                       wanted.limit);
  });
}

}  // namespace imgimport
