// ImageStore, apart from deletions and garbage.
#include <limits>

#include "metadata/sql/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::JobState;
using sql::Row;
using sql::Rows;
using sql::Work;

namespace {

constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();

struct Provider {
  std::int64_t id = 0;
  std::string name;
  std::int64_t images = 0;
  std::int64_t bytes = 0;
};

std::vector<Provider> read_providers(const Work& work) {
  std::vector<Provider> providers;
  for (const Row row : work.select(work.dialect.providers)) {
    providers.push_back({row.integer("id"), row.text("name"), row.integer("images"), row.integer("bytes")});
  }
  return providers;
}

// An ImageQuery with its names resolved to rows. Names that do not exist match nothing.
struct Conditions {
  std::int64_t provider = 0;  // 0 = any
  std::int64_t job = 0;
  std::string pattern;     // a document; empty = any name
  std::int64_t known = 0;  // how many images there are, from kept counters, if only the provider is asked for
  bool nothing = false;
};

// [ begins a set in T-SQL's LIKE; escaped, it is plain in every dialect.
std::string pattern_document(std::string_view part) {
  std::string pattern = "%";
  for (const char c : stored_text(part)) {
    if (c == '%' || c == '_' || c == '\\' || c == '[') pattern += '\\';
    pattern += c;
  }
  JsonRows rows;
  const std::string document = rows.row().add("v", pattern + "%").take();
  return document.substr(1, document.size() - 2);  // the one row by itself
}

Conditions resolve(const Work& work, const ImageQuery& wanted) {
  Conditions conditions;
  std::int64_t used = 0;
  std::int64_t last_used = 0;
  for (const Provider& provider : read_providers(work)) {
    if (provider.images != 0) ++used, last_used = provider.id;
    if (!wanted.storage_provider.empty() && provider.name != wanted.storage_provider) continue;
    if (!wanted.storage_provider.empty()) conditions.provider = provider.id;
    conditions.known += provider.images;
  }
  conditions.nothing = !wanted.storage_provider.empty() && conditions.provider == 0;
  if (!wanted.job.value().empty()) {
    if (const auto job = sql::find_job(work, wanted.job); job.has_value()) conditions.job = job->row;
    conditions.nothing = conditions.nothing || conditions.job == 0;
  }
  // The provider of all images, when there is but one: then its index leads, which is far smaller than the table.
  if (conditions.provider == 0 && conditions.job == 0 && used == 1) conditions.provider = last_used;
  if (!wanted.text.empty()) conditions.pattern = pattern_document(wanted.text);
  return conditions;
}

std::vector<Image> read_images(const Work& work, const Conditions& conditions, std::int64_t before, std::int64_t limit,
                               std::int64_t offset) {
  const Dialect& dialect = work.dialect;
  const db::SqlArgument job{"job", conditions.job};
  const db::SqlArgument provider{"provider", conditions.provider};
  const db::SqlArgument below{"before", before};
  const db::SqlArgument pattern{"pattern", conditions.pattern};
  const db::SqlArgument skipped{"offset", offset};
  const db::SqlArgument most{"limit", limit};
  const bool named = !conditions.pattern.empty();
  const auto read = [&]() -> Rows {
    if (conditions.job != 0) {
      return named ? work.select(dialect.page_job_like, {below, job, provider, pattern, skipped, most})
                   : work.select(dialect.page_job, {below, job, provider, skipped, most});
    }
    if (conditions.provider != 0) {
      return named ? work.select(dialect.page_provider_like, {below, provider, pattern, skipped, most})
                   : work.select(dialect.page_provider, {below, provider, skipped, most});
    }
    return named ? work.select(dialect.page_all_like, {below, pattern, skipped, most})
                 : work.select(dialect.page_all, {below, skipped, most});
  };
  const Rows rows = read();
  std::vector<Image> images;
  images.reserve(rows.size());
  for (const Row row : rows) images.push_back(sql::image(row));
  return images;
}

// From kept counters where nothing or only the provider is asked for.
std::int64_t count_images(const Work& work, const Conditions& conditions) {
  const Dialect& dialect = work.dialect;
  const db::SqlArgument job{"job", conditions.job};
  const db::SqlArgument provider{"provider", conditions.provider};
  const db::SqlArgument pattern{"pattern", conditions.pattern};
  const bool named = !conditions.pattern.empty();
  const auto count = [&]() -> std::optional<std::int64_t> {
    if (conditions.job != 0) {
      return named ? work.integer(dialect.count_job_like, {job, provider, pattern})
                   : work.integer(dialect.count_job, {job, provider});
    }
    if (!named) return conditions.known;
    return conditions.provider != 0 ? work.integer(dialect.count_provider_like, {provider, pattern})
                                    : work.integer(dialect.count_all_like, {pattern});
  };
  return count().value_or(0);
}

}  // namespace

Result<Image> SqlMetadataStore::image(const CallContext& context, ImageId id) {
  return read(context, [&](const Work& work) -> Result<Image> {
    const Rows rows = work.select(dialect_.image_by_id, {{"id", id.value()}});
    if (!rows.empty()) return sql::image(rows[0]);
    return Error(ErrorCode::kNotFound, "there is no image " + std::to_string(id.value())).with_reason("no_such_image");
  });
}

Result<ImagePage> SqlMetadataStore::page(const CallContext& context, const ImageQuery& wanted, std::int64_t page,
                                         std::int64_t per_page) {
  if (page < 1 || per_page < 1) {
    return Error(ErrorCode::kInvalidArgument, "pages and their size count from 1").with_reason("bad_page");
  }
  return read(context, [&](const Work& work) -> Result<ImagePage> {
    const Conditions conditions = resolve(work, wanted);
    ImagePage result;
    if (conditions.nothing) return result;
    result.total = count_images(work, conditions);
    if (page - 1 > result.total / per_page) return result;  // also keeps the product below from overflowing
    result.images = read_images(work, conditions, kNewest, per_page, (page - 1) * per_page);
    return result;
  });
}

Result<std::vector<Image>> SqlMetadataStore::walk(const CallContext& context, const ImageQuery& wanted, ImageId before,
                                                  std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<Image>> {
    const Conditions conditions = resolve(work, wanted);
    if (conditions.nothing) return std::vector<Image>();
    const std::int64_t below = before.value() > 0 ? before.value() : kNewest;
    return read_images(work, conditions, below, static_cast<std::int64_t>(limit), 0);
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
    for (const Provider& provider : read_providers(work)) {
      if (provider.images != 0) stats.by_provider[provider.name] = {provider.images, provider.bytes};
    }
    return stats;
  });
}

Result<std::vector<ImageGroup>> SqlMetadataStore::folders(const CallContext&, const GroupQuery&) {
  return Error(ErrorCode::kUnsupported, "folders are not kept yet");
}

Result<std::vector<ImageGroup>> SqlMetadataStore::cameras(const CallContext&, const GroupQuery&) {
  return Error(ErrorCode::kUnsupported, "cameras are not kept yet");
}

}  // namespace imgimport
