// `imgimport migrate --to URL` from a SQLite file of 20,000 images into PostgreSQL, killed in the middle.
#include <SQLiteCpp/Database.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <mutex>

#include "contract/metadata_store_search_check.hpp"
#include "support/many_images.hpp"
#include "support/server_process.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

constexpr std::int64_t kImages = 20'000;

ChildOptions migrate_to(const std::filesystem::path& data, const std::string& url) {
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = {"migrate", "--to=" + url};
  options.environment = {{"DATA_DIR", data.string()}, {"LOG_LEVEL", "warning"}, {"PATH", "/usr/bin:/bin"}};
  options.directory = data;
  return options;
}

struct Ended {
  int code = -1;
  std::string output;
  std::string errors;
};
Ended run_migrate(const std::filesystem::path& data, const std::string& url) {
  ChildProcess process(migrate_to(data, url));
  Ended ended;
  ended.output = process.read_all(120s);
  ended.code = process.wait(10s).value_or(-1);
  ended.errors = process.error_output();
  return ended;
}

// Until the target holds so many images.
void await_images(const std::string& database, std::int64_t images) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  for (int i = 0; i < 6'000; ++i) {
    const auto reached =
        PostgresServer::shared().execute(database, "SELECT CASE WHEN to_regclass('images') IS NULL THEN 0 ELSE 1 END");
    if (reached.starts_with("1")) {
      const auto there = PostgresServer::shared().execute(database, "SELECT coalesce(max(id), 0) FROM images");
      if (std::stoll(there) >= images) return;
    }
    never.wait_for(lock, 5ms);
  }
  throw std::runtime_error("the copy does not come that far");
}

const std::string kKilledJob = "123e4567-e89b-42d3-a456-426614174001";

// Many images made at once, and a job in which everything has happened.
void make_deployment(const std::filesystem::path& path, const HandClock& given) {
  HandClock clock;
  clock.advance(std::chrono::milliseconds((given.now() - clock.now()).count()));
  open_sqlite(path, clock).reset();
  fill_sqlite(path.string(), kImages);
  const auto opened = open_sqlite(path, clock);
  MetadataStore& store = *opened;
  const std::vector<std::string> names = {"it's \"quoted\"; --", "100%_\\ of it", "日本語 🏔️.jpg",
                                          std::string(300, 'x'), std::string("nul\0here", 8)};
  std::vector<NewItem> items = pictures(1, 40);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].file.id = DriveId("odd-" + std::to_string(i));
    items[i].file.name = names[i % names.size()];
    items[i].folder_path = "odd/" + names[i % names.size()];
    items[i].file.image = {4000, 3000, "2024-05-06T07:08:09", "Camera \"" + names[i % 4] + "\"", 48.20817612345678,
                           -0.1};
    items[i].file.modified_at = Timestamp(1'700'000'000'123ms);
  }
  NewJob job = new_job("123e4567-e89b-42d3-a456-426614174000");
  job.idempotency_key = "key 'one'";
  job.filters.name_glob = "*.jpg";
  const JobLease lease = create(store, job);
  add(store, lease, items);
  finish(store, lease);
  get(store.warn_job(kCall, lease, {"odd", "something \"odd\"", "look"}));
  const auto opened_items = work(store, lease, clock.now());
  for (std::size_t i = 0; i < 20; ++i) commit(store, imported(lease, opened_items[i]));
  Outcome deferred = outcome_of(lease, opened_items[20].id, ItemState::kDeferred);
  deferred.not_before = clock.now() + 1h;
  deferred.reason = "quota";
  deferred.attempts = 3;
  commit(store, deferred);
  commit(store, outcome_of(lease, opened_items[21].id, ItemState::kFailed));
  get(store.begin_delete(kCall, all_items(store, lease)[0].image.value()));
  const auto relied = get(store.job_images(kCall, lease.job, ItemId(0), 5));
  const JobStore::Damage damage{relied[2].item, relied[2].image.id, relied[2].image.key, "object_missing", "retry"};
  get(store.report_damage(kCall, lease.job, std::span(&damage, 1)));
  // An object that nobody needs any more.
  Outcome late = imported(lease, opened_items[5]);
  late.stored->key = ObjectKey("imports/odd-5/other/photo.jpg");
  commit(store, late);
  // A job whose worker was killed in the midst of it.
  const JobLease killed = create(store, new_job(kKilledJob));
  add(store, killed, pictures(60, 3));
  finish(store, killed);
  work(store, killed, clock.now());
}

