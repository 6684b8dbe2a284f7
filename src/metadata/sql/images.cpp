// ImageStore, apart from deletions and garbage; which images a query means: image_search.
#include <algorithm>
#include <limits>

#include "metadata/sql/image_search.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::Row;
using sql::Rows;
using sql::Work;

namespace {

// Those behind the label `after`; an empty name is before all.
std::vector<ImageGroup> read_groups(const Work& work, std::int64_t parent, const Label& after, std::size_t limit) {
  // Should it not be there, then those of its name so far as they are ordered by it have been seen.
  std::int64_t seen = after.name.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
  if (const auto label = sql::find_label(work, after)) seen = label->id;
  JsonRows rows;
  rows.row().add("parent", parent).add("sort", sort_key(after)).add("id", seen);
  std::vector<ImageGroup> groups;
  for (const Row row :
       work.select(work.dialect.groups, {{"rows", rows.take()}, {"limit", static_cast<std::int64_t>(limit)}})) {
    groups.push_back({row.text("name"), row.integer("images")});
  }
  return groups;
}

}  // namespace

Result<Image> SqlMetadataStore::image(const CallContext& context, ImageId id) {
  return read(context, [&](const Work& work) -> Result<Image> {
    const Rows rows = work.select(dialect_.image_by_id, {{"id", id.value()}});
    if (!rows.empty()) return sql::image(rows[0]);
    return no_such_image(id);
  });
}

Result<ImagePage> SqlMetadataStore::page(const CallContext& context, const ImageQuery& wanted, std::int64_t page,
                                         std::int64_t per_page) {
  if (page < 1 || per_page < 1) {
    return Error(ErrorCode::kInvalidArgument, "pages and their size count from 1").with_reason("bad_page");
  }
  return read(context, [&](const Work& work) -> Result<ImagePage> {
    sql::ImageSearch search(work, wanted);
    ImagePage result;
    const ImageTotal total = search.count();
    result.total = total.images;
    result.total_capped = total.capped;
    IMGIMPORT_RETURN_IF_ERROR(check_depth(total, page, per_page));
    if (page - 1 > result.total / per_page) return result;  // also keeps the product below from overflowing
    const std::int64_t skipped = (page - 1) * per_page;
    result.images = search.page(skipped, std::min(per_page, std::max<std::int64_t>(0, result.total - skipped)));
    return result;
  });
}

Result<std::vector<Image>> SqlMetadataStore::walk(const CallContext& context, const ImageQuery& wanted, ImageId before,
                                                  std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<Image>> {
    return sql::ImageSearch(work, wanted).below(before, static_cast<std::int64_t>(limit));
  });
}

Result<std::vector<ImageStore::JobImage>> SqlMetadataStore::job_images(const CallContext& context, const JobId& id,
                                                                       ItemId after, std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<JobImage>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_job(work, id));
    std::vector<JobImage> images;
    for (const Row row :
         work.select(dialect_.job_images,
                     {{"job", job.row}, {"after", after.value()}, {"limit", static_cast<std::int64_t>(limit)}})) {
      images.push_back({ItemId(row.integer("item")), sql::image(row)});
    }
    return images;
  });
}

Result<ImageStats> SqlMetadataStore::stats(const CallContext& context) {
  return read(context, [&](const Work& work) -> Result<ImageStats> {
    ImageStats stats;
    for (const sql::Provider& provider : sql::read_providers(work)) {
      if (provider.images != 0) stats.by_provider[provider.name] = {provider.images, provider.bytes};
    }
    return stats;
  });
}

Result<std::vector<ImageGroup>> SqlMetadataStore::folders(const CallContext& context, const GroupQuery& wanted) {
  return read(context, [&](const Work& work) -> Result<std::vector<ImageGroup>> {
    std::int64_t parent = parent_of_kind(LabelKind::kFolder);
    if (!wanted.parent.empty()) {
      const auto above = sql::find_label(work, {LabelKind::kFolder, stored_text(wanted.parent)});
      if (!above) return std::vector<ImageGroup>();
      parent = above->id;
    }
    return read_groups(work, parent, {LabelKind::kFolder, stored_text(wanted.after)}, wanted.limit);
  });
}

Result<std::vector<ImageGroup>> SqlMetadataStore::cameras(const CallContext& context, const GroupQuery& wanted) {
  return read(context, [&](const Work& work) -> Result<std::vector<ImageGroup>> {
    return read_groups(work, parent_of_kind(LabelKind::kCamera), {LabelKind::kCamera, stored_text(wanted.after)},
                       wanted.limit);
  });
}

}  // namespace imgimport
