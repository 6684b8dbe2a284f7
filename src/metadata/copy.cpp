#include "metadata/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "db/error.hpp"
#include "db/migrate.hpp"
#include "db/sql_driver.hpp"
#include "db/sql_transaction.hpp"
#include "db/transaction.hpp"
#include "metadata/copy_columns.hpp"
#include "metadata/sql/image_index.hpp"
#include "metadata/sqlite/schema.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

using sql::IndexChange;
using sql::Row;
using sql::Rows;
using sql::Work;

// How long a server that goes away is waited for.
constexpr std::chrono::minutes kRetryLimit{2};
// How long another program's use of the source is waited for.
constexpr std::chrono::seconds kBusyLimit{2};

constexpr std::array<std::string_view, 24> kTotals = {
    "providers",     "provider_images", "provider_bytes", "places",          "jobs",         "job_totals",
    "job_processed", "job_others",      "job_bytes",      "folders",         "folders_done", "items",
    "item_states",   "item_bytes",      "item_images",    "images",          "image_bytes",  "image_keys",
    "live_images",   "counted_images",  "image_labels",   "labelled_images", "garbage",      "begun_batches"};
using Totals = std::array<std::int64_t, kTotals.size()>;

std::int64_t total_of(const Totals& totals, std::string_view name) {
  return totals[static_cast<std::size_t>(std::find(kTotals.begin(), kTotals.end(), name) - kTotals.begin())];
}

// A table that is copied in the order of its ids.
struct Table {
  std::string_view name;
  std::string_view columns;
  db::Sql select;  // ?1: those behind that id, ?2: how many
  db::Sql Dialect::*insert;
};

template <std::size_t N, std::size_t M>
consteval auto select_of(const char (&table)[N], const db::SqlText<M>& columns) {
  return "SELECT " + columns + " FROM " + db::SqlText<N>(table) + " WHERE id > ?1 ORDER BY id LIMIT ?2";
}
constexpr auto kSelectProviders = select_of("providers", kProviderColumns);
constexpr auto kSelectPlaces = select_of("places", kPlaceColumns);
constexpr auto kSelectJobs = select_of("jobs", kJobColumns);
constexpr auto kSelectFolders = select_of("folders", kFolderColumns);
constexpr auto kSelectItems = select_of("items", kItemColumns);
constexpr auto kSelectImages = select_of("images", kImageTableColumns);
constexpr auto kSelectGarbage = "SELECT " + kGarbageColumns +
                                " FROM garbage WHERE (place_id, object_key) > (?1, ?2)"
                                " ORDER BY place_id, object_key LIMIT ?3";

constexpr auto kSelectBegun = "SELECT " + kBegunColumns + " FROM begun_batches ORDER BY job_id, batch_id, place_id";

const std::array kTables = {
    Table{"providers", kProviderColumns.text, kSelectProviders, &Dialect::copy_providers},
    Table{"places", kPlaceColumns.text, kSelectPlaces, &Dialect::copy_places},
    Table{"jobs", kJobColumns.text, kSelectJobs, &Dialect::copy_jobs},
    Table{"folders", kFolderColumns.text, kSelectFolders, &Dialect::copy_folders},
    Table{"items", kItemColumns.text, kSelectItems, &Dialect::copy_items},
    Table{"images", kImageTableColumns.text, kSelectImages, &Dialect::copy_images},
};

std::vector<std::string> names_of(std::string_view columns) {
  std::vector<std::string> names;
  while (!columns.empty()) {
    const auto comma = columns.find(',');
    names.emplace_back(columns.substr(0, comma));
    columns.remove_prefix(comma == std::string_view::npos ? columns.size() : comma + 1);
    while (columns.starts_with(' ')) columns.remove_prefix(1);
  }
  return names;
}

// A part of a table, as it travels.
struct Part {
  JsonRows rows;
  std::vector<IndexChange> found;  // of images
};