bool same(const Image& a, const Image& b) {
  return a.id == b.id && a.name == b.name && a.drive_id == b.drive_id && a.size_bytes == b.size_bytes &&
         a.mime_type == b.mime_type && a.place == b.place && a.key == b.key && a.etag == b.etag &&
         a.version_id == b.version_id && a.created_at == b.created_at && a.job == b.job &&
         a.folder_path == b.folder_path && a.hashes == b.hashes && a.checksum_verified == b.checksum_verified &&
         a.damaged == b.damaged && a.facts.width == b.facts.width && a.facts.height == b.facts.height &&
         a.facts.taken_at == b.facts.taken_at && a.facts.camera == b.facts.camera &&
         a.facts.latitude == b.facts.latitude && a.facts.longitude == b.facts.longitude &&
         a.drive_modified_at == b.drive_modified_at;
}

bool same(const Item& a, const Item& b) {
  return a.id == b.id && a.drive_id == b.drive_id && a.name == b.name && a.folder_path == b.folder_path &&
         a.size == b.size && a.mime_type == b.mime_type && a.state == b.state && a.reason == b.reason &&
         a.remedy == b.remedy && a.attempts == b.attempts && a.next_try_at == b.next_try_at && a.image == b.image;
}

bool same(const Job& a, const Job& b) {
  const auto counted = [](const JobCounters& c) {
    return std::vector{c.total,     c.imported, c.skipped, c.deduplicated, c.failed,     c.deferred,
                       c.cancelled, c.pending,  c.ignored, c.bytes,        c.total_bytes};
  };
  const auto words = [](const Job& job) { return job.trouble ? job.trouble->message : std::string(); };
  return a.id == b.id && a.folder_url == b.folder_url && a.root.name == b.root.name && a.status == b.status &&
         a.filters.name_glob == b.filters.name_glob && counted(a.counters) == counted(b.counters) &&
         words(a) == words(b) && a.created_at == b.created_at && a.finished_at == b.finished_at && a.epoch == b.epoch;
}

void check_same(MetadataStore& source, MetadataStore& target, HandClock& clock) {
  const auto images = all_images(source);
  const auto copied = all_images(target);
  REQUIRE(images.size() == copied.size());
  std::size_t different = 0;
  for (std::size_t i = 0; i < images.size(); ++i) different += !same(images[i], copied[i]);
  CHECK(different == 0);
  const auto jobs = get(source.jobs(kCall, JobId(), 100));
  const auto copied_jobs = get(target.jobs(kCall, JobId(), 100));
  REQUIRE(jobs.size() == copied_jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) CHECK(same(jobs[i], copied_jobs[i]));
  const JobLease lease{jobs[1].id, jobs[1].epoch};
  const auto items = all_items(source, lease);
  const auto copied_items = all_items(target, lease);
  REQUIRE(items.size() == copied_items.size());
  for (std::size_t i = 0; i < items.size(); ++i) CHECK(same(items[i], copied_items[i]));
  for (const ImageQuery& query :
       {ImageQuery{.folder = "year 7"}, ImageQuery{.camera = "Camera 3", .taken_after = "2010-01-01"},
        ImageQuery{.text = "sunset"}, ImageQuery{.folder = "odd"}}) {
    CHECK(get(target.page(kCall, query, 2, 10)).total == get(source.page(kCall, query, 2, 10)).total);
    CHECK(ids_of(get(target.walk(kCall, query, ImageId(0), 200))) ==
          ids_of(get(source.walk(kCall, query, ImageId(0), 200))));
  }
  CHECK(folder_tree(target) == folder_tree(source));
  CHECK(get(target.stats(kCall)).by_provider["local"].images == get(source.stats(kCall)).by_provider["local"].images);
  // The job goes on where it was, and the same object is nobody's.
  CHECK(work(target, lease, clock.now()).size() == work(source, lease, clock.now()).size());
  CHECK(get(target.claim_garbage(kCall, kPlace, 10)) == get(source.claim_garbage(kCall, kPlace, 10)));
  // Nor is it forgotten that workers were at it.
  get(source.cancel_job(kCall, JobId(kKilledJob)));
  get(target.cancel_job(kCall, JobId(kKilledJob)));
  clock.advance(kAbandonedGrace);
  const auto claimed = [](MetadataStore& store) {
    auto keys = get(store.claim_garbage(kCall, kPlace, 10));
    std::sort(keys.begin(), keys.end());
    return keys;
  };
  const auto abandoned = claimed(source);
  CHECK(abandoned.size() >= 3);
  CHECK(claimed(target) == abandoned);
}

}  // namespace

