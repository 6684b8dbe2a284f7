// What only a store on a database server can meet: connections that die, processes that start together, refusals.
#include <libpq-fe.h>
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "contract/metadata_store_search_check.hpp"
#include "db/sql_pool.hpp"
#include "support/many_images.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

SqlStoreOptions options_for(const std::string& url) {
  SqlStoreOptions options;
  options.target = get(db::parse_sql_url(url));
  return options;
}

Error refusal(const SqlStoreOptions& options) {
  const HandClock clock;
  auto opened = SqlMetadataStore::open(options, clock);
  if (opened.has_value()) throw std::runtime_error("it was opened");
  return std::move(opened).error();
}

// Ends one of the database's connections every now and then, so many times.
class Terminator {
 public:
  Terminator(const std::string& database, int times)
      : thread_([this, database, times](std::stop_token stop) {
          std::mutex mutex;
          std::condition_variable_any never;
          std::unique_lock lock(mutex);
          while (ended_ < times && !stop.stop_requested()) {
            ended_ += PostgresServer::shared().terminate_connections(database, 1);
            never.wait_for(lock, stop, 10ms, [] { return false; });
          }
        }) {}
  int stop() {
    thread_.request_stop();
    thread_.join();
    return ended_;
  }

 private:
  std::atomic<int> ended_ = 0;
  std::jthread thread_;
};

// A transaction of somebody else's that holds the rows of a table.
class Blocker {
 public:
  Blocker(const std::string& database, const char* lock)
      : pg_(PQconnectdb(PostgresServer::shared().url(database).c_str())) {
    PQclear(PQexec(pg_, "BEGIN"));
    PQclear(PQexec(pg_, lock));
  }
  ~Blocker() { PQfinish(pg_); }
  Blocker(const Blocker&) = delete;
  Blocker& operator=(const Blocker&) = delete;

 private:
  PGconn* pg_;
};

}  // namespace

TEMPLATE_TEST_CASE("connections that die in the middle of commits cost nothing but time", "[metadata]",
                   METADATA_SERVERS) {
  TestType backend;
  MetadataStore& store = backend.store;
  constexpr std::int64_t kItems = 2'000;
  const JobLease lease = create(store, new_job("job-1"));
  Terminator terminator(backend.database.name(), 40);
  std::int64_t added = 0;
  CallContext patient;
  for (std::int64_t first = 1; first <= kItems; first += 100) {
    ListedPage page{DriveId("root"), pictures(first, 100), {}, "more"};
    PendingFolder folder;
    folder.folder.id = DriveId("folder-" + std::to_string(first));
    page.subfolders.push_back(folder);
    const auto result = get(store.add_page(patient.with_timeout(60s), lease, page, 50));
    added += result.items;
    // Should the connection die while the page is committed, the answer is that of the commit, not of a repetition.
    CHECK(result.folders.size() == 1);
  }
  CHECK(added == kItems);
  for (const auto& folder : get(store.pending_folders(patient.with_timeout(60s), lease.job, 1000))) {
    get(store.add_page(patient.with_timeout(60s), lease, {folder.folder.id, {}, {}, std::nullopt}, 50));
  }
  get(store.finish_listing(patient.with_timeout(60s), lease));
  const auto batches = get(store.ready_batches(patient.with_timeout(60s), lease, BatchId(0), 1000));
  CHECK(batches.size() == kItems / 50);
  std::atomic<std::size_t> next = 0;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> workers;
    for (int n = 0; n < 4; ++n) {
      workers.emplace_back([&] {
        for (std::size_t i = next++; i < batches.size(); i = next++) {
          const CallContext call = patient.with_timeout(60s);
          const auto batch = store.open_batch(call, {lease.job, batches[i]}, kPlace);
          std::vector<Outcome> outcomes;
          if (batch.has_value()) {
            for (const WorkItem& item : batch->items) outcomes.push_back(imported(lease, item));
          }
          if (!batch.has_value() || !store.commit(call, outcomes, kPlace).has_value()) ++failures;
        }
      });
    }
  }
  CHECK(terminator.stop() > 10);
  CHECK(failures == 0);
  const Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.imported == kItems);
  CHECK(counts_match(store, lease));
  CHECK(get(store.stats(kCall)).by_provider["local"].images == kItems);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("a call that waits for a lock ends with its deadline or its caller", "[metadata]",
                   METADATA_SERVERS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  {
    const Blocker blocker(backend.database.name(), "SELECT 1 FROM jobs FOR UPDATE");
    CHECK(code_of(store.cancel_job(kCall.with_timeout(300ms), lease.job)) == ErrorCode::kDeadlineExceeded);
    std::stop_source stop;
    CallContext stopped;
    stopped.stop = stop.get_token();
    Result<Job> result = Error(ErrorCode::kInternal, "");
    {
      const std::jthread waiting([&] { result = store.cancel_job(stopped, lease.job); });
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, 100ms);  // most likely it waits for the row by then; if not, it is refused at once
      stop.request_stop();
    }
    CHECK(code_of(result) == ErrorCode::kCancelled);
    CHECK(get(store.job(kCall, lease.job)).status == JobStatus::kListing);
  }
  CHECK(get(store.cancel_job(kCall, lease.job)).status == JobStatus::kCancelled);
}

