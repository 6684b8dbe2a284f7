// What the metadata store's contract suite runs on, and short ways to say what happens in its tests.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/memory_metadata_store.hpp"
#include "imgimport/metadata_store.hpp"
#include "metadata/remote/metadata_routes.hpp"
#include "metadata/remote/remote_metadata_store.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sqlite/store.hpp"
#include "support/postgres.hpp"
#include "support/router_client.hpp"
#include "support/temp_dir.hpp"

namespace imgimport::metadata_suite {

using namespace std::chrono_literals;

class HandClock : public Clock {
 public:
  Timestamp now() const override { return Timestamp(std::chrono::milliseconds(millis_.load())); }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(millis_.load()));
  }
  void advance(std::chrono::milliseconds by) { millis_ += by.count(); }

 private:
  std::atomic<std::int64_t> millis_{1'790'000'000'000};
};

struct MemoryBackend {
  HandClock clock;
  MemoryMetadataStore store{clock};
};

inline std::unique_ptr<SqliteMetadataStore> open_sqlite(const std::filesystem::path& path, const Clock& clock) {
  SqliteOptions options;
  options.path = path.string();
  options.durability = db::Durability::kCrash;  // no test here pulls the plug
  auto opened = SqliteMetadataStore::open(options, clock);
  if (!opened.has_value()) throw std::runtime_error(opened.error().message());
  return std::move(*opened);
}

struct SqliteBackend {
  HandClock clock;
  TempDir dir;
  std::unique_ptr<SqliteMetadataStore> opened = open_sqlite(dir.path() / "test.db", clock);
  MetadataStore& store = *opened;
};

inline std::unique_ptr<SqlMetadataStore> open_sql(const std::string& url, const Clock& clock) {
  auto target = db::parse_sql_url(url);
  if (!target.has_value()) throw std::runtime_error(target.error().message());
  SqlStoreOptions options;
  options.target = std::move(*target);
  auto opened = SqlMetadataStore::open(options, clock);
  if (!opened.has_value()) throw std::runtime_error(opened.error().message());
  return std::move(*opened);
}

// A database with all tables and nothing in them, to be copied for each test.
inline const std::string& postgres_template() {
  static const std::string name = [] {
    PostgresServer& server = PostgresServer::shared();
    const std::string database = server.create_database();
    const HandClock clock;
    open_sql(server.url(database), clock);
    return database;
  }();
  return name;
}

struct PostgresBackend {
  HandClock clock;
  PostgresDatabase database{postgres_template()};
  std::unique_ptr<SqlMetadataStore> opened = open_sql(PostgresServer::shared().url(database.name()), clock);
  MetadataStore& store = *opened;
};

struct PostgresOdbcBackend {
  HandClock clock;
  PostgresDatabase database{postgres_template()};
  std::unique_ptr<SqlMetadataStore> opened = open_sql(PostgresServer::shared().odbc_url(database.name()), clock);
  MetadataStore& store = *opened;
};

// SQLite behind the metadata service's routes, asked through its client.
struct RemoteBackend {
  HandClock clock;
  TempDir dir;
  std::unique_ptr<SqliteMetadataStore> opened = open_sqlite(dir.path() / "test.db", clock);
  Router router = [this] {
    Router routes;
    mount_metadata_routes(routes, *opened);
    return routes;
  }();
  RouterClient http{router};
  ServiceClient client{
      {.name = "metadata", .url = "http://metadata", .setting = "METADATA_SERVICE_URL", .token = ""}, http, clock};
  RemoteMetadataStore store{client};
};

inline const CallContext kCall;
inline const StorePlace kPlace{"local", "", "imports"};

