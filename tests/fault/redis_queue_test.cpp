// RedisQueue when workers die, batches kill them, and Redis is emptied, restarted, or away.
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/system_clock.hpp"
#include "importer/refiller.hpp"
#include "metadata/sqlite/store.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using std::chrono::milliseconds;

namespace {

const CallContext kNow;
const std::string kStream = "imgimport:{queue}:batches";
const JobId kJob("5f0c7a52-7b1e-4c52-9a35-0d9a4f6d2b11");

CallContext patient() {
  return CallContext{}.with_timeout(std::chrono::seconds(60));
}
CallContext brief(milliseconds time = milliseconds(50)) {
  return CallContext{}.with_timeout(time);
}

BatchRef batch(std::int64_t number) {
  return {kJob, BatchId(number)};
}
std::vector<BatchRef> batches(std::int64_t first, std::int64_t count) {
  std::vector<BatchRef> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(batch(first + i));
  return all;
}

// A Redis, and workers on it, each with a client of its own.
struct Bench {
  RedisServer server;
  RedisClient client{server.options()};

  struct Worker {
    std::unique_ptr<RedisClient> client;
    std::unique_ptr<RedisQueue> queue;  // goes first
    RedisQueue* operator->() const { return queue.get(); }
  };
  static RedisQueueOptions options(const std::string& name) {
    RedisQueueOptions options;
    options.consumer = name + "#1";
    options.capacity = 64;
    options.look_around = milliseconds(10);
    return options;
  }
  Worker worker(const RedisQueueOptions& options) const {
    RedisOptions redis = server.options();
    redis.command_timeout = redis.connect_timeout = milliseconds(200);
    Worker made;
    made.client = std::make_unique<RedisClient>(redis);
    made.queue = std::make_unique<RedisQueue>(options, *made.client);
    return made;
  }

  // What a process would have that leased so many and died.
  void lease_and_die(const std::string& name, int count) {
    const auto read = client.run(
        kNow, {"XREADGROUP", "GROUP", "workers", name, "COUNT", std::to_string(count), "STREAMS", kStream, ">"});
    REQUIRE(read.has_value());
    REQUIRE(read->at(0).at(1).elements.size() == static_cast<std::size_t>(count));
  }
  std::int64_t number(const RedisCommand& command) { return client.run(kNow, command).value().integer; }
};

void await_redis(RedisQueue& queue) {
  const CallContext context = patient();
  while (!queue.stats(context).has_value()) REQUIRE(context.check().has_value());
}

}  // namespace

TEST_CASE("a worker takes one batch at a time: two that ask in turn get as much", "[redis]") {
  const Bench bench;
  const auto import = bench.worker(Bench::options("import"));
  const std::array workers = {bench.worker(Bench::options("worker0")), bench.worker(Bench::options("worker1"))};
  constexpr std::int64_t kBatches = 60;
  REQUIRE(import->push(kNow, batches(1, kBatches)).value() == kBatches);
  for (std::int64_t taken = 0; taken < kBatches; ++taken) {
    const auto& worker = workers.at(static_cast<std::size_t>(taken % 2));
    // One that held more than it works on would leave the other none.
    const auto lease = worker->lease(patient());
    REQUIRE(lease.has_value());
    REQUIRE(lease->has_value());
    REQUIRE(worker->ack(kNow, **lease).has_value());
  }
}

TEST_CASE("what a dead worker held is handed out again when its lease has run out", "[redis]") {
  Bench bench;
  auto options = Bench::options("worker");
  options.lease_time = milliseconds(100);
  const auto worker = bench.worker(options);
  REQUIRE(worker->push(kNow, batches(1, 5)).value() == 5);
  bench.lease_and_die("elsewhere#1", 3);
  std::set<std::int64_t> seen;
  while (seen.size() < 5) {
    const auto lease = worker->lease(patient()).value();
    REQUIRE(lease);
    CHECK(seen.insert(lease->batch.batch.value()).second);
    CHECK(worker->ack(kNow, *lease).has_value());
  }
  CHECK(worker->stats(kNow).value().leased == 0);
  CHECK(bench.number({"XLEN", kStream}) == 0);
}