TEST_CASE("five stores that open an empty database at once share the work", "[metadata]") {
  for (const bool odbc : {false, true}) {
    const PostgresDatabase database;
    PostgresServer& server = PostgresServer::shared();
    const std::string url = odbc ? server.odbc_url(database.name()) : server.url(database.name());
    const HandClock clock;
    std::array<std::string, 5> troubles;
    {
      std::vector<std::jthread> openers;
      for (std::string& trouble : troubles) {
        openers.emplace_back([&] {
          auto opened = SqlMetadataStore::open(options_for(url), clock);
          trouble = opened.has_value() ? "" : opened.error().message();
          if (opened.has_value() && !(*opened)->jobs(kCall, JobId(), 1).has_value()) trouble = "no jobs";
        });
      }
    }
    for (const std::string& trouble : troubles) CHECK(trouble == "");
    CHECK(server.execute(database.name(), "SELECT version FROM imgimport_schema") == "1\n2\n3\n");
  }
}

TEST_CASE("a server forgets batches that were begun once nothing in them is pending, or their job stops",
          "[metadata]") {
  PostgresBackend backend;
  MetadataStore& store = backend.store;
  const auto begun = [&] {
    const auto text = PostgresServer::shared().execute(backend.database.name(), "SELECT count(*) FROM begun_batches");
    return text.substr(0, text.find('\n'));
  };
  const JobLease done = listed(store, "job-1", pictures(1, 3));
  for (const WorkItem& item : work(store, done, backend.clock.now())) commit(store, imported(done, item));
  const JobLease failed = listed(store, "job-2", pictures(11, 3));
  const JobLease cancelled = listed(store, "job-3", pictures(21, 3));
  const JobLease open = listed(store, "job-4", pictures(31, 3));
  for (const JobLease& lease : {failed, cancelled, open}) work(store, lease, backend.clock.now());
  CHECK(begun() == "4");
  get(store.claim_garbage(kCall, kPlace, 10));
  CHECK(begun() == "3");
  get(store.fail_job(kCall, failed, {"r", "m", "d"}));
  get(store.cancel_job(kCall, cancelled.job));
  CHECK(begun() == "1");
}

TEST_CASE("what lists are found by is made up for the records of an older program's server", "[metadata]") {
  PostgresServer& server = PostgresServer::shared();
  const PostgresDatabase database(postgres_template());
  fill_postgres(server, database.name(), 200);
  const HandClock clock;
  const auto store = open_sql(server.url(database.name()), clock);
  CHECK(all_images(*store).size() == 200);
  CHECK(lists_agree(*store));
  get(store->begin_delete(kCall, ImageId(77)));
  CHECK(lists_agree(*store));
}

