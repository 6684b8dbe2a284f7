// Importer and worker together, in one process, over a source and a store in memory and a real journal: what they make
// of trouble on either side.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <new>
#include <stdexcept>

#include "base/metrics.hpp"
#include "base/system_clock.hpp"
#include "fakes/forwarding_queue.hpp"
#include "fakes/memory_object_store.hpp"
#include "fakes/memory_source.hpp"
#include "importer/import_module.hpp"
#include "metadata/discard.hpp"
#include "metadata/sqlite/store.hpp"
#include "queue/in_process_queue.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"
#include "worker/worker_module.hpp"

using namespace imgimport;
using std::chrono::milliseconds;

namespace {

const auto kFarAway = std::chrono::seconds(60);

class FastForward : public SystemClock {
 public:
  Timestamp now() const override { return SystemClock::now() + milliseconds(ahead_.load()); }
  std::chrono::steady_clock::time_point steady_now() const override {
    return SystemClock::steady_now() + milliseconds(ahead_.load());
  }
  void advance(milliseconds by) { ahead_ += by.count(); }

 private:
  std::atomic<std::int64_t> ahead_{0};
};

// Without a limit.
class CountingBudget : public RateBudget {
 public:
  Result<void> acquire(const CallContext& context, std::int64_t) override { return context.check(); }
  void refund(std::int64_t) override {}
  void slow_down() override { ++times_slowed_; }
  int times_slowed() const { return times_slowed_; }

 private:
  std::atomic<int> times_slowed_{0};
};

// Loses batches as a broker may: they count as pushed, and are gone.
class LossyQueue : public ForwardingQueue {
 public:
  explicit LossyQueue(std::size_t capacity) : ForwardingQueue(queue_), queue_(capacity) {}
  void lose_pushes(int count) { to_lose_ = count; }
  int pushes_to_lose() const { return to_lose_; }

  Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) override {
    if (to_lose_ == 0) return ForwardingQueue::push(context, batches);
    --to_lose_;
    return batches.size();
  }

 private:
  InProcessQueue queue_;
  std::atomic<int> to_lose_{0};
};

class Service {
 public:
  explicit Service(WorkerOptions options = {}) {
    SqliteOptions sqlite;
    sqlite.path = (dir_.path() / "test.db").string();
    auto opened = SqliteMetadataStore::open(sqlite, clock);
    REQUIRE(opened.has_value());
    metadata = *std::move(opened);
    options.threads = 8;
    options.retry.base_delay = milliseconds(5);
    ImporterOptions importing;
    importing.owner = "me";
    importing.listing.threads = 4;
    importing.listing.batch_size = 10;
    importing.listing.retry_base = milliseconds(5);
    importing.refill.batch_size = 10;
    import_.emplace(importing, ImporterPorts{source, *metadata, *metadata, queue, budget, clock});
    worker_.emplace(options, WorkerPorts{queue, *metadata, *metadata, source, store, budget, clock, metrics_},
                    *metadata);
  }
  ~Service() { stop(); }
  void stop() {
    import_->drain();
    worker_->drain();
    worker_->stop(std::chrono::steady_clock::now() + kFarAway);
    import_->stop({});
  }

  void start() {
    REQUIRE(import_->start().has_value());
    REQUIRE(worker_->start().has_value());
  }

  ImportService& import() { return import_->service(); }

  JobId submit() {
    ImportRequest request;
    request.folder_url = "mem:root";
    const auto submitted = import().submit(CallContext{}, request);
    REQUIRE(submitted.has_value());
    return submitted->job.id;
  }

  // Until the job is neither listing nor processing.
  Job wait(const JobId& id) {
    const auto deadline = std::chrono::steady_clock::now() + kFarAway;
    for (;;) {
      const auto job = metadata->job(CallContext{}, id);
      REQUIRE(job.has_value());
      const JobCounters& c = job->counters;
      REQUIRE(c.processed() + c.failed + c.deferred + c.cancelled + c.pending == c.total);
      if (job->status != JobStatus::kListing && job->status != JobStatus::kProcessing) return *job;
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::unique_lock lock(mutex_);
      never_.wait_for(lock, milliseconds(5));
    }
  }

  FastForward clock;
  MemorySource source;
  MemoryObjectStore store;
  CountingBudget budget;
  std::unique_ptr<SqliteMetadataStore> metadata;
  LossyQueue queue{64};

