#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "contract/metadata_store_search_check.hpp"
#include "metadata/sqlite/schema.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Error refusal(const std::filesystem::path& path) {
  static const HandClock clock;
  SqliteOptions options;
  options.path = path.string();
  auto opened = SqliteMetadataStore::open(options, clock);
  if (opened.has_value()) throw std::runtime_error("it opened");
  return std::move(opened).error();
}

void make_database(const std::filesystem::path& path, const std::string& sql) {
  SQLite::Database database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(sql);
}

}  // namespace

TEST_CASE("what was committed is there after opening again", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  JobLease lease;
  {
    const auto store = open_sqlite(dir.path() / "a.db", clock);
    lease = listed(*store, "job-1", pictures(1, 120));
    commit(*store, imported(lease, work(*store, lease, clock.now()).at(0)));
  }
  const auto store = open_sqlite(dir.path() / "a.db", clock);
  CHECK(read(*store, lease).counters.imported == 1);
  CHECK(work(*store, lease, clock.now()).size() == 119);
  CHECK(get(store->page(kCall, {}, 1, 10)).total == 1);
}

TEST_CASE("a file that is no database is refused and left as it is", "[metadata][sqlite]") {
  TempDir dir;
  const auto path = dir.path() / "a.db";
  const std::string garbage(8192, 'x');
  std::ofstream(path, std::ios::binary) << garbage;
  const Error error = refusal(path);
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "database_corrupt");
  CHECK(error.message().find(path.string()) != std::string::npos);
  CHECK(error.remedy() == "move the file away or restore a backup; nothing was changed");
  CHECK(content_of(path) == garbage);
}

TEST_CASE("a database whose pages are damaged is refused and left as it is", "[metadata][sqlite]") {
  TempDir dir;
  const auto path = dir.path() / "a.db";
  const HandClock clock;
  open_sqlite(path, clock).reset();
  std::string damaged = content_of(path);
  std::fill(damaged.begin() + 100, damaged.end(), '\xAA');
  std::ofstream(path, std::ios::binary) << damaged;
  const Error error = refusal(path);
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "database_corrupt");
  CHECK(content_of(path) == damaged);
}

TEST_CASE("a directory in the place of the file is refused", "[metadata][sqlite]") {
  TempDir dir;
  const Error error = refusal(dir.path());
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.message().find("is a directory") != std::string::npos);
}

TEST_CASE("a directory that does not exist is named, with the remedy", "[metadata][sqlite]") {
  TempDir dir;
  const Error error = refusal(dir.path() / "none" / "a.db");
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "database_cannot_open");
  CHECK(error.message().find("none/a.db") != std::string::npos);
  CHECK_FALSE(error.remedy().empty());
}

TEST_CASE("a directory in which nobody can make files is refused", "[metadata][sqlite]") {
  const Error error = refusal("/proc/imgimport.db");
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK_FALSE(error.remedy().empty());
}

TEST_CASE("another application's database is refused and left as it is", "[metadata][sqlite]") {
  TempDir dir;
  const auto marked = dir.path() / "marked.db";
  make_database(marked, "PRAGMA application_id=42; CREATE TABLE jobs (id)");
  const std::string before = content_of(marked);
  CHECK(refusal(marked).reason() == "foreign_database");
  CHECK(content_of(marked) == before);

  const auto unmarked = dir.path() / "unmarked.db";
  make_database(unmarked, "CREATE TABLE jobs (id)");
  const std::string as_it_was = content_of(unmarked);
  const Error error = refusal(unmarked);
  CHECK(error.reason() == "foreign_database");
  CHECK(error.message().find("another application's") != std::string::npos);
  CHECK(content_of(unmarked) == as_it_was);
}

TEST_CASE("a database of a newer program is refused and left as it is", "[metadata][sqlite]") {
  TempDir dir;
  const auto path = dir.path() / "a.db";
  const HandClock clock;
  open_sqlite(path, clock).reset();
  make_database(path, "PRAGMA user_version=999");
  const std::string before = content_of(path);
  const Error error = refusal(path);
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "newer_schema");
  CHECK(error.message().find("999") != std::string::npos);
  CHECK(content_of(path) == before);
}