TEST_CASE("a database of a newer program, or another one's, is refused and left alone", "[metadata]") {
  PostgresServer& server = PostgresServer::shared();
  {
    const PostgresDatabase database(postgres_template());
    server.execute(database.name(), "INSERT INTO imgimport_schema VALUES (99)");
    const Error error = refusal(options_for(server.url(database.name())));
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(error.reason() == "newer_schema");
    CHECK(error.message().find("99") != std::string::npos);
  }
  const PostgresDatabase database;
  server.execute(database.name(), "CREATE TABLE jobs (mine text)");
  const Error error = refusal(options_for(server.url(database.name())));
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "foreign_database");
  CHECK(server.execute(database.name(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1\n");
}

TEST_CASE("refusals of the server name the setting, and never the password", "[metadata]") {
  PostgresServer& server = PostgresServer::shared();
  const PostgresDatabase database;
  for (const bool odbc : {false, true}) {
    INFO("odbc " << odbc);
    SqlStoreOptions good = options_for(odbc ? server.odbc_url(database.name()) : server.url(database.name()));
    SqlStoreOptions options = good;
    options.target.password = "not-the-password";
    Error error = refusal(options);
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(error.reason() == "database_login_refused");
    CHECK(error.remedy().find("DATABASE_URL") != std::string::npos);
    CHECK(error.message().find("not-the-password") == std::string::npos);
    options = good;
    options.target.database = "nowhere";
    CHECK(refusal(options).reason() == "no_such_database");
    options = good;
    options.target.host = "no-such-host.invalid";
    options.open_limit = 3s;
    error = refusal(options);
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(error.reason() == "unknown_database_host");
    options = good;
    options.target.port = 1;
    options.open_limit = 500ms;
    CHECK(refusal(options).code() == ErrorCode::kUnavailable);
  }
  server.execute("postgres",
                 "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN"
                 " CREATE ROLE reader LOGIN PASSWORD 'only-reads'; END IF; END $$");
  SqlStoreOptions options = options_for(server.url(database.name()));
  options.target.user = "reader";
  options.target.password = "only-reads";
  const Error error = refusal(options);
  CHECK(error.reason() == "database_permission");
}

TEST_CASE("while the server is away, callers are told so and no more, and the first call afterwards works",
          "[metadata]") {
  PostgresServer server;
  for (const bool odbc : {false, true}) {
    INFO("odbc " << odbc);
    const std::string database = server.create_database();
    SqlStoreOptions options = options_for(odbc ? server.odbc_url(database) : server.url(database));
    options.pool.retry_limit = 100ms;
    const HandClock clock;
    const auto store = get(SqlMetadataStore::open(options, clock));
    // Several connections, all of which die.
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < 4; ++i) callers.emplace_back([&] { (void)store->jobs(kCall, JobId(), 1).has_value(); });
    }
    // This server's last commits may be lost with it; and its children live on for a moment.
    server.execute("postgres", "CHECKPOINT");
    server.terminate_connections(database);
    server.kill();
    for (int i = 0; i < 3; ++i) {
      const auto answer = store->jobs(kCall, JobId(), 1);
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().code() == ErrorCode::kUnavailable);
      CHECK(answer.error().reason() == "database_unavailable");
      CHECK(answer.error().message() == "the metadata database is not available");
      CHECK(answer.error().remedy() == "It is tried again; see /health");
    }
    // Who opens it is told all.
    options.open_limit = 100ms;
    const Error opening = refusal(options);
    CHECK(opening.message().find(std::to_string(server.port())) != std::string::npos);
    CHECK(opening.remedy().find("check that the server is up") != std::string::npos);
    server.start();
    for (int i = 0; i < 3; ++i) CHECK(store->jobs(kCall, JobId(), 1).has_value());
  }
}

TEST_CASE("a server that hangs holds no call for ever, and works again when it goes on", "[metadata]") {
  PostgresServer server;
  SqlStoreOptions options = options_for(server.url(server.create_database()));
  options.pool.retry_limit = 100ms;
  const HandClock clock;
  const auto store = get(SqlMetadataStore::open(options, clock));
  REQUIRE(store->jobs(kCall, JobId(), 1).has_value());
  server.freeze();
  // The first waits on a connection that is open, the others on new ones; at once, so that none waits for another.
  std::vector<std::optional<Error>> errors(4);
  {
    std::vector<std::jthread> callers;
    for (auto& error : errors) {
      callers.emplace_back([&] {
        const auto answer = store->jobs(kCall.with_timeout(300ms), JobId(), 1);
        if (!answer.has_value()) error = answer.error();
      });
    }
  }
  for (const auto& error : errors) {
    REQUIRE(error.has_value());
    INFO(error->message());
    CHECK(error->is_transient());
  }
  server.thaw();
  CHECK(store->jobs(kCall, JobId(), 1).has_value());
}

TEST_CASE("a pool keeps so many connections, opens more under load and closes those again", "[metadata]") {
  const PostgresDatabase database;
  const auto target = get(db::parse_sql_url(PostgresServer::shared().url(database.name())));
  db::SqlPool pool(target, {.keep = 2, .overflow = 3});
  {
    std::vector<db::SqlPool::Loan> loans;
    for (int i = 0; i < 5; ++i) {
      auto [loan, verdict] = pool.borrow(kCall);
      REQUIRE(loan);
      loans.push_back(std::move(*loan));
    }
    CHECK(pool.open_connections() == 5);
    const CallContext hurried = kCall.with_timeout(100ms);
    const auto [none, verdict] = pool.borrow(hurried);
    CHECK_FALSE(none);
    CHECK(verdict.error.code() == ErrorCode::kUnavailable);
    CHECK(verdict.error.reason() == "database_busy");
  }
  CHECK(pool.open_connections() == 2);
  // A dead one is noticed and replaced before it is lent.
  CHECK(PostgresServer::shared().terminate_connections(database.name()) == 2);
  db::SqlPool impatient(target, {.keep = 2, .overflow = 0, .ping_after = 0ms});
  { CHECK(impatient.borrow(kCall).first); }
  CHECK(PostgresServer::shared().terminate_connections(database.name()) >= 1);
  auto [loan, verdict] = impatient.borrow(kCall);
  REQUIRE(loan);
  CHECK((*loan)->integer("SELECT 42") == 42);
}