 private:
  TempDir dir_;
  MetricsRegistry metrics_;
  std::optional<ImportModule> import_;
  std::optional<WorkerModule> worker_;
  std::mutex mutex_;
  std::condition_variable never_;
};

void add_images(MemorySource& source, const std::string& folder, int count) {
  for (int i = 0; i < count; ++i) {
    source.add_file(folder, folder + "-" + std::to_string(i), std::to_string(i) + ".jpg",
                    fake_jpeg(i + 1'000 * static_cast<int>(folder.size())));
  }
}

// The first `times` calls of `what` fail, for each id.
MemorySource::Fault fail_first(const std::string& what, int times, const Error& error) {
  auto seen = std::make_shared<std::map<std::string, int>>();
  return [=](const std::string& call, const std::string& id) -> std::optional<Error> {
    if (call != what || (*seen)[id]++ >= times) return std::nullopt;
    return error;
  };
}

}  // namespace

TEST_CASE("folders, shortcuts and a loop: every image once") {
  Service service;
  add_images(service.source, "root", 25);
  service.source.add_folder("root", "inner", "inner");
  add_images(service.source, "inner", 25);
  service.source.add_folder_shortcut("inner", "loop", "root");
  service.source.add_file_shortcut("inner", "link", "root-3");
  service.source.add_file_shortcut("inner", "broken", "gone");
  service.source.set_page_size(7);
  service.start();
  const Job job = service.wait(service.submit());
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.imported == 50);
  CHECK(job.counters.failed == 1);
  CHECK(service.store.keys().size() == 50);
  CHECK(service.source.total_opens() == 50);
}

TEST_CASE("a broken shortcut is left as it is by a retry; once it is mended, another import brings its target") {
  Service service;
  add_images(service.source, "root", 2);
  service.source.add_file_shortcut("root", "link", "lost");
  service.start();
  const JobId id = service.submit();
  CHECK(service.wait(id).counters.failed == 1);
  CHECK(service.import().retry(CallContext{}, id).value() == 0);
  const auto failed = service.metadata->items({}, {id, ItemState::kFailed, ItemId(0), 100}).value();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].reason == "shortcut_target_missing");
  CHECK_THAT(failed[0].remedy, Catch::Contains("import the folder again"));
  CHECK(service.source.opens("link") == 0);

  service.source.add_file("elsewhere", "lost", "found.jpg", fake_jpeg(77));
  const Job job = service.wait(service.submit());
  CHECK(job.counters.skipped == 2);
  CHECK(job.counters.imported == 1);
  CHECK(job.counters.failed == 0);
}

TEST_CASE("folders that cannot be listed are told, each by its path, and a retry brings what is in them") {
  Service service;
  add_images(service.source, "root", 5);
  service.source.add_folder("root", "closed", "closed");
  service.source.add_folder("root", "closed-too", "also closed");
  add_images(service.source, "closed", 7);
  add_images(service.source, "closed-too", 3);
  service.source.add_folder_shortcut("root", "dead end", "vanished");
  service.source.set_fault([](const std::string& what, const std::string& id) -> std::optional<Error> {
    if (what != "list" || (id != "closed" && id != "closed-too")) return std::nullopt;
    return Error(ErrorCode::kPermissionDenied, "no access").with_remedy("Share it");
  });
  service.start();
  const JobId id = service.submit();
  const Job job = service.wait(id);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.total == 5);
  REQUIRE(job.trouble);
  CHECK_THAT(job.trouble->message,
             Catch::Contains("\"closed\"") && Catch::Contains("\"also closed\"") && Catch::Contains("dead end\""));
  CHECK_THAT(job.trouble->remedy, Catch::Contains("Share it") && Catch::Contains("retry the job"));

  service.source.set_fault({});
  service.source.add_folder("elsewhere", "vanished", "found again");
  add_images(service.source, "vanished", 2);
  REQUIRE(service.import().retry(CallContext{}, id).has_value());
  const Job mended = service.wait(id);
  CHECK(mended.status == JobStatus::kCompleted);
  CHECK(mended.counters.imported == 17);
  CHECK_FALSE(mended.trouble);
  CHECK(service.store.keys().size() == 17);
}

