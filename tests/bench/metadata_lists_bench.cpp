// What lists of images cost, from few records to very many, and how fast records are committed. A program of Catch2's
// making, for the servers it starts: metadata_lists_bench [curve] and metadata_lists_bench [commits].
// IMGIMPORT_BENCH_IMAGES: the largest table (default 1,000,000); IMGIMPORT_BENCH_COMMITS: how many are committed.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "base/random.hpp"
#include "contract/metadata_store_backends.hpp"
#include "support/many_images.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

std::int64_t number_from(const char* name, std::int64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoll(given) : otherwise;
}

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Milliseconds: the median of eleven after one more.
double median_of(const std::function<void()>& body) {
  body();
  std::vector<double> times;
  for (int i = 0; i < 11; ++i) times.push_back(seconds_of(body) * 1e3);
  std::nth_element(times.begin(), times.begin() + 5, times.end());
  return times[5];
}

struct List {
  const char* name;
  std::function<void(MetadataStore&, std::int64_t images)> ask;
};

void page(MetadataStore& store, const ImageQuery& query, std::int64_t number = 1) {
  get(store.page(kCall, query, number, 50));
}

const std::vector<List> kLists = {
    {"first page", [](MetadataStore& store, std::int64_t) { page(store, {}); }},
    {"cursor, middle",
     [](MetadataStore& store, std::int64_t images) { get(store.walk(kCall, {}, ImageId(images / 2), 50)); }},
    {"page in the middle", [](MetadataStore& store, std::int64_t images) { page(store, {}, images / 100); }},
    {"last page", [](MetadataStore& store, std::int64_t images) { page(store, {}, images / 50); }},
    {"provider", [](MetadataStore& store, std::int64_t) { page(store, {.storage_provider = "local"}); }},
    {"provider, last page",
     [](MetadataStore& store, std::int64_t images) { page(store, {.storage_provider = "local"}, images / 51); }},
    {"rare provider", [](MetadataStore& store, std::int64_t) { page(store, {.storage_provider = "aws"}); }},
    {"job", [](MetadataStore& store, std::int64_t) { page(store, {.job = JobId(many_images_job(3))}); }},
    {"folder", [](MetadataStore& store, std::int64_t) { page(store, {.folder = "year 7"}); }},
    {"folder, page 8", [](MetadataStore& store, std::int64_t) { page(store, {.folder = "year 7"}, 8); }},
    {"camera", [](MetadataStore& store, std::int64_t) { page(store, {.camera = "Camera 7"}); }},
    {"days, 8 years", [](MetadataStore& store,
                         std::int64_t) { page(store, {.taken_after = "2003-02-05", .taken_before = "2011-07-20"}); }},
    {"q, rare", [](MetadataStore& store,
                   std::int64_t images) { page(store, {.text = "vienna " + std::to_string(images / 2000 * 1000)}); }},
    {"q, a thousandth", [](MetadataStore& store, std::int64_t) { page(store, {.text = "sunset"}); }},
    {"q, nearly all", [](MetadataStore& store, std::int64_t) { page(store, {.text = "img_"}); }},
    {"q, one character", [](MetadataStore& store, std::int64_t) { page(store, {.text = "z"}); }},
    {"q and camera", [](MetadataStore& store, std::int64_t) { page(store, {.text = "img_", .camera = "Camera 7"}); }},
    {"folders",
     [](MetadataStore& store, std::int64_t) {
       get(store.folders(kCall, {"year 7", "", 100}));
     }},
    {"cameras",
     [](MetadataStore& store, std::int64_t) {
       get(store.cameras(kCall, {"", "", 100}));
     }},
    {"statistics", [](MetadataStore& store, std::int64_t) { get(store.stats(kCall)); }},
};