TEST_CASE("a lease that is renewed stays, one that is not goes to another", "[redis]") {
  const Bench bench;
  auto options = Bench::options("first");
  options.lease_time = milliseconds(500);
  const auto first = bench.worker(options);
  options.consumer = "second#1";
  const auto second = bench.worker(options);
  REQUIRE(first->push(kNow, batches(1, 1)).value() == 1);
  const auto lease = *first->lease(patient()).value();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(first->renew(kNow, lease).has_value());
    REQUIRE_FALSE(second->lease(brief()).value());
  }
  const auto taken = *second->lease(patient()).value();
  CHECK(taken.batch == lease.batch);
  CHECK(first->renew(kNow, lease).error().code() == ErrorCode::kConflict);
  CHECK(second->renew(kNow, taken).has_value());
  // Whoever finishes it first: done is done.
  CHECK(first->ack(kNow, lease).has_value());
  CHECK(first->stats(kNow).value().leased == 0);
  CHECK(second->renew(kNow, taken).error().code() == ErrorCode::kConflict);
  CHECK(second->ack(kNow, taken).has_value());
}

TEST_CASE("a worker that ends gives back what it has not finished", "[redis]") {
  Bench bench;
  const auto second = bench.worker(Bench::options("second"));
  {
    const auto first = bench.worker(Bench::options("first"));
    REQUIRE(first->push(kNow, batches(1, 3)).value() == 3);
    const auto done = *first->lease(patient()).value();
    REQUIRE(first->lease(patient()).value());
    CHECK(first->ack(kNow, done).has_value());
  }
  CHECK(second->stats(kNow).value().waiting == 2);
  CHECK(second->lease(patient()).value()->batch == batch(3));
  CHECK(second->lease(patient()).value()->batch == batch(2));
  CHECK(bench.client.run(kNow, {"XINFO", "CONSUMERS", kStream, "workers"}).value().elements.size() == 1);
}

TEST_CASE("who asks for batches is counted as a worker, though there are none; who has ended or is silent is not",
          "[redis]") {
  Bench bench;
  const auto import = bench.worker(Bench::options("import"));
  CHECK(import->stats(kNow).value().workers == 0);
  const auto first = bench.worker(Bench::options("first"));
  CHECK_FALSE(first->lease(brief()).value());
  {
    const auto second = bench.worker(Bench::options("second"));
    CHECK_FALSE(second->lease(brief()).value());
    CHECK(import->stats(kNow).value().workers == 2);
  }
  CHECK(import->stats(kNow).value().workers == 1);
  REQUIRE(import->push(kNow, batches(1, 1)).value() == 1);
  REQUIRE(first->lease(patient()).value());
  CHECK(import->stats(kNow).value().workers == 1);
  // By the clock of one for whom leases run out at once, it is silent.
  auto options = Bench::options("strict");
  options.lease_time = milliseconds(-1);
  const auto strict = bench.worker(options);
  CHECK(strict->stats(kNow).value().workers == 0);
}

