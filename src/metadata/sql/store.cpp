#include "metadata/sql/store.hpp"

#include <fmt/format.h>

#include "base/random.hpp"
#include "db/sql_driver.hpp"
#include "metadata/sql/image_index.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

using sql::Rows;
using sql::Work;

constexpr std::chrono::hours kUpgradeLimit{2};
// The migration that makes the tables of image_index.hpp.
constexpr std::size_t kIndexedSince = 1;

std::string place_row(const StorePlace& place) {
  JsonRows rows;
  return rows.row().add("provider", place.provider).add("bucket", place.bucket).add("prefix", place.prefix).take();
}

std::optional<PlaceRow> read_place(const Work& work, const StorePlace& place) {
  const Rows rows = work.select(work.dialect.find_place, {{"rows", place_row(place)}});
  if (rows.empty()) return std::nullopt;
  return PlaceRow{rows[0].integer("id"), rows[0].integer("provider")};
}

std::int64_t schema_version(const Work& work) {
  if (work.integer(work.dialect.has_schema).value_or(0) == 0) return 0;
  return work.integer(work.dialect.schema_version).value_or(0);
}

Error newer_schema(std::int64_t version, std::size_t newest) {
  return Error(ErrorCode::kMisconfigured,
               fmt::format("the database was written by a newer imgimport (its version {}, this program's {})", version,
                           newest))
      .with_reason("newer_schema")
      .with_remedy("run that newer version, or restore a backup from before the upgrade; nothing was changed");
}

}  // namespace

Result<std::unique_ptr<SqlMetadataStore>> SqlMetadataStore::open(const SqlStoreOptions& options, const Clock& clock) {
  SqlStoreOptions complete = options;
  IMGIMPORT_ASSIGN_OR_RETURN(complete.target, db::prepare_target(options.target));
  std::unique_ptr<SqlMetadataStore> store(new SqlMetadataStore(complete, clock));
  CallContext context;
  context.stop = options.open_stop;
  IMGIMPORT_RETURN_IF_ERROR(store->migrate(context.with_timeout(options.open_limit)));
  if (options.half_copied == SqlStoreOptions::Copying::kRefuse) {
    IMGIMPORT_RETURN_IF_ERROR(store->check_copied(context.with_timeout(options.open_limit)));
  }
  store->opened_ = true;
  return store;
}

// Several processes that start at once wait for the lock; all but one find the work done.
Result<void> SqlMetadataStore::migrate(const CallContext& context) {
  const auto newest = dialect_.migrations.size();
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t found, read(context, [](const Work& work) -> Result<std::int64_t> {
                               return schema_version(work);
                             }));
  if (found > static_cast<std::int64_t>(newest)) return newer_schema(found, newest);
  if (found == static_cast<std::int64_t>(newest)) return {};
  // What is there already may take long to bring along.
  return write(CallContext().with_timeout(kUpgradeLimit), [&](const Work& work) -> Result<void> {
    if (work.integer(dialect_.lock_schema).value_or(-1) < 0) {
      return Error(ErrorCode::kUnavailable, "another process has been preparing the database for too long")
          .with_reason("database_busy");
    }
    work.session.exec(dialect_.create_schema);
    const auto version = schema_version(work);
    if (version > static_cast<std::int64_t>(newest)) return newer_schema(version, newest);
    for (auto next = static_cast<std::size_t>(version); next < newest; ++next) {
      for (const db::Sql& sql : dialect_.migrations[next]) work.session.exec(sql);
      if (next == kIndexedSince) sql::index_all_images(work);
    }
    return {};
  });
}

Result<void> SqlMetadataStore::check_copied(const CallContext& context) {
  return read(context, [&](const Work& work) -> Result<void> {
    if (!work.integer(dialect_.copy_mark)) return {};
    return Error(ErrorCode::kMisconfigured, "the database holds a part of a copy that has not ended")
        .with_reason("half_copied")
        .with_remedy("run imgimport migrate again, which goes on where it stopped");
  });
}

db::SqlToken SqlMetadataStore::new_token() const {
  return {dialect_.remember_call, random_token(16), to_millis(clock_.now())};
}

Result<std::optional<PlaceRow>> SqlMetadataStore::find_place(const CallContext& context, const StorePlace& place) {
  {
    const std::lock_guard lock(places_mutex_);
    if (const auto known = places_.find(place); known != places_.end()) return std::optional(known->second);
  }
  IMGIMPORT_ASSIGN_OR_RETURN(
      const std::optional<PlaceRow> found,
      read(context, [&](const Work& work) -> Result<std::optional<PlaceRow>> { return read_place(work, place); }));
  if (found) {
    const std::lock_guard lock(places_mutex_);
    places_.emplace(place, *found);
  }
  return found;
}

Result<PlaceRow> SqlMetadataStore::find_or_add_place(const CallContext& context, const StorePlace& place) {
  IMGIMPORT_ASSIGN_OR_RETURN(std::optional<PlaceRow> found, find_place(context, place));
  if (found) return *found;
  // Two that add it at once: one of them meets the other's row, is repeated and finds it.
  IMGIMPORT_RETURN_IF_ERROR(write(context, [&](const Work& work) -> Result<void> {
    if (read_place(work, place)) return {};
    work.run(dialect_.insert_provider, {{"rows", place_row(place)}});
    work.run(dialect_.insert_place, {{"rows", place_row(place)}});
    return {};
  }));
  IMGIMPORT_ASSIGN_OR_RETURN(found, find_place(context, place));
  if (found) return *found;
  return Error(ErrorCode::kInternal, "a place that was just written down is not there");
}

Result<void> SqlMetadataStore::ping(const CallContext& context) {
  return read(context, [](const Work& work) -> Result<void> {
    work.integer(work.dialect.ping);
    return {};
  });
}

}  // namespace imgimport