std::vector<std::int64_t> sizes() {
  std::vector<std::int64_t> sizes;
  const std::int64_t most = number_from("IMGIMPORT_BENCH_IMAGES", 1'000'000);
  for (std::int64_t size = 10'000; size < most; size *= 10) sizes.push_back(size);
  sizes.push_back(most);
  return sizes;
}

// A row per list, a column per size.
using Curve = std::vector<std::vector<double>>;

void measure(Curve& curve, MetadataStore& store, std::int64_t images) {
  curve.resize(kLists.size());
  for (std::size_t i = 0; i < kLists.size(); ++i) {
    curve[i].push_back(median_of([&] { kLists[i].ask(store, images); }));
  }
}

void print(const char* store, const Curve& curve) {
  std::printf("\n%s: milliseconds per list of 50\n%-22s", store, "images");
  for (const std::int64_t size : sizes()) std::printf("%11lld", static_cast<long long>(size));
  std::printf("\n");
  for (std::size_t i = 0; i < kLists.size(); ++i) {
    std::printf("%-22s", kLists[i].name);
    for (const double time : curve[i]) std::printf("%11.2f", time);
    std::printf("\n");
  }
  std::fflush(stdout);
}

NewItem photograph() {
  NewItem item;
  item.file.id = DriveId("1" + random_token(16));
  item.file.name = "IMG_20240506_" + std::to_string(random_below(1'000'000)) + ".jpg";
  item.file.mime_type = "image/jpeg";
  item.file.size = 3'000'000;
  item.file.hashes = {random_token(16), random_token(20), random_token(32)};
  item.file.head_revision = "0B" + random_token(24);
  item.file.modified_at = Timestamp(1'700'000'000'000ms);
  item.file.image = {4000,           3000, "2024-05-" + std::to_string(10 + random_below(20)) + "T07:08:09",
                     "Canon EOS R5", 48.2, 16.3};
  item.folder_path = "2024/Summer/Vienna";
  item.key = ObjectKey("imports/" + item.file.id.value() + "/" + item.file.hashes.sha256 + "/" + item.file.name);
  return item;
}

// Records per second, in groups of 100 by eight threads.
double commits(MetadataStore& store, std::int64_t images) {
  const JobLease lease = create(store, new_job("bench"));
  for (std::int64_t n = 0; n < images; n += 1000) {
    std::vector<NewItem> items;
    for (int i = 0; i < 1000; ++i) items.push_back(photograph());
    add(store, lease, std::move(items));
  }
  finish(store, lease);
  std::vector<std::vector<Outcome>> groups;
  for (const BatchId batch : get(store.ready_batches(kCall, lease, BatchId(0), 1'000'000))) {
    std::vector<Outcome>& group = groups.emplace_back();
    for (const WorkItem& item : get(store.open_batch(kCall, {lease.job, batch}, kPlace)).items) {
      group.push_back(imported(lease, item));
    }
  }
  std::atomic<std::size_t> next = 0;
  const double elapsed = seconds_of([&] {
    std::vector<std::jthread> writers;
    for (int n = 0; n < 8; ++n) {
      writers.emplace_back([&] {
        for (std::size_t i = next++; i < groups.size(); i = next++) get(store.commit(kCall, groups[i], kPlace));
      });
    }
  });
  return static_cast<double>(images) / elapsed;
}

// The images of one database into the same table of another that is empty, by COPY.
double by_copy(const PostgresServer& server, const std::string& from, const std::string& to) {
  const auto open = [&](const std::string& name) { return PQconnectdb(server.url(name).c_str()); };
  PGconn* source = open(from);
  PQclear(PQexec(source, "COPY images TO STDOUT"));
  std::vector<std::string> rows;
  char* row = nullptr;
  for (int size = PQgetCopyData(source, &row, 0); size > 0; size = PQgetCopyData(source, &row, 0)) {
    rows.emplace_back(row, static_cast<std::size_t>(size));
    PQfreemem(row);
  }
  PQfinish(source);
  PGconn* target = open(to);
  const double elapsed = seconds_of([&] {
    PQclear(PQexec(target, "COPY images FROM STDIN"));
    for (const std::string& line : rows) PQputCopyData(target, line.data(), static_cast<int>(line.size()));
    PQputCopyEnd(target, nullptr);
    PQclear(PQgetResult(target));
  });
  PQfinish(target);
  return static_cast<double>(rows.size()) / elapsed;
}

// The same for SQLite: one statement run for each row, in transactions of 100.
double by_execute_many(const std::filesystem::path& from, const std::filesystem::path& to) {
  SQLite::Database source(from.string(), SQLite::OPEN_READONLY);
  SQLite::Database target(to.string(), SQLite::OPEN_READWRITE);
  target.exec("PRAGMA synchronous=FULL");
  SQLite::Statement rows(source, "SELECT * FROM images");
  std::string marks = "?";
  for (int i = 1; i < rows.getColumnCount(); ++i) marks += ", ?";
  SQLite::Statement insert(target, "INSERT INTO images VALUES (" + marks + ")");
  std::int64_t count = 0;
  const double elapsed = seconds_of([&] {
    auto transaction = std::make_unique<SQLite::Transaction>(target);
    while (rows.executeStep()) {
      for (int i = 0; i < rows.getColumnCount(); ++i) {
        const SQLite::Column value = rows.getColumn(i);
        if (value.isInteger()) insert.bind(i + 1, value.getInt64());
        if (value.isFloat()) insert.bind(i + 1, value.getDouble());
        if (value.isText()) insert.bind(i + 1, value.getString());
        if (value.isBlob()) insert.bind(i + 1, value.getBlob(), value.getBytes());
        if (value.isNull()) insert.bind(i + 1);
      }
      insert.exec();
      insert.reset();
      if (++count % 100 != 0) continue;
      transaction->commit();
      transaction.reset();
      transaction = std::make_unique<SQLite::Transaction>(target);
    }
    transaction->commit();
  });
  return static_cast<double>(count) / elapsed;
}

}  // namespace