TEST_CASE("a batch that outlives no worker is put aside, and may be put in again", "[redis]") {
  Bench bench;
  auto options = Bench::options("worker");
  options.lease_time = milliseconds(1);
  options.max_deliveries = 3;
  const auto worker = bench.worker(options);
  REQUIRE(worker->push(kNow, batches(7, 1)).value() == 1);
  bench.lease_and_die("a#1", 1);
  const auto id = bench.client.run(kNow, {"XPENDING", kStream, "workers", "-", "+", "1"}).value().at(0).at(0).text;
  for (const char* name : {"b#1", "c#1"}) {
    REQUIRE(bench.client.run(kNow, {"XCLAIM", kStream, "workers", name, "0", id}).has_value());
  }
  const std::string dead = "imgimport:{queue}:dead";
  CHECK_FALSE(worker->lease(brief(milliseconds(1'000))).value());
  CHECK(bench.number({"XLEN", dead}) == 1);
  CHECK(worker->stats(kNow).value().leased == 0);
  CHECK(worker->push(kNow, batches(7, 1)).value() == 1);
  CHECK(worker->lease(patient()).value()->batch == batch(7));

  // Put aside for people to look at, not for ever: what came first goes when there are too many.
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(bench.client.run(kNow, {"XADD", dead, "*", "job", kJob.value(), "batch", "1"}).has_value());
  }
  const auto again = bench.client.run(kNow, {"XPENDING", kStream, "workers", "-", "+", "1"}).value().at(0).at(0).text;
  for (const char* name : {"b#1", "c#1"}) {
    REQUIRE(bench.client.run(kNow, {"XCLAIM", kStream, "workers", name, "0", again}).has_value());
  }
  const auto other = bench.worker(options);
  CHECK_FALSE(other->lease(brief(milliseconds(1'000))).value());
  CHECK(bench.number({"XLEN", dead}) < 1'200);
}

TEST_CASE("a batch is in the queue once, however often it is pushed", "[redis]") {
  Bench bench;
  const auto worker = bench.worker(Bench::options("worker"));
  REQUIRE(worker->push(kNow, batches(1, 4)).value() == 4);
  CHECK(worker->push(kNow, batches(1, 6)).value() == 6);
  CHECK(worker->stats(kNow).value().waiting == 6);
  const auto leased = *worker->lease(patient()).value();
  CHECK(worker->push(kNow, batches(1, 1)).value() == 1);  // under way
  CHECK(worker->stats(kNow).value().waiting == 5);
  CHECK(worker->ack(kNow, leased).has_value());
  CHECK(worker->stats(kNow).value().leased == 0);
  CHECK(worker->push(kNow, batches(1, 1)).value() == 1);  // done with: a new round
  CHECK(worker->stats(kNow).value().waiting == 6);
  // The stream is lost and the index is not.
  REQUIRE(bench.client.run(kNow, {"DEL", kStream}).has_value());
  CHECK(worker->push(kNow, batches(1, 6)).value() == 6);
  CHECK(worker->stats(kNow).value().waiting == 6);
  // The stream that follows may give the ids of the index to others.
  const std::string index = "imgimport:{queue}:index";
  const auto id = bench.client.run(kNow, {"HGET", index, kJob.value() + "/1"}).value().text;
  REQUIRE(bench.client.run(kNow, {"DEL", kStream}).has_value());
  REQUIRE(bench.client.run(kNow, {"XADD", kStream, id, "job", kJob.value(), "batch", "99"}).has_value());
  CHECK(worker->push(kNow, batches(1, 1)).value() == 1);
  CHECK(worker->stats(kNow).value().waiting == 2);
}

TEST_CASE("a batch under way that Redis forgot is not begun a second time here", "[redis]") {
  Bench bench;
  const auto worker = bench.worker(Bench::options("worker"));
  REQUIRE(worker->push(kNow, batches(1, 1)).value() == 1);
  const auto lease = *worker->lease(patient()).value();
  const std::string epoch = worker->stats(kNow).value().epoch;
  REQUIRE(bench.client.run(kNow, {"FLUSHALL"}).has_value());
  CHECK(worker->renew(kNow, lease).error().code() == ErrorCode::kConflict);
  CHECK(worker->stats(kNow).value().epoch != epoch);
  REQUIRE(worker->push(kNow, batches(1, 2)).value() == 2);
  const auto next = *worker->lease(patient()).value();
  CHECK(next.batch == batch(2));
  CHECK(worker->stats(kNow).value().leased == 2);
  CHECK(worker->renew(kNow, lease).has_value());
  CHECK(worker->ack(kNow, lease).has_value());
  CHECK(worker->ack(kNow, next).has_value());
  CHECK(worker->stats(kNow).value().leased == 0);
  CHECK(bench.number({"XLEN", kStream}) == 0);
}

TEST_CASE("while Redis is away nothing fits, nothing is leased, and acknowledgements wait", "[redis]") {
  Bench bench;
  auto options = Bench::options("worker");
  options.lease_time = std::chrono::hours(1);
  const auto worker = bench.worker(options);
  REQUIRE(worker->push(kNow, batches(1, 2)).value() == 2);
  const auto lease = *worker->lease(patient()).value();
  bench.server.pause();
  CHECK(worker->lease(patient()).error().code() == ErrorCode::kUnavailable);  // it does arrive, and is answered later
  CHECK(worker->push(kNow, batches(3, 1)).value() == 0);
  CHECK(worker->ack(kNow, lease).has_value());
  CHECK(worker->stats(kNow).error().code() == ErrorCode::kUnavailable);
  bench.server.go_on();
  await_redis(*worker.queue);
  const auto second = *worker->lease(patient()).value();
  CHECK(second.batch == batch(2));
  CHECK(worker->ack(kNow, second).has_value());
  const CallContext context = patient();
  while (worker->stats(context).value().leased > 0) REQUIRE(context.check().has_value());
  CHECK(worker->stats(kNow).value().waiting == 0);

  bench.server.kill();
  std::stop_source stop;
  CallContext stoppable = patient();
  stoppable.stop = stop.get_token();
  std::optional<ErrorCode> code;
  {
    std::jthread waiter([&] {
      for (;;) {
        const auto answer = worker->lease(stoppable);
        if (answer.has_value()) return;
        code = answer.error().code();
        if (*code == ErrorCode::kCancelled) return;
      }
    });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);
}

TEST_CASE("what an emptied or restarted Redis has lost, the refiller puts in again", "[redis]") {
  Bench bench;
  const auto worker = bench.worker(Bench::options("worker"));
  const TempDir dir;
  const SystemClock clock;
  SqliteOptions sqlite;
  sqlite.path = (dir.path() / "test.db").string();
  auto opened = SqliteMetadataStore::open(sqlite, clock);
  REQUIRE(opened.has_value());
  SqliteMetadataStore& store = **opened;
  NewJob job;
  job.id = kJob;
  job.root.id = DriveId("root");
  job.root.name = "root";
  const auto created = store.create_job(kNow, job, "me", std::chrono::minutes(1));
  REQUIRE(created.has_value());
  const JobLease lease{job.id, created->job.epoch};
  ListedPage page;
  page.folder = job.root.id;
  for (int i = 0; i < 100; ++i) {
    NewItem item;
    item.file.id = DriveId("file-" + std::to_string(i));
    item.file.name = "x.jpg";
    item.key = ObjectKey("k/" + item.file.id.value());
    page.items.push_back(item);
  }
  REQUIRE(store.add_page(kNow, lease, page, 10).has_value());
  Refiller refiller({.batch_size = 10, .low_water = 16, .turn = 2}, store, *worker.queue);
  refiller.add(lease);

  const auto waiting = [&] { return worker->stats(kNow).value().waiting; };
  const auto top_up = [&] { REQUIRE(refiller.top_up(kNow, clock.now()).has_value()); };
  top_up();
  CHECK(waiting() == 10);
  const auto leased = *worker->lease(patient()).value();
  top_up();
  CHECK(waiting() == 9);

  REQUIRE(bench.client.run(kNow, {"FLUSHALL"}).has_value());
  top_up();
  CHECK(waiting() == 10);
  top_up();
  CHECK(waiting() == 10);

  bench.server.restart();
  await_redis(*worker.queue);
  top_up();
  CHECK(waiting() == 10);

  // Only the connection was lost: nothing is doubled.
  REQUIRE(bench.client.run(kNow, {"CLIENT", "KILL", "TYPE", "normal"}).has_value());
  await_redis(*worker.queue);
  refiller.rescan(kJob);
  top_up();
  CHECK(waiting() == 10);
  CHECK(worker->ack(kNow, leased).has_value());
}
