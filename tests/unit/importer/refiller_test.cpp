#include "importer/refiller.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/system_clock.hpp"
#include "fakes/memory_metadata_store.hpp"
#include "metadata/sqlite/store.hpp"
#include "queue/in_process_queue.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;

namespace {

constexpr std::chrono::milliseconds kTtl{60'000};

// Tells how often it was asked to group, and what happens just before it does.
class GroupingStore : public MemoryMetadataStore {
 public:
  using MemoryMetadataStore::MemoryMetadataStore;
  Result<std::vector<BatchId>> group_due(const CallContext& context, const JobLease& lease, Timestamp now,
                                         std::size_t batch_size, std::size_t limit) override {
    ++groupings;
    if (before) std::exchange(before, nullptr)();
    return MemoryMetadataStore::group_due(context, lease, now, batch_size, limit);
  }
  int groupings = 0;
  std::function<void()> before;
};

struct Bench {
  TempDir dir;
  SystemClock clock;
  std::unique_ptr<MetadataStore> store;
  InProcessQueue queue{64};
  CallContext context;

  Bench() {
    SqliteOptions options;
    options.path = (dir.path() / "test.db").string();
    auto opened = SqliteMetadataStore::open(options, clock);
    REQUIRE(opened.has_value());
    store = *std::move(opened);
  }

  GroupingStore& use_grouping_store() {
    auto grouping = std::make_unique<GroupingStore>(clock);
    GroupingStore& it = *grouping;
    store = std::move(grouping);
    return it;
  }

  JobLease listing_job(const std::string& id) {
    NewJob job;
    job.id = JobId(id);
    job.root.id = DriveId("root-" + id);
    job.root.name = "root";
    const auto created = store->create_job(context, job, "me", kTtl);
    REQUIRE(created.has_value());
    return {job.id, created->job.epoch};
  }

  // Images number `from` up to but not including `to`.
  void add_page(const JobLease& lease, int from, int to) {
    ListedPage page;
    page.folder = DriveId("root-" + lease.job.value());
    for (int i = from; i < to; ++i) {
      NewItem item;
      item.file.id = DriveId(lease.job.value() + "-" + std::to_string(i));
      item.file.name = "x.jpg";
      item.key = ObjectKey("k/" + item.file.id.value());
      page.items.push_back(item);
    }
    REQUIRE(store->add_page(context, lease, page, 10).has_value());
  }

  JobLease job_with(const std::string& id, int images) {
    JobLease lease = listing_job(id);
    add_page(lease, 0, images);
    REQUIRE(store->finish_listing(context, lease).has_value());
    return lease;
  }

  // Whatever the batch still holds comes back at `due`.
  void put_off(const BatchRef& batch, Timestamp due) {
    const auto opened = store->open_batch(context, batch, {"local", "", ""});
    REQUIRE(opened.has_value());
    std::vector<Outcome> outcomes;
    for (const WorkItem& item : opened->items) {
      Outcome outcome;
      outcome.job = batch.job;
      outcome.item = item.id;
      outcome.not_before = due;
      outcomes.push_back(outcome);
    }
    REQUIRE(store->commit(context, outcomes, {"local", "", ""}).has_value());
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
  bench.put_off(batches[0], now + std::chrono::hours(1));
  CHECK(refiller.top_up(bench.context, now)->pushed == 0);
  CHECK(refiller.top_up(bench.context, now + std::chrono::minutes(61))->pushed == 1);
}

TEST_CASE("nothing is grouped, which is a write, before something is due") {
  Bench bench;
  const GroupingStore& store = bench.use_grouping_store();
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  refiller.add(bench.job_with("a", 13));
  const Timestamp now = bench.clock.now();
  CHECK(refiller.top_up(bench.context, now)->pushed == 2);
  CHECK(store.groupings == 1);
  for (const BatchRef& batch : bench.drain()) bench.put_off(batch, now + std::chrono::hours(1));
  for (int tick = 0; tick < 3; ++tick) CHECK(refiller.top_up(bench.context, now)->pushed == 0);
  CHECK(store.groupings == 1);
  CHECK(refiller.top_up(bench.context, now + std::chrono::hours(1))->pushed == 2);
}

TEST_CASE("batches that a listing brings while a remainder is grouped are not passed over") {
  Bench bench;
  GroupingStore& store = bench.use_grouping_store();
  Refiller refiller(options_with(8), *bench.store, bench.queue);
  const JobLease lease = bench.listing_job("a");
  bench.add_page(lease, 0, 13);
  store.before = [&] { bench.add_page(lease, 13, 33); };
  refiller.add(lease);
  REQUIRE(refiller.top_up(bench.context, bench.clock.now()).has_value());
  std::size_t items = 0;
  for (const BatchRef& batch : bench.drain()) {
    items += bench.store->open_batch(bench.context, batch, {"local", "", ""})->items.size();
  }
  CHECK(items == 33);
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