TEST_CASE("lists of images, from few records to very many", "[curve]") {
  const HandClock clock;
  Curve sqlite;
  Curve postgres;
  for (const std::int64_t images : sizes()) {
    const TempDir dir;
    const auto path = dir.path() / "lists.db";
    open_sqlite(path, clock).reset();
    fill_sqlite(path.string(), images);
    std::unique_ptr<SqliteMetadataStore> store;
    const double made = seconds_of([&] { store = open_sqlite(path, clock); });
    std::printf("SQLite, %lld images: indexed in %.0f s\n", static_cast<long long>(images), made);
    measure(sqlite, *store, images);
  }
  print("SQLite", sqlite);
  for (const std::int64_t images : sizes()) {
    PostgresServer& server = PostgresServer::shared();
    const std::string database = server.create_database(postgres_template());
    fill_postgres(server, database, images);
    std::unique_ptr<SqlMetadataStore> store;
    const double made = seconds_of([&] { store = open_sql(server.url(database), clock); });
    std::printf("PostgreSQL, %lld images: indexed in %.0f s\n", static_cast<long long>(images), made);
    server.execute(database, "VACUUM ANALYZE");
    measure(postgres, *store, images);
    store.reset();
    server.execute("postgres", "DROP DATABASE " + database);
  }
  print("PostgreSQL", postgres);
}

TEST_CASE("records committed per second, beside the same rows by the fastest way", "[commits]") {
  const std::int64_t images = number_from("IMGIMPORT_BENCH_COMMITS", 20'000);
  std::printf("records per second, groups of 100 by 8 threads, %lld images\n", static_cast<long long>(images));
  const HandClock clock;
  const TempDir dir;
  for (const auto durability : {db::Durability::kPowerCut, db::Durability::kCrash}) {
    const bool full = durability == db::Durability::kPowerCut;
    SqliteOptions options;
    options.path = (dir.path() / (full ? "full.db" : "normal.db")).string();
    options.durability = durability;
    const auto store = get(SqliteMetadataStore::open(options, clock));
    std::printf("  SQLite, synchronous=%-6s  %8.0f\n", full ? "FULL" : "NORMAL", commits(*store, images));
    std::fflush(stdout);
  }
  open_sqlite(dir.path() / "empty.db", clock).reset();
  std::printf("  the images alone by one INSERT run 100 times a transaction  %8.0f\n",
              by_execute_many(dir.path() / "full.db", dir.path() / "empty.db"));
  PostgresServer& server = PostgresServer::shared();
  std::string filled;
  for (const bool odbc : {false, true}) {
    filled = server.create_database(postgres_template());
    const auto store = open_sql(odbc ? server.odbc_url(filled) : server.url(filled), clock);
    std::printf("  PostgreSQL%-14s  %8.0f\n", odbc ? " over ODBC" : "", commits(*store, images));
    std::fflush(stdout);
  }
  const std::string empty = server.create_database(postgres_template());
  std::printf("  the images alone by COPY  %8.0f\n", by_copy(server, filled, empty));
}
