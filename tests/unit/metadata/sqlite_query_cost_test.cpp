// Every query of the SQLite store costs what its page costs, not what the tables hold: the steps of SQLite's machine
// are counted for each statement, on a small and on a large store.
#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <string>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

struct Cost {
  int steps = 0;    // of the most expensive run
  int scanned = 0;  // rows stepped over without an index, all runs together
};

// Sees every statement of every connection opened while it lives.
class StatementLog {
 public:
  StatementLog() {
    const std::lock_guard lock(mutex_);
    costs_.clear();
    sqlite3_auto_extension(entry_point());
  }
  ~StatementLog() { sqlite3_cancel_auto_extension(entry_point()); }

  // What was logged since the last call.
  std::map<std::string, Cost> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(costs_, {});
  }

 private:
  static void (*entry_point())() { return reinterpret_cast<void (*)()>(&StatementLog::on_open); }

  static int on_open(sqlite3* database, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, &StatementLog::on_finished, nullptr);
  }

  static int on_finished(unsigned, void*, void* finished, void*) {
    auto* statement = static_cast<sqlite3_stmt*>(finished);
    const std::lock_guard lock(mutex_);
    Cost& cost = costs_[sqlite3_sql(statement)];
    cost.steps = std::max(cost.steps, sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1));
    cost.scanned += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    return 0;
  }

  static inline std::mutex mutex_;
  static inline std::map<std::string, Cost> costs_;
};