// The value, or an exception that fails the test.
template <class T>
T get(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error("unexpected error: " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result.has_value() ? ErrorCode{} : result.error().code();
}

template <class T>
std::string reason_of(const Result<T>& result) {
  return result.has_value() ? "no error" : result.error().reason();
}

inline std::string hex_of(std::int64_t number, std::size_t length) {
  std::string digits = std::to_string(number);
  return digits + std::string(length - digits.size(), 'a');
}

inline NewJob new_job(const std::string& id) {
  NewJob job;
  job.id = JobId(id);
  job.folder_url = "https://drive.google.com/drive/folders/root";
  job.root.id = DriveId("root");
  job.root.name = "Holidays";
  return job;
}

// The n-th picture: its Drive id, hashes and key all follow from n.
inline NewItem picture(std::int64_t n) {
  NewItem item;
  item.file.id = DriveId("drive-" + std::to_string(n));
  item.file.name = "photo " + std::to_string(n) + ".jpg";
  item.file.mime_type = "image/jpeg";
  item.file.size = 1000 + static_cast<std::uint64_t>(n);
  item.file.hashes.md5 = hex_of(n, 32);
  item.file.hashes.sha256 = hex_of(n, 64);
  item.folder_path = "summer";
  item.key = ObjectKey("imports/drive-" + std::to_string(n) + "/" + hex_of(n, 64) + "/photo.jpg");
  return item;
}

inline std::vector<NewItem> pictures(std::int64_t first, std::int64_t count) {
  std::vector<NewItem> items;
  for (std::int64_t n = first; n < first + count; ++n) items.push_back(picture(n));
  return items;
}

inline JobLease create(MetadataStore& store, const NewJob& job) {
  const auto created = get(store.create_job(kCall, job, "tester", 30s));
  return {created.job.id, created.job.epoch};
}

inline Journal::Added add(MetadataStore& store, const JobLease& lease, std::vector<NewItem> items,
                          std::size_t batch_size = 100) {
  ListedPage page;
  page.folder = DriveId("root");
  page.items = std::move(items);
  page.next_page_token = "more";
  return get(store.add_page(kCall, lease, page, batch_size));
}

// Ends the root folder and the listing.
inline void finish(MetadataStore& store, const JobLease& lease) {
  get(store.add_page(kCall, lease, {DriveId("root"), {}, {}, std::nullopt}, 100));
  get(store.finish_listing(kCall, lease));
}

// A listed job of these items.
inline JobLease listed(MetadataStore& store, const std::string& id, std::vector<NewItem> items) {
  const JobLease lease = create(store, new_job(id));
  add(store, lease, std::move(items));
  finish(store, lease);
  return lease;
}

inline Job read(MetadataStore& store, const JobLease& lease) {
  return get(store.job(kCall, lease.job));
}

inline std::vector<Item> all_items(MetadataStore& store, const JobLease& lease,
                                   std::optional<ItemState> state = std::nullopt) {
  return get(store.items(kCall, {lease.job, state, ItemId(0), 1'000'000}));
}

// Groups what is due and opens all batches of the job: its work, in order.
inline std::vector<WorkItem> work(MetadataStore& store, const JobLease& lease, Timestamp now,
                                  const StorePlace& place = kPlace) {
  get(store.group_due(kCall, lease, now, 100, 1000));
  std::vector<WorkItem> items;
  for (const BatchId batch : get(store.ready_batches(kCall, lease, BatchId(0), 100'000))) {
    Batch opened = get(store.open_batch(kCall, {lease.job, batch}, place));
    for (WorkItem& item : opened.items) items.push_back(std::move(item));
  }
  return items;
}

inline Outcome imported(const JobLease& lease, const WorkItem& item) {
  Outcome outcome;
  outcome.job = lease.job;
  outcome.item = item.id;
  outcome.state = ItemState::kImported;
  outcome.stored =
      StoredObject{item.key, item.file.size.value_or(1), item.file.hashes, "image/jpeg", "etag", "v1", true};
  return outcome;
}

inline Outcome outcome_of(const JobLease& lease, ItemId item, ItemState state) {
  Outcome outcome;
  outcome.job = lease.job;
  outcome.item = item;
  outcome.state = state;
  return outcome;
}

inline Outcome relying_on(const JobLease& lease, ItemId item, ItemState state, ImageId image) {
  Outcome outcome = outcome_of(lease, item, state);
  outcome.same_as = image;
  return outcome;
}

inline CommitEffect commit(MetadataStore& store, const Outcome& outcome) {
  return get(store.commit(kCall, std::span(&outcome, 1), kPlace)).at(0);
}

inline bool adds_up(const JobCounters& c) {
  return c.imported + c.skipped + c.deduplicated + c.failed + c.deferred + c.cancelled + c.pending == c.total;
}

// Counted from the items themselves.
inline JobCounters recount(MetadataStore& store, const JobLease& lease) {
  JobCounters counted;
  for (const Item& item : all_items(store, lease)) {
    counted.total += item.state != ItemState::kIgnored;
    counted.imported += item.state == ItemState::kImported;
    counted.skipped += item.state == ItemState::kSkipped;
    counted.deduplicated += item.state == ItemState::kDeduplicated;
    counted.failed += item.state == ItemState::kFailed;
    counted.deferred += item.state == ItemState::kDeferred;
    counted.cancelled += item.state == ItemState::kCancelled;
    counted.pending += item.state == ItemState::kPending;
    counted.ignored += item.state == ItemState::kIgnored;
  }
  return counted;
}

inline bool counts_match(MetadataStore& store, const JobLease& lease) {
  const JobCounters kept = read(store, lease).counters;
  const JobCounters counted = recount(store, lease);
  return adds_up(kept) && kept.total == counted.total && kept.imported == counted.imported &&
         kept.skipped == counted.skipped && kept.deduplicated == counted.deduplicated &&
         kept.failed == counted.failed && kept.deferred == counted.deferred && kept.cancelled == counted.cancelled &&
         kept.pending == counted.pending && kept.ignored == counted.ignored;
}

}  // namespace imgimport::metadata_suite

#ifdef IMGIMPORT_METADATA_GIVEN
#include "contract/metadata_store_given.hpp"
#define METADATA_BACKENDS imgimport::metadata_suite::GivenBackend
#define METADATA_SERVERS imgimport::metadata_suite::GivenBackend
#else
#define METADATA_SERVERS imgimport::metadata_suite::PostgresBackend, imgimport::metadata_suite::PostgresOdbcBackend
#define METADATA_BACKENDS                                                             \
  imgimport::metadata_suite::MemoryBackend, imgimport::metadata_suite::SqliteBackend, \
      imgimport::metadata_suite::RemoteBackend, METADATA_SERVERS
#endif