TEST_CASE("a database of an older program is brought to this one's form with all that is in it", "[metadata][sqlite]") {
  TempDir dir;
  const auto path = dir.path() / "a.db";
  const HandClock clock;
  {
    db::Connection old({.path = path.string()});
    db::Schema first = metadata_schema();
    first.migrations = first.migrations.first(1);
    REQUIRE(db::migrate(old, first).has_value());
    old.exec(
        "INSERT INTO providers VALUES (1, 'local', 1, 5);"
        "INSERT INTO places VALUES (1, 1, '', 'imports');"
        "INSERT INTO images (provider_id, place_id, job_id, created_at, size_bytes, key_hash, checksum_verified,"
        " drive_id, name, folder_path, mime_type, object_key, etag, version_id, head_revision, taken_at, camera)"
        " VALUES (1, 1, 1, 0, 5, 0, 1, 'drive-1', 'old.jpg', '', 'image/jpeg', 'imports/a/b/c', '', '', '', '', '')");
  }
  const auto store = open_sqlite(path, clock);
  const Image image = get(store->image(kCall, ImageId(1)));
  CHECK(image.name == "old.jpg");
  CHECK_FALSE(image.damaged);
}

TEST_CASE("what lists are found by is made up for the records of an older program", "[metadata][sqlite]") {
  TempDir dir;
  const auto path = dir.path() / "a.db";
  const HandClock clock;
  {
    const auto store = open_sqlite(path, clock);
    std::vector<NewItem> items = pictures(1, 60);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].folder_path = i % 7 == 0 ? "" : "2024/trip " + std::to_string(i % 5) + (i % 2 == 0 ? "/raw" : "");
      if (i % 3 != 0) items[i].file.image.camera = "Camera " + std::to_string(i % 4);
      if (i % 4 != 0) items[i].file.image.taken_at = "2024-0" + std::to_string(i % 9 + 1) + "-15T08:00:00";
    }
    const JobLease lease = listed(*store, "job-1", items);
    for (const WorkItem& item : work(*store, lease, clock.now())) commit(*store, imported(lease, item));
    get(store->begin_delete(kCall, ImageId(7)));
    REQUIRE(lists_agree(*store));
  }
  make_database(path,
                "DROP TABLE image_names; DROP TABLE image_labels; DROP TABLE image_blocks; DROP TABLE labels;"
                "DROP TABLE begun_batches; PRAGMA user_version=2");
  const auto store = open_sqlite(path, clock);
  CHECK(all_images(*store).size() == 59);
  CHECK(lists_agree(*store));
  get(store->begin_delete(kCall, ImageId(8)));
  CHECK(lists_agree(*store));
}

TEST_CASE("batches that were begun are forgotten once nothing in them is pending, or their job stops",
          "[metadata][sqlite]") {
  SqliteBackend backend;
  MetadataStore& store = backend.store;
  db::Connection connection({.path = (backend.dir.path() / "test.db").string(), .access = db::Access::kReader});
  const auto begun = [&] {
    auto query = connection.query("SELECT count(*) FROM begun_batches");
    query.next();
    return query.integer(0);
  };
  const JobLease done = listed(store, "job-1", pictures(1, 3));
  for (const WorkItem& item : work(store, done, backend.clock.now())) commit(store, imported(done, item));
  const JobLease failed = listed(store, "job-2", pictures(11, 3));
  const JobLease cancelled = listed(store, "job-3", pictures(21, 3));
  const JobLease open = listed(store, "job-4", pictures(31, 3));
  for (const JobLease& lease : {failed, cancelled, open}) work(store, lease, backend.clock.now());
  CHECK(begun() == 4);
  get(store.claim_garbage(kCall, kPlace, 10));
  CHECK(begun() == 3);
  get(store.fail_job(kCall, failed, {"r", "m", "d"}));
  get(store.cancel_job(kCall, cancelled.job));
  CHECK(begun() == 1);
}

TEST_CASE("an empty file becomes a database", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  std::ofstream(dir.path() / "a.db").flush();
  CHECK(get(open_sqlite(dir.path() / "a.db", clock)->jobs(kCall, JobId(), 1)).empty());
}

TEST_CASE("several processes may open a new file at once", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  std::atomic<int> opened = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        SqliteOptions options;
        options.path = (dir.path() / "a.db").string();
        opened += SqliteMetadataStore::open(options, clock).has_value();
      });
    }
  }
  CHECK(opened == 8);
}