TEST_CASE("files whose downloads always end early, complete by HTTP, fail; a shorter picture that is whole is stored") {
  Service service;
  for (int i = 0; i < 12; ++i) {
    service.source.add_file("root", "img-" + std::to_string(i), std::to_string(i) + ".jpg", fake_jpeg(i, 20'000));
  }
  for (int i = 0; i < 5; ++i) {
    service.source.set_content("img-" + std::to_string(i), fake_jpeg(i, 20'000).substr(0, 100));
  }
  service.source.set_content("img-5", fake_jpeg(50, 9'000) + "\xFF\xD9");
  service.start();
  const JobId id = service.submit();
  const Job job = service.wait(id);
  CHECK(job.counters.imported == 7);
  CHECK(job.counters.failed == 5);
  CHECK(service.store.keys().size() == 7);
  const auto failed = service.metadata->items({}, {id, ItemState::kFailed, ItemId(0), 100}).value();
  REQUIRE(failed.size() == 5);
  for (const Item& item : failed) {
    CHECK(item.reason == "size_mismatch");
    CHECK(item.attempts == RetryPolicy{}.max_attempts);
    CHECK_THAT(item.remedy, Catch::Contains("100 of the file's 20000 bytes") && Catch::Contains("upload it again"));
  }
}

TEST_CASE("a source that does not answer a submit in time costs the job nothing but its name") {
  Service service;
  add_images(service.source, "root", 5);
  service.source.set_hanging_roots(1);
  service.start();
  ImportRequest request;
  request.folder_url = "mem:root";
  request.look_up_within = milliseconds(1);
  const auto submitted = service.import().submit(CallContext{}, request);
  REQUIRE(submitted.has_value());
  CHECK(service.wait(submitted->job.id).counters.imported == 5);
}

TEST_CASE("while a listing waits to be tried again, its progress says why") {
  Service service;
  add_images(service.source, "root", 5);
  std::atomic<bool> away{true};
  service.source.set_fault([&](const std::string& what, const std::string&) -> std::optional<Error> {
    if (what != "list" || !away) return std::nullopt;
    return Error(ErrorCode::kUnavailable, "nobody answers").with_reason("connect_failed");
  });
  service.start();
  const JobId id = service.submit();
  std::optional<JobTrouble> hindrance;
  while (!hindrance) hindrance = service.import().progress(CallContext{}, id).value().hindrance;
  CHECK(hindrance->message == "nobody answers");
  CHECK(hindrance->remedy == "It is tried again by itself.");
  away = false;
  CHECK(service.wait(id).counters.imported == 5);
  CHECK_FALSE(service.import().progress(CallContext{}, id).value().hindrance);
}

TEST_CASE("a repeated request finds its job when the folder is gone, and takes it up where the listing had failed") {
  Service service;
  add_images(service.source, "root", 5);
  ImportRequest request;
  request.folder_url = "mem:root";
  request.idempotency_key = "once";
  service.source.set_fault([](const std::string& what, const std::string&) -> std::optional<Error> {
    if (what != "list") return std::nullopt;
    return Error(ErrorCode::kMisconfigured, "the key is wrong").with_reason("key_invalid");
  });
  service.start();
  const JobId id = service.import().submit(CallContext{}, request).value().job.id;
  CHECK(service.wait(id).status == JobStatus::kFailed);

  service.source.set_fault([](const std::string& what, const std::string&) -> std::optional<Error> {
    if (what != "root") return std::nullopt;
    return Error(ErrorCode::kNotFound, "no such folder");
  });
  const auto again = service.import().submit(CallContext{}, request);
  REQUIRE(again.has_value());
  CHECK(again->existed);
  CHECK(again->job.id == id);
  CHECK(service.wait(id).counters.imported == 5);
}

TEST_CASE("listings and downloads that fail for a while are taken up again") {
  Service service;
  add_images(service.source, "root", 30);
  service.source.set_page_size(10);
  SECTION("the listing") {
    service.source.set_fault(fail_first("list", 3, Error(ErrorCode::kUnavailable, "away")));
  }
  SECTION("the downloads") {
    service.source.set_fault(fail_first("open", 3, Error(ErrorCode::kRateLimited, "slow down")));
  }
  SECTION("the root, before the job is accepted") {
    service.source.set_fault(fail_first("root", 2, Error(ErrorCode::kUnavailable, "away")));
  }
  service.start();
  const Job job = service.wait(service.submit());
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.imported == 30);
}

TEST_CASE("an item whose transfer ends by an exception has an outcome, and its batch goes on") {
  Service service;
  add_images(service.source, "root", 30);
  SECTION("memory that ran out is tried again") {
    std::atomic<int> left{12};
    service.source.set_fault([&](const std::string& what, const std::string&) -> std::optional<Error> {
      if (what == "open" && left-- > 0) throw std::bad_alloc();
      return std::nullopt;
    });
    service.start();
    CHECK(service.wait(service.submit()).counters.imported == 30);
  }
  SECTION("what nobody foresaw fails the item, and frees those that wait for its content") {
    service.source.add_file("root", "twin", "twin.jpg", fake_jpeg(4'000));
    service.source.set_fault([](const std::string& what, const std::string& id) -> std::optional<Error> {
      if (what == "open" && (id == "root-0" || id == "twin")) throw std::logic_error("a bug");
      return std::nullopt;
    });
    service.start();
    const JobId id = service.submit();
    const Job job = service.wait(id);
    CHECK(job.status == JobStatus::kCompleted);
    CHECK(job.counters.imported == 29);
    CHECK(job.counters.failed == 2);
    const auto failed = service.metadata->items({}, {id, ItemState::kFailed, ItemId(0), 100}).value();
    REQUIRE(failed.size() == 2);
    CHECK(failed[0].reason == "internal");
  }
}

TEST_CASE("only the source's own word lowers the rate at which it is asked") {
  Service service;
  add_images(service.source, "root", 20);
  const Error slower(ErrorCode::kRateLimited, "slow down");
  SECTION("the source's") {
    service.source.set_fault(fail_first("open", 1, slower));
    service.start();
    CHECK(service.wait(service.submit()).counters.imported == 20);
    CHECK(service.budget.times_slowed() == 20);
  }
  SECTION("the store's does not") {
    for (std::size_t n = 1; n <= 10; ++n) service.store.fail_put(n, slower);
    service.start();
    CHECK(service.wait(service.submit()).counters.imported == 20);
    CHECK(service.budget.times_slowed() == 0);
  }
}

TEST_CASE("what waits for a thread when its job is cancelled is not begun") {
  Service service;
  add_images(service.source, "root", 100);
  std::latch begun(1);
  std::latch cancelled(1);
  std::once_flag once;
  service.source.set_fault([&](const std::string& what, const std::string&) -> std::optional<Error> {
    if (what == "open") {
      std::call_once(once, [&] {
        begun.count_down();
        cancelled.wait();
      });
    }
    return std::nullopt;
  });
  service.start();
  const JobId id = service.submit();
  begun.wait();
  REQUIRE(service.import().cancel(CallContext{}, id).has_value());
  service.clock.advance(std::chrono::seconds(1));
  cancelled.count_down();
  CHECK(service.wait(id).status == JobStatus::kCancelled);
  service.stop();
  CHECK(service.source.total_opens() <= 8);
}

TEST_CASE("a rejected page token lists the folder again, and counts nothing twice") {
  Service service;
  add_images(service.source, "root", 30);
  service.source.set_page_size(10);
  auto lists = std::make_shared<int>(0);
  service.source.set_fault([=](const std::string& what, const std::string&) -> std::optional<Error> {
    if (what != "list" || ++*lists != 3) return std::nullopt;
    return Error(ErrorCode::kConflict, "expired").with_reason("page_token_rejected");
  });
  service.start();
  const Job job = service.wait(service.submit());
  CHECK(job.counters.total == 30);
  CHECK(job.counters.imported == 30);
  CHECK(service.source.lists() == 6);
}

TEST_CASE("batches that the queue lost are put in again, even while it is never empty") {
  Service service;
  add_images(service.source, "root", 10);
  // Another job's, under way for ever.
  const std::vector<BatchRef> other{{JobId("other"), BatchId(1)}};
  REQUIRE(service.queue.push(CallContext{}, other).value() == 1);
  REQUIRE(service.queue.lease(CallContext{}).value().has_value());
  service.queue.lose_pushes(1);
  service.start();
  const JobId id = service.submit();
  REQUIRE(eventually([&] { return service.queue.pushes_to_lose() == 0; }));
  CHECK(eventually([&] {
    service.clock.advance(std::chrono::minutes(10));
    return service.metadata->job(CallContext{}, id).value().counters.imported == 10;
  }));
}

TEST_CASE("a store that is full stops the job; retry goes on where it was") {
  Service service;
  add_images(service.source, "root", 40);
  const Error full = Error(ErrorCode::kOutOfSpace, "the disk is full").with_remedy("Free space");
  for (std::size_t n = 5; n < 60; ++n) service.store.fail_put(n, full);
  service.start();
  const JobId id = service.submit();
  const Job stopped = service.wait(id);
  CHECK(stopped.status == JobStatus::kFailed);
  REQUIRE(stopped.trouble);
  CHECK(stopped.trouble->remedy == "Free space");
  CHECK(stopped.counters.pending > 0);
  while (service.store.puts() < 60) {  // what is left of the full disk
    const WorkItem nothing;
    MemorySource one;
    const SourceFile file = one.add_file("f", "x", "x.jpg", fake_jpeg(9));
    WorkItem item;
    item.file = file;
    item.key = ObjectKey("x/y/z");
    (void)transfer_image(CallContext{}, one, service.store, item, TransferMode::kInMemory).stored.has_value();
  }
  // A transfer that met the full disk may end only now, and stop the job once more: at most each thread one.
  Job mended = stopped;
  for (int tries = 0; tries < 8 && mended.status != JobStatus::kCompleted; ++tries) {
    REQUIRE(service.import().retry(CallContext{}, id).has_value());
    mended = service.wait(id);
  }
  CHECK(mended.status == JobStatus::kCompleted);
  CHECK(mended.counters.imported == 40);
}

TEST_CASE("objects that could not be made durable are stored again before their records are written") {
  Service service;
  add_images(service.source, "root", 10);
  service.store.fail_flush(Error(ErrorCode::kUnavailable, "the disk lost something"));
  service.start();
  const Job job = service.wait(service.submit());
  CHECK(job.counters.imported == 10);
  CHECK(service.store.puts() > 10);
}

TEST_CASE("what is given up while it is being stored comes onto the list of garbage, and nothing else does") {
  WorkerOptions options;
  options.retry.retry_for = milliseconds(0);
  Service service(options);
  add_images(service.source, "root", 10);
  service.source.add_file("root", "text", "text.jpg", "no image at all");
  const Error stalled = Error(ErrorCode::kUnavailable, "no answer").with_reason("stalled");
  for (std::size_t n = 1; n <= 3; ++n) service.store.fail_put(n, stalled);
  service.store.fail_put(4, Error(ErrorCode::kUnavailable, "refused").with_reason("connect_failed"));
  service.start();
  const JobId id = service.submit();
  CHECK(service.wait(id).counters.failed == 5);
  service.clock.advance(kAbandonedGrace);
  const auto claimed = service.metadata->claim_garbage(CallContext{}, StorePlace{.provider = "local"}, 100);
  REQUIRE(claimed.has_value());
  CHECK(claimed->size() == 3);
}

TEST_CASE("an object that could not be made durable, nor stored again, comes onto the list of garbage") {
  Service service;
  add_images(service.source, "root", 1);
  service.store.fail_flush(Error(ErrorCode::kUnavailable, "the disk lost something"));
  service.store.fail_put(2, Error(ErrorCode::kPermissionDenied, "no more of that"));
  service.start();
  CHECK(service.wait(service.submit()).counters.failed == 1);
  CHECK(service.store.keys().size() == 1);
  service.clock.advance(kUploadLimit);
  const auto claimed = service.metadata->claim_garbage(CallContext{}, StorePlace{.provider = "local"}, 100);
  REQUIRE(claimed.has_value());
  CHECK(*claimed == service.store.keys());
}

TEST_CASE("equal contents are downloaded once") {
  Service service;
  for (int i = 0; i < 20; ++i) {
    service.source.add_file("root", "copy-" + std::to_string(i), "copy.jpg", fake_jpeg(1));
  }
  service.start();
  const Job job = service.wait(service.submit());
  CHECK(job.counters.imported == 1);
  CHECK(job.counters.deduplicated == 19);
  CHECK(service.source.total_opens() == 1);
}

TEST_CASE("a download that Drive refuses for hours is deferred, and the job completes without it") {
  Service service;
  add_images(service.source, "root", 10);
  service.source.set_fault([](const std::string& what, const std::string& id) -> std::optional<Error> {
    if (what != "open" || id != "root-4") return std::nullopt;
    return Error(ErrorCode::kQuotaExhausted, "too many downloads").with_reason("download_quota_exceeded");
  });
  service.start();
  const JobId id = service.submit();
  const Job job = service.wait(id);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.imported == 9);
  CHECK(job.counters.deferred == 1);
  service.source.set_fault(nullptr);
  CHECK(service.import().retry(CallContext{}, id).value() == 1);
  CHECK(service.wait(id).counters.imported == 10);
}
