#include "importer/lister.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>

#include "base/rate_budget.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_metadata_store.hpp"
#include "fakes/memory_source.hpp"
#include "support/waits.hpp"

using namespace imgimport;

namespace {

// Once a page is written down, the process is as good as dead, if the test wants it so.
class DyingStore : public MemoryMetadataStore {
 public:
  using MemoryMetadataStore::MemoryMetadataStore;
  Result<Added> add_page(const CallContext& context, const JobLease& lease, const ListedPage& page,
                         std::size_t batch_size) override {
    if (dead) return died();
    auto added = MemoryMetadataStore::add_page(context, lease, page, batch_size);
    dead = dies.load();
    return added;
  }
  Result<void> warn_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) override {
    if (dead) return died();
    return MemoryMetadataStore::warn_job(context, lease, trouble);
  }
  std::atomic<bool> dies{false};
  std::atomic<bool> dead{false};

 private:
  static Error died() { return {ErrorCode::kUnavailable, "the process was killed"}; }
};

class Bench {
 public:
  Bench() : lister_({.threads = 4, .batch_size = 10}, {source, store, budget_, clock}, [] {}) {}
  ~Bench() { lister_.stop(); }

  void begin() {
    NewJob job;
    job.id = JobId("job");
    job.root.id = DriveId("root");
    job.root.name = "Root";
    const auto created = store.create_job(CallContext{}, job, "me", std::chrono::hours(1));
    REQUIRE(created.has_value());
    lister_.begin(created->job, {job.id, created->job.epoch});
  }

  Job job() { return store.job(CallContext{}, JobId("job")).value(); }

  // Lets `step` pass at each look, so that what is put off comes to its turn.
  Job listed(std::chrono::milliseconds step = std::chrono::seconds(1)) {
    begin();
    REQUIRE(eventually([&] {
      clock.advance(step);
      lister_.tick();
      return job().status != JobStatus::kListing;
    }));
    return job();
  }

  ManualClock clock;
  DyingStore store{clock};
  MemorySource source;

 private:
  TokenBucketBudget budget_{0};
  Lister lister_;
};

void add_images(MemorySource& source, const std::string& folder, int count) {
  for (int i = 0; i < count; ++i) {
    source.add_file(folder, folder + "-" + std::to_string(i), std::to_string(i) + ".jpg", fake_jpeg(i));
  }
}

}  // namespace

TEST_CASE("a folder that lists as empty is listed again in the shared drive that it turns out to lie in") {
  Bench bench;
  bench.source.add_folder_shortcut("root", "link", "shared");
  bench.source.add_folder("elsewhere", "shared", "Shared");
  bench.source.set_shared_drive("shared", "0Adrive");
  bench.source.set_page_size(2);
  add_images(bench.source, "shared", 5);
  const Job job = bench.listed();
  CHECK(job.counters.total == 5);
  CHECK_FALSE(job.trouble);
}

TEST_CASE("folders deeper than Drive has any are told, and the rest is listed") {
  Bench bench;
  std::string parent = "root";
  for (int depth = 1; depth <= 101; ++depth) {
    const std::string folder = "f" + std::to_string(depth);
    bench.source.add_folder(parent, folder, folder);
    add_images(bench.source, folder, 1);
    parent = folder;
  }
  const Job job = bench.listed();
  CHECK(job.counters.total == 100);
  REQUIRE(job.trouble);
  CHECK(job.trouble->reason == "folder_not_listed");
  CHECK_THAT(job.trouble->message, Catch::Contains("/f100/f101\" was left out") && Catch::Contains("100 folders deep"));
  CHECK_THAT(job.trouble->remedy, Catch::Contains("its own link"));
}

TEST_CASE("a folder shortcut without a target is told, and does not keep the listing from its end") {
  Bench bench;
  add_images(bench.source, "root", 3);
  bench.source.add_folder_shortcut("root", "nowhere", "");
  const Job job = bench.listed();
  CHECK(job.counters.total == 3);
  REQUIRE(job.trouble);
  CHECK_THAT(job.trouble->message, Catch::Contains("\"shortcut nowhere\" was left out"));
}

TEST_CASE("a page that may not be complete is not written down without the warning of it") {
  Bench bench;
  add_images(bench.source, "root", 3);
  bench.source.set_incomplete("root");
  bench.store.dies = true;
  bench.begin();
  REQUIRE(eventually([&] { return bench.store.dead.load(); }));
  const Job job = bench.job();
  CHECK(job.counters.total == 3);
  REQUIRE(job.trouble);
  CHECK(job.trouble->reason == "incomplete_search");
}

TEST_CASE("a folder whose second page's token is rejected each time is given up in the end") {
  Bench bench;
  add_images(bench.source, "root", 30);
  bench.source.set_page_size(10);
  bench.source.set_fault([lists = 0](const std::string& what, const std::string&) mutable -> std::optional<Error> {
    if (what != "list" || ++lists % 2 != 0) return std::nullopt;
    return Error(ErrorCode::kConflict, "expired").with_reason("page_token_rejected");
  });
  const Job job = bench.listed(std::chrono::minutes(1));
  CHECK(job.status == JobStatus::kFailed);
  REQUIRE(job.trouble);
  CHECK(job.trouble->reason == "page_token_rejected");
  CHECK_THAT(job.trouble->remedy, Catch::Contains("Retry the job later"));
}

TEST_CASE("a look-up that fails for a moment is made again alone, not with all of its page") {
  Bench bench;
  for (int i = 0; i < 20; ++i) {
    const std::string target = "target-" + std::to_string(i);
    bench.source.add_file("elsewhere", target, target + ".jpg", fake_jpeg(i));
    bench.source.add_file_shortcut("root", "link-" + std::to_string(i), target);
  }
  bench.source.add_file_shortcut("root", "broken", "gone");
  std::map<std::string, int> look_ups;
  bench.source.set_fault([&](const std::string& what, const std::string& id) -> std::optional<Error> {
    if (what != "look_up" || ++look_ups[id] > 3 || id != "target-7") return std::nullopt;
    return Error(ErrorCode::kUnavailable, "away");
  });
  const Job job = bench.listed();
  CHECK(job.counters.total == 21);
  CHECK(job.counters.failed == 1);
  CHECK(look_ups.size() == 21);
  for (const auto& [id, count] : look_ups) {
    CAPTURE(id);
    CHECK(count == (id == "target-7" ? 4 : 1));
  }
}

TEST_CASE("an exception while a folder is listed is an error like others: the listing comes to its end") {
  Bench bench;
  add_images(bench.source, "root", 3);
  bench.source.add_folder("root", "odd", "Odd");
  bench.source.set_fault([times = 0](const std::string& what, const std::string& id) mutable -> std::optional<Error> {
    if (what != "list") return std::nullopt;
    if (id == "odd") throw std::runtime_error("an impossible page");
    if (++times == 1) throw std::bad_alloc();
    return std::nullopt;
  });
  const Job job = bench.listed();
  CHECK(job.counters.total == 3);
  REQUIRE(job.trouble);
  CHECK_THAT(job.trouble->message, Catch::Contains("an impossible page"));
}
