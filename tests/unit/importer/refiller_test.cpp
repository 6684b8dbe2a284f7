#include "importer/refiller.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "base/system_clock.hpp"
#include "metadata/sqlite/store.hpp"
#include "queue/in_process_queue.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;

namespace {

constexpr std::chrono::milliseconds kTtl{60'000};

struct Bench {
  TempDir dir;
  SystemClock clock;
  std::unique_ptr<SqliteMetadataStore> store;
  InProcessQueue queue{64};
  CallContext context;

  Bench() {
    SqliteOptions options;
    options.path = (dir.path() / "test.db").string();
    auto opened = SqliteMetadataStore::open(options, clock);
    REQUIRE(opened.has_value());
    store = *std::move(opened);
  }

  JobLease job_with(const std::string& id, int images) {
    NewJob job;
    job.id = JobId(id);
    job.root.id = DriveId("root-" + id);
    job.root.name = "root";
    const auto created = store->create_job(context, job, "me", kTtl);
    REQUIRE(created.has_value());
    const JobLease lease{job.id, created->job.epoch};
    ListedPage page;
    page.folder = job.root.id;
    for (int i = 0; i < images; ++i) {
      NewItem item;
      item.file.id = DriveId(id + "-" + std::to_string(i));
      item.file.name = "x.jpg";
      item.key = ObjectKey("k/" + item.file.id.value());
      page.items.push_back(item);
    }
    REQUIRE(store->add_page(context, lease, page, 10).has_value());
    REQUIRE(store->finish_listing(context, lease).has_value());
    return lease;
  }

  std::vector<BatchRef> drain() {
    std::vector<BatchRef> batches;
    for (;;) {
      auto lease = queue.lease(context.with_timeout(std::chrono::milliseconds(1)));
      REQUIRE(lease.has_value());
      if (!lease->has_value()) return batches;
      batches.push_back((*lease)->batch);
      REQUIRE(queue.ack(context, **lease).has_value());
    }
  }
};

RefillOptions options_with(std::size_t low_water) {
  RefillOptions options;
  options.batch_size = 10;
  options.low_water = low_water;
  options.turn = 2;
  return options;
}

}  // namespace

TEST_CASE("the queue is filled to the low-water mark and no further, in the order of the batches") {
  Bench bench;
  Refiller refiller(options_with(4), *bench.store, bench.queue);
  refiller.add(bench.job_with("a", 100));
  CHECK(refiller.top_up(bench.context, bench.clock.now())->pushed == 4);
  CHECK(refiller.top_up(bench.context, bench.clock.now())->pushed == 0);
  const auto first = bench.drain();
  CHECK(refiller.top_up(bench.context, bench.clock.now())->pushed == 4);
  const auto second = bench.drain();
  REQUIRE(first.size() == 4);
  CHECK(first.back().batch < second.front().batch);
}

TEST_CASE("jobs take turns, so that a small one is not behind a large one") {
  Bench bench;
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  refiller.add(bench.job_with("large", 1'000));
  refiller.add(bench.job_with("small", 20));
  REQUIRE(refiller.top_up(bench.context, bench.clock.now()).has_value());
  std::map<std::string, int> counts;
  for (const BatchRef& batch : bench.drain()) ++counts[batch.job.value()];
  CHECK(counts["small"] == 2);
  CHECK(counts["large"] == 6);
}

TEST_CASE("what a listing left over comes as a smaller batch") {
  Bench bench;
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  refiller.add(bench.job_with("a", 13));
  REQUIRE(refiller.top_up(bench.context, bench.clock.now()).has_value());
  std::vector<std::size_t> sizes;
  for (const BatchRef& batch : bench.drain()) {
    sizes.push_back(bench.store->open_batch(bench.context, batch, {"local", "", ""})->items.size());
  }
  CHECK(sizes == std::vector<std::size_t>{10, 3});
}

TEST_CASE("an item put off comes back when it is due, and not before") {
  Bench bench;
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  refiller.add(bench.job_with("a", 10));
  const Timestamp now = bench.clock.now();
  REQUIRE(refiller.top_up(bench.context, now).has_value());
  const auto batches = bench.drain();
  REQUIRE(batches.size() == 1);
  std::vector<Outcome> outcomes;
  const auto batch = bench.store->open_batch(bench.context, batches[0], {"local", "", ""});
  REQUIRE(batch.has_value());
  for (const WorkItem& item : batch->items) {
    Outcome outcome;
    outcome.job = JobId("a");
    outcome.item = item.id;
    outcome.not_before = now + std::chrono::hours(1);
    outcomes.push_back(outcome);
  }
  REQUIRE(bench.store->commit(bench.context, outcomes, {"local", "", ""}).has_value());
  CHECK(refiller.top_up(bench.context, now)->pushed == 0);
  CHECK(refiller.top_up(bench.context, now + std::chrono::minutes(61))->pushed == 1);
}

TEST_CASE("a queue that forgot everything is filled again after a rescan") {
  Bench bench;
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  const JobLease lease = bench.job_with("a", 20);
  refiller.add(lease);
  REQUIRE(refiller.top_up(bench.context, bench.clock.now())->pushed == 2);
  bench.drain();
  CHECK(refiller.top_up(bench.context, bench.clock.now())->pushed == 0);
  refiller.rescan(lease.job);
  CHECK(refiller.top_up(bench.context, bench.clock.now())->pushed == 2);
}

TEST_CASE("a job that another process took over is reported as lost") {
  Bench bench;
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  const JobLease lease = bench.job_with("a", 20);
  refiller.add(lease);
  REQUIRE(bench.store->claim_job(bench.context, lease.job, lease.epoch, "other", kTtl).has_value());
  const auto round = refiller.top_up(bench.context, bench.clock.now());
  REQUIRE(round.has_value());
  CHECK(round->lost == std::vector<JobId>{lease.job});
}