// As servers hold it: hashes in hex.
void add_value(JsonRows& rows, const std::string& name, const db::Query& query, int column) {
  switch (query.kind(column)) {
    case db::ValueKind::kInteger:
      rows.add(name, query.integer(column));
      break;
    case db::ValueKind::kReal:
      rows.add(name, query.real(column));
      break;
    case db::ValueKind::kText:
      rows.add(name, query.text(column));
      break;
    case db::ValueKind::kBlob:
      rows.add(name, hash_hex(query.text(column)));
      break;
    case db::ValueKind::kNull:
      rows.add(name, std::nullopt);
      break;
  }
}

class SqliteSource {
 public:
  // Held alone for as long as this lives.
  static Result<std::unique_ptr<SqliteSource>> open(const std::string& path) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed)) {
      return Error(ErrorCode::kMisconfigured, fmt::format("there is no metadata to copy: no file {}", path))
          .with_reason("no_source")
          .with_remedy("set DATA_DIR, or DATABASE_URL=sqlite:///path, to the deployment that is to be copied");
    }
    try {
      auto file = std::unique_ptr<SqliteSource>(new SqliteSource(path));
      if (auto opened = db::migrate(file->connection_, metadata_schema()); !opened.has_value()) {
        return in_words(std::move(opened).error(), path);
      }
      return file;
    } catch (...) {
      return in_words(db::current_error(path), path);
    }
  }

  // Which copy this is: written down in the source, so that the target can tell it from others.
  Result<std::int64_t> copy_id() {
    return db::transact(connection_, db::TransactionKind::kImmediate, [](db::Connection& open) -> Result<std::int64_t> {
      {
        auto query = open.query("SELECT value FROM sequences WHERE name = 'copy'");
        if (query.next()) return query.integer(0);
      }
      const auto id = static_cast<std::int64_t>(random_below(std::uint64_t{1} << 62)) + 1;
      open.query("INSERT INTO sequences (name, value) VALUES ('copy', ?1)").bind(id).run();
      return id;
    });
  }

  Result<Totals> totals() {
    return read([](db::Connection& open) -> Result<Totals> {
      Totals totals{};
      auto query = open.query(kCopyTotals);
      query.next();
      for (std::size_t i = 0; i < totals.size(); ++i) totals[i] = query.integer(static_cast<int>(i));
      return totals;
    });
  }

  Result<std::int64_t> last_batch() {
    return read([](db::Connection& open) -> Result<std::int64_t> {
      auto query = open.query("SELECT value FROM sequences WHERE name = 'batch'");
      return query.next() ? query.integer(0) : 0;
    });
  }

  // The highest id that was ever given to an image.
  Result<std::int64_t> last_image() {
    return read([](db::Connection& open) -> Result<std::int64_t> {
      auto query = open.query("SELECT seq FROM sqlite_sequence WHERE name = 'images'");
      return query.next() ? query.integer(0) : 0;
    });
  }

  Result<Part> read_part(const Table& table, std::int64_t after, std::size_t limit) {
    return read([&](db::Connection& open) -> Result<Part> {
      const auto names = names_of(table.columns);
      Part part;
      auto query = open.query(table.select);
      query.bind(after, limit);
      while (query.next()) add_row(part, names, query);
      if (table.name == "images") read_labels(open, after, part);
      return part;
    });
  }

  Result<Part> read_garbage(std::pair<std::int64_t, std::string>& after, std::size_t limit) {
    return read([&](db::Connection& open) -> Result<Part> {
      const auto names = names_of(kGarbageColumns.text);
      Part part;
      auto query = open.query(kSelectGarbage);
      query.bind(after.first, after.second, limit);
      while (query.next()) {
        add_row(part, names, query);
        after = {query.integer(0), query.text(1)};
      }
      return part;
    });
  }

  // All of them: no more than batches can be under way at once.
  Result<Part> read_begun() {
    return read([&](db::Connection& open) -> Result<Part> {
      const auto names = names_of(kBegunColumns.text);
      Part part;
      auto query = open.query(kSelectBegun);
      while (query.next()) add_row(part, names, query);
      return part;
    });
  }

 private:
  explicit SqliteSource(const std::string& path)
      : connection_({.path = path, .access = db::Access::kAlone, .busy_limit = kBusyLimit}) {}

  static Error in_words(Error error, const std::string& path) {
    if (error.reason() != "database_busy") return error;
    return Error(ErrorCode::kUnavailable, fmt::format("a server, or another program, has {} open", path))
        .with_reason("source_in_use")
        .with_remedy("stop the server first: what it writes meanwhile would be missing from the copy");
  }

  template <class Body>
  std::invoke_result_t<Body, db::Connection&> read(Body&& body) {
    return db::transact(connection_, db::TransactionKind::kRead, std::forward<Body>(body));
  }

  static void add_row(Part& part, const std::vector<std::string>& names, const db::Query& query) {
    part.rows.row();
    for (std::size_t i = 0; i < names.size(); ++i) add_value(part.rows, names[i], query, static_cast<int>(i));
  }

  static void read_labels(db::Connection& open, std::int64_t after, Part& part) {
    auto query = open.query(
        "SELECT id, place_id, folder_path, camera, taken_at, deleting FROM images WHERE id > ?1 ORDER BY id LIMIT ?2");
    query.bind(after, part.rows.size());
    while (query.next()) {
      if (query.integer(5) != 0) continue;
      part.found.push_back({query.integer(1), query.integer(0), std::nullopt,
                            Findable{"", query.text(2), query.text(3), query.text(4)}});
    }
  }

  db::Connection connection_;
};