TEST_CASE("two stores on one file see each other's work, and one of them drives a job", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  const auto server = open_sqlite(dir.path() / "a.db", clock);
  const auto command = open_sqlite(dir.path() / "a.db", clock);
  const JobLease old = listed(*server, "job-1", pictures(1, 300));
  CHECK(read(*command, old).counters.total == 300);
  const JobLease lease = get(command->claim_job(kCall, old.job, old.epoch, "command", 30s));
  CHECK(get(server->renew_leases(kCall, std::vector{old}, 30s)).empty());
  CHECK(code_of(server->group_due(kCall, old, clock.now(), 100, 1)) == ErrorCode::kConflict);

  const auto items = work(*command, lease, clock.now());
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 4; ++n) {
      threads.emplace_back([&, n] {
        MetadataStore& store = n % 2 == 0 ? *server : *command;
        for (std::size_t i = 0; i < items.size(); i += 10) {
          std::vector<Outcome> outcomes;
          for (std::size_t k = i; k < i + 10; ++k) outcomes.push_back(imported(lease, items[k]));
          failures += !store.commit(kCall, outcomes, kPlace).has_value();
        }
      });
    }
  }
  CHECK(failures == 0);
  CHECK(read(*server, lease).counters.imported == 300);
  CHECK(read(*server, lease).status == JobStatus::kCompleted);
  CHECK(counts_match(*server, lease));
}

TEST_CASE("readers do not wait for a writer, and writers as long as they may", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  const auto store = open_sqlite(dir.path() / "a.db", clock);
  const JobLease lease = listed(*store, "job-1", pictures(1, 3));
  SQLite::Database other((dir.path() / "a.db").string(), SQLite::OPEN_READWRITE);
  std::optional<SQLite::Transaction> writing(std::in_place, other, SQLite::TransactionBehavior::IMMEDIATE);

  CHECK(read(*store, lease).counters.pending == 3);
  const auto refused = store->cancel_job(kCall.with_timeout(30ms), lease.job);
  CHECK(code_of(refused) == ErrorCode::kUnavailable);
  CHECK(refused.error().is_transient());
  CHECK(refused.error().reason() == "database_busy");

  std::stop_source stop;
  CallContext stoppable;
  stoppable.stop = stop.get_token();
  ErrorCode code{};
  {
    std::jthread waiting([&] { code = code_of(store->cancel_job(stoppable, lease.job)); });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);

  Result<Job> cancelled = Error();
  {
    std::jthread waiting([&] { cancelled = store->cancel_job(kCall, lease.job); });
    writing.reset();  // rolls back
  }
  REQUIRE(cancelled.has_value());
  CHECK(cancelled->counters.cancelled == 3);
}

TEST_CASE("a transaction that finds the disk full changes nothing", "[metadata][sqlite]") {
  TempDir dir;
  const HandClock clock;
  const auto path = dir.path() / "a.db";
  JobLease lease;
  {
    const auto store = open_sqlite(path, clock);
    lease = listed(*store, "job-1", pictures(1, 10));
  }
  db::ConnectionOptions options;
  options.path = path.string();
  db::Connection connection(options);
  connection.exec("PRAGMA max_page_count=1");  // SQLite makes it what the file has already
  const auto result = db::transact(connection, db::TransactionKind::kImmediate, [](db::Connection& c) -> Result<void> {
    c.query("UPDATE jobs SET pending = 0").run();
    auto fill = c.query(
        "INSERT INTO folders (job_id, depth, drive_id, name, resource_key, shared_drive, path, page_token)"
        " VALUES (1, 1, ?1, '', '', '', '', '')");
    for (int i = 0; i < 100'000; ++i) fill.bind("folder " + std::to_string(i)).run();
    return {};
  });
  CHECK(code_of(result) == ErrorCode::kOutOfSpace);
  CHECK_FALSE(result.error().remedy().empty());
  const auto store = open_sqlite(path, clock);
  CHECK(read(*store, lease).counters.pending == 10);
  CHECK(get(store->pending_folders(kCall, lease.job, 10)).empty());
}

TEST_CASE("a commit is safe from a power cut unless asked otherwise", "[metadata][sqlite]") {
  TempDir dir;
  db::ConnectionOptions options;
  options.path = (dir.path() / "a.db").string();
  db::Connection connection(options);
  auto query = connection.query("PRAGMA synchronous");
  REQUIRE(query.next());
  CHECK(query.integer(0) == 2);
  CHECK(SqliteOptions{}.durability == db::Durability::kPowerCut);
}