// One of each call, with the same page sizes however much the store holds.
void use_everything(MetadataStore& store, const JobLease& full, HandClock& clock) {
  get(store.ping(kCall));
  get(store.job(kCall, full.job));
  get(store.jobs(kCall, JobId(), 10));
  get(store.unfinished_jobs(kCall));
  get(store.items(kCall, {full.job, std::nullopt, ItemId(0), 20}));
  get(store.items(kCall, {full.job, ItemState::kFailed, ItemId(0), 20}));
  get(store.items(kCall, {full.job, ItemState::kImported, ItemId(20), 20}));
  get(store.page(kCall, {}, 2, 20));
  get(store.page(kCall, {"local", "", JobId()}, 2, 20));
  get(store.walk(kCall, {}, ImageId(40), 20));
  get(store.walk(kCall, {"local", "", JobId()}, ImageId(40), 20));
  get(store.walk(kCall, {"local", "", full.job}, ImageId(40), 20));
  for (const ImageQuery& query :
       {ImageQuery{.folder = "year 3"}, ImageQuery{.camera = "Camera 1"}, ImageQuery{.text = "to 1177"},
        ImageQuery{.taken_after = "2003-05-06", .taken_before = "2003-05-06"},
        ImageQuery{.taken_after = "2003-05-06", .taken_before = "2005-02-01"},
        ImageQuery{.storage_provider = "local", .folder = "year 3"}}) {
    get(store.page(kCall, query, 2, 20));
    get(store.walk(kCall, query, ImageId(1'500), 20));
  }
  get(store.folders(kCall, {"", "", 20}));
  get(store.folders(kCall, {"year 3", "", 20}));
  get(store.cameras(kCall, {"", "Camera 0", 20}));
  const auto images = get(store.job_images(kCall, full.job, ItemId(0), 20));
  get(store.image(kCall, images[0].image.id));
  get(store.stats(kCall));

  const std::string name = "use-" + std::to_string(clock.now().time_since_epoch().count());
  NewJob wanted = new_job(name);
  wanted.idempotency_key = name;
  const JobLease lease = create(store, wanted);
  get(store.create_job(kCall, wanted, "other", 30s));
  get(store.renew_leases(kCall, std::vector{lease}, 30s));
  std::vector<NewItem> items = pictures(1, 20);
  for (NewItem& item : pictures(5'000'000, 20)) items.push_back(item);
  items[3].file.hashes.md5 = hex_of(999'999, 32);
  add(store, lease, items, 20);
  add(store, lease, items, 20);
  get(store.restart_folder(kCall, lease, DriveId("root")));
  get(store.pending_folders(kCall, lease.job, 10));
  finish(store, lease);
  get(store.warn_job(kCall, lease, {"r", "m", "d"}));
  const auto opened = work(store, lease, clock.now());
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (opened[i].known) {
      const ItemState state = i % 2 == 0 ? ItemState::kSkipped : ItemState::kDeduplicated;
      commit(store, relying_on(lease, opened[i].id, state, opened[i].known->id));
    } else {
      Outcome outcome = imported(lease, opened[i]);
      outcome.stored->key = ObjectKey(outcome.stored->key.value() + name);
      commit(store, outcome);
    }
  }
  get(store.next_due(kCall, full.job));
  get(store.group_due(kCall, full, clock.now(), 20, 1));
  get(store.ready_batches(kCall, full, BatchId(0), 5));
  const auto relied_on = get(store.job_images(kCall, lease.job, ItemId(0), 100));
  std::vector<JobStore::Damage> damages;
  for (const auto& [item, image] : relied_on) damages.push_back({item, image.id, image.key, "object_missing", "retry"});
  get(store.report_damage(kCall, lease.job, damages));
  get(store.retry_job(kCall, lease.job));
  for (const WorkItem& item : work(store, lease, clock.now())) {
    if (item.known) continue;
    commit(store, imported(lease, item));
  }
  const JobLease stopped = listed(store, name + "-stopped", pictures(6'000'000, 20));
  for (const WorkItem& item : work(store, stopped, clock.now())) {
    Outcome outcome = outcome_of(stopped, item.id, ItemState::kPending);
    outcome.perhaps_stored = item.key;
    commit(store, outcome);
    break;
  }
  get(store.fail_job(kCall, stopped, {"r", "m", "d"}));
  get(store.cancel_job(kCall, stopped.job));
  const auto deleted = get(store.walk(kCall, {}, ImageId(0), 1)).at(0).id;
  get(store.begin_delete(kCall, deleted));
  get(store.finish_delete(kCall, deleted));
  const auto garbage = get(store.claim_garbage(kCall, kPlace, 10));
  get(store.forget_garbage(kCall, kPlace, garbage));
  clock.advance(10min);
}

// A job of `count` items: nine tenths imported, a few failed, deferred and pending, some batches still to do.
JobLease fill(MetadataStore& store, HandClock& clock, std::int64_t count) {
  const JobLease lease = create(store, new_job("full"));
  for (std::int64_t n = 0; n < count; n += 1000) {
    std::vector<NewItem> items = pictures(n, 1000);
    for (std::size_t i = 0; i < items.size(); ++i) {
      // As many to a folder, of a camera and of a day, however many there are in all.
      const std::string part = std::to_string((static_cast<std::size_t>(n) + i) / 100);
      items[i].folder_path = "year " + part + "/album";
      items[i].file.image.camera = "Camera " + part;
      items[i].file.image.taken_at = std::to_string(2000 + (static_cast<std::size_t>(n) + i) / 100) + "-05-06T01:02:03";
    }
    add(store, lease, std::move(items));
  }
  finish(store, lease);
  const auto opened = work(store, lease, clock.now());
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i + 400 < opened.size(); ++i) {
    outcomes.push_back(imported(lease, opened[i]));
    if (i % 50 == 7) outcomes.back() = outcome_of(lease, opened[i].id, ItemState::kFailed);
    if (i % 50 == 8) {
      outcomes.back() = outcome_of(lease, opened[i].id, ItemState::kDeferred);
      outcomes.back().not_before = clock.now() + 240h;
    }
    if (i % 50 == 9) outcomes.back() = outcome_of(lease, opened[i].id, ItemState::kPending);
  }
  get(store.commit(kCall, outcomes, kPlace));
  return lease;
}

std::map<std::string, Cost> costs_with(std::int64_t items) {
  StatementLog log;
  SqliteBackend backend;
  const JobLease full = fill(backend.store, backend.clock, items);
  use_everything(backend.store, full, backend.clock);  // once, so that the second time all are prepared
  log.take();
  use_everything(backend.store, full, backend.clock);
  return log.take();
}

}  // namespace

TEST_CASE("no query scans items or images, or costs more as the tables grow", "[metadata][sqlite]") {
  const auto small = costs_with(2'000);
  const auto large = costs_with(12'000);
  CHECK(small.size() > 50);
  for (const auto& [sql, cost] : large) {
    INFO(sql);
    REQUIRE(small.count(sql) == 1);
    CHECK(cost.steps <= small.at(sql).steps * 3 / 2 + 200);
    CHECK(cost.scanned < 100);
  }
}