class Copier {
 public:
  Copier(const CallContext& context, const MetadataCopy& copy, const db::SqlTarget& target, SqliteSource& source,
         const Clock& clock)
      : context_(context),
        source_(source),
        clock_(clock),
        dialect_(dialect_of(target.product)),
        pool_(target, pool_options(copy.to.pool)),
        rows_at_once_(copy.rows_at_once) {}

  Result<CopyReport> run(const std::function<void(const CopyProgress&)>& show) {
    CopyReport report;
    IMGIMPORT_ASSIGN_OR_RETURN(wanted_, source_.totals());
    IMGIMPORT_ASSIGN_OR_RETURN(report.resumed, begin());
    CopyProgress progress;
    for (const Table& table : kTables) progress.total += total_of(wanted_, table.name);
    if (report.resumed) {
      IMGIMPORT_ASSIGN_OR_RETURN(const Totals there, totals());
      for (const Table& table : kTables) progress.done += total_of(there, table.name);
    }
    for (const Table& table : kTables) {
      progress.what = table.name;
      while (true) {
        IMGIMPORT_RETURN_IF_ERROR(context_.check());
        IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t rows, copy_part(table));
        if (rows == 0) break;
        progress.done += static_cast<std::int64_t>(rows);
        show(progress);
      }
    }
    IMGIMPORT_RETURN_IF_ERROR(copy_garbage());
    IMGIMPORT_RETURN_IF_ERROR(copy_begun());
    IMGIMPORT_RETURN_IF_ERROR(end());
    report.jobs = total_of(wanted_, "jobs");
    report.items = total_of(wanted_, "items");
    report.images = total_of(wanted_, "live_images");
    return report;
  }

 private:
  static db::SqlPoolOptions pool_options(db::SqlPoolOptions options) {
    options.keep = 1;
    options.overflow = 0;
    options.retry_limit = kRetryLimit;
    return options;
  }

  template <class Body>
  std::invoke_result_t<Body, const Work&> transact(Body&& body) {
    return db::transact_sql(pool_, context_, db::SqlScope::kTransaction, [&](db::SqlSession& session) {
      return body(Work{session, dialect_, clock_.now()});
    });
  }

  Result<Totals> totals() {
    return transact([](const Work& work) -> Result<Totals> { return read_totals(work); });
  }
  static Totals read_totals(const Work& work) {
    Totals totals{};
    const Rows rows = work.select(work.dialect.copy_totals);
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] = rows[0].integer(kTotals[i]);
    return totals;
  }

  // True: this copy had been begun before.
  Result<bool> begin() {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t id, source_.copy_id());
    return transact([&](const Work& work) -> Result<bool> {
      if (const auto mark = work.integer(dialect_.copy_mark)) {
        if (*mark == id) return true;
        return Error(ErrorCode::kMisconfigured, "the target holds a part of another deployment's copy")
            .with_reason("another_copy")
            .with_remedy("name an empty database, or empty this one first; nothing was changed");
      }
      const Totals there = read_totals(work);
      if (there != Totals{}) {
        return Error(ErrorCode::kMisconfigured, fmt::format("the target holds data already: {} jobs, {} images",
                                                            total_of(there, "jobs"), total_of(there, "images")))
            .with_reason("target_not_empty")
            .with_remedy("name an empty database; nothing was changed");
      }
      work.run(dialect_.begin_copy, {{"copy", id}});
      return false;
    });
  }

  // The next rows behind those that are there; how many they were.
  Result<std::size_t> copy_part(const Table& table) {
    return transact([&](const Work& work) -> Result<std::size_t> {
      const Rows reached = work.select(dialect_.copy_reached);
      IMGIMPORT_ASSIGN_OR_RETURN(Part part, source_.read_part(table, reached[0].integer(table.name), rows_at_once_));
      const std::size_t rows = part.rows.size();
      if (rows == 0) return rows;
      work.run_rows(dialect_.*table.insert, part.rows);
      if (!part.found.empty()) {
        sql::lock_index(work);
        sql::index_images(work, part.found);
      }
      return rows;
    });
  }

  // Has no ids: from its beginning, those that are not there.
  Result<void> copy_garbage() {
    std::pair<std::int64_t, std::string> after{0, ""};
    while (true) {
      IMGIMPORT_ASSIGN_OR_RETURN(Part part, source_.read_garbage(after, rows_at_once_));
      if (part.rows.empty()) return {};
      const std::string document = part.rows.take();
      IMGIMPORT_RETURN_IF_ERROR(transact([&](const Work& work) -> Result<void> {
        work.run(dialect_.copy_garbage, {{"rows", document}});
        return {};
      }));
    }
  }

  Result<void> copy_begun() {
    IMGIMPORT_ASSIGN_OR_RETURN(Part part, source_.read_begun());
    if (part.rows.empty()) return {};
    const std::string document = part.rows.take();
    return transact([&](const Work& work) -> Result<void> {
      work.run(dialect_.copy_begun, {{"rows", document}});
      return {};
    });
  }

  // Compares, and takes the mark away.
  Result<void> end() {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t batch, source_.last_batch());
    IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t image, source_.last_image());
    return transact([&](const Work& work) -> Result<void> {
      const Totals there = read_totals(work);
      for (std::size_t i = 0; i < there.size(); ++i) {
        if (there[i] == wanted_[i]) continue;
        return Error(ErrorCode::kInternal, fmt::format("the copy differs from its source: {} is {} there and {} here",
                                                       kTotals[i], there[i], wanted_[i]))
            .with_reason("copy_differs")
            .with_remedy("empty the target and begin anew; the source was not changed");
      }
      work.run(dialect_.set_batches, {{"value", batch}});
      work.run(dialect_.set_images, {{"value", image}});
      work.integer(dialect_.set_next_ids);
      work.run(dialect_.end_copy);
      return {};
    });
  }

  const CallContext& context_;
  SqliteSource& source_;
  const Clock& clock_;
  const Dialect& dialect_;
  db::SqlPool pool_;
  const std::size_t rows_at_once_;
  Totals wanted_{};
};

}  // namespace

Result<CopyReport> copy_metadata(const CallContext& context, const MetadataCopy& copy, const Clock& clock,
                                 const std::function<void(const CopyProgress&)>& show) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto source, SqliteSource::open(copy.from));
  SqlStoreOptions to = copy.to;
  to.half_copied = SqlStoreOptions::Copying::kGoOn;
  IMGIMPORT_ASSIGN_OR_RETURN(to.target, db::prepare_target(to.target));
  {
    // Makes the tables.
    IMGIMPORT_ASSIGN_OR_RETURN(const auto store, SqlMetadataStore::open(to, clock));
  }
  return Copier(context, copy, to.target, *source, clock).run(show);
}

}  // namespace imgimport