TEST_CASE("a migration that is killed again and again ends with a copy that is the same", "[migrate]") {
  PostgresServer& postgres = PostgresServer::shared();
  const PostgresDatabase target;
  const std::string url = postgres.url(target.name());
  const TempDir data;
  HandClock clock;
  make_deployment(data.path() / "imgimport.db", clock);

  for (const std::int64_t reached : {kImages / 10, kImages / 2}) {
    ChildProcess process(migrate_to(data.path(), url));
    await_images(target.name(), reached);
    process.signal(SIGKILL);
    CHECK(process.wait(10s) == 128 + SIGKILL);
    CHECK_THROWS_WITH(open_sql(url, clock), Catch::Contains("has not ended"));
  }
  // Another deployment does not go on with this one's copy.
  const TempDir other;
  open_sqlite(other.path() / "imgimport.db", clock).reset();
  const Ended foreign = run_migrate(other.path(), url);
  CHECK(foreign.code == 2);
  CHECK_THAT(foreign.errors, Catch::Contains("another deployment's copy"));

  const Ended ended = run_migrate(data.path(), url);
  INFO(ended.errors);
  REQUIRE(ended.code == 0);
  CHECK_THAT(ended.output, Catch::Contains("broken off") && Catch::Contains("agree"));
  const auto source = open_sqlite(data.path() / "imgimport.db", clock);
  const auto copy = open_sql(url, clock);
  check_same(*source, *copy, clock);
  // New rows do not meet the copied ones.
  const JobLease lease = listed(*copy, "new-job", pictures(900'000, 3));
  for (const WorkItem& item : work(*copy, lease, clock.now())) commit(*copy, imported(lease, item));
  CHECK(all_images(*copy).front().id > all_images(*source).front().id);
}

TEST_CASE("a migration that cannot be right is refused in a sentence, and changes nothing", "[migrate]") {
  PostgresServer& postgres = PostgresServer::shared();
  const PostgresDatabase target;
  const std::string url = postgres.url(target.name());
  const HandClock clock;
  const auto refused = [&](const std::filesystem::path& data, const std::string& to, const std::string& words) {
    const Ended ended = run_migrate(data, to);
    INFO(ended.errors);
    CHECK(ended.code == 2);
    CHECK(ended.output.empty());
    CHECK_THAT(ended.errors, Catch::Contains(words));
    CHECK(ended.errors.find(postgres.password()) == std::string::npos);
  };
  const TempDir data;
  const auto path = data.path() / "imgimport.db";
  refused(data.path(), url, "no file");
  {
    const auto running = open_sqlite(path, clock);
    listed(*running, "job-1", pictures(1, 3));
    refused(data.path(), url, "Stop the server first");
  }
  refused(data.path(), "sqlite:///other.db", "must name a database server");
  refused(data.path(), "postgresql://nobody:wrong@127.0.0.1:" + std::to_string(postgres.port()) + "/" + target.name(),
          "user and password in --to");
  refused(data.path(), "postgresql://nobody:wrong%zz@127.0.0.1/x", "--to has a %");
  refused(data.path(), "postgresql://nobody:wrong@127.0.0.1:1/x", "Check that the server is up and can be reached.\n");
  {
    const PostgresDatabase used;
    const auto store = open_sql(postgres.url(used.name()), clock);
    listed(*store, "job-9", pictures(1, 3));
    refused(data.path(), postgres.url(used.name()), "holds data already: 1 jobs, 0 images");
    CHECK(get(store->jobs(kCall, JobId(), 10)).size() == 1);
  }
  CHECK(run_migrate(data.path(), url).code == 0);
  refused(data.path(), url, "holds data already");
  SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version=999");
  refused(data.path(), url, "newer imgimport");
}
