#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "contract/metadata_store_search_check.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

// Runs `body(n)` on `count` threads; rethrows nothing: returns how many failed.
template <class Body>
int run_threads(int count, Body body) {
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < count; ++n) {
      threads.emplace_back([&, n] {
        try {
          body(n);
        } catch (...) {
          ++failures;
        }
      });
    }
  }
  return failures;
}

// Reads the job until told to stop; counts the reads at which its counters did not add up or went backwards.
class Watcher {
 public:
  Watcher(MetadataStore& store, const JobId& job)
      : thread_([this, &store, job](std::stop_token stop) {
          std::int64_t processed = 0;
          while (!stop.stop_requested()) {
            const auto read = store.job(kCall, job);
            if (!read.has_value() || !adds_up(read->counters) || read->counters.processed() < processed) ++wrong_;
            if (read.has_value()) processed = read->counters.processed();
          }
        }) {}
  int wrong() {
    thread_.request_stop();
    thread_.join();
    return wrong_;
  }

 private:
  std::atomic<int> wrong_ = 0;
  std::jthread thread_;
};

}  // namespace

TEMPLATE_TEST_CASE("sixteen threads that commit the same outcomes count each once", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  constexpr std::int64_t kItems = 800;
  const JobLease lease = listed(store, "job-1", pictures(1, kItems));
  const auto items = work(store, lease, backend.clock.now());
  REQUIRE(items.size() == kItems);
  Watcher watcher(store, lease.job);
  std::atomic<std::int64_t> applied = 0;
  const int failures = run_threads(16, [&](int n) {
    // Each thread begins elsewhere; together they commit each item four times.
    for (std::size_t group = 0; group < 10; ++group) {
      std::vector<Outcome> outcomes;
      for (std::size_t i = 0; i < 20; ++i) {
        const WorkItem& item = items[(static_cast<std::size_t>(n % 4) * 200 + group * 20 + i) % items.size()];
        const bool fails = item.id.value() % 7 == 0 && n < 4;
        outcomes.push_back(fails ? outcome_of(lease, item.id, ItemState::kFailed) : imported(lease, item));
      }
      for (const CommitEffect effect : get(store.commit(kCall, outcomes, kPlace))) {
        applied += effect == CommitEffect::kApplied;
      }
    }
  });
  CHECK(watcher.wrong() == 0);
  CHECK(failures == 0);
  const Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.imported == kItems);
  CHECK(job.counters.failed == 0);
  CHECK(counts_match(store, lease));
  CHECK(applied >= kItems);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == kItems);
}

TEMPLATE_TEST_CASE("retry, cancel and commits at once leave counters that add up", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 200));
  const auto items = work(store, lease, backend.clock.now());
  const int failures = run_threads(6, [&](int n) {
    for (std::size_t round = 0; round < 40; ++round) {
      if (n == 0) get(store.cancel_job(kCall, lease.job));
      if (n == 1) get(store.retry_job(kCall, lease.job));
      if (n == 2 && !adds_up(get(store.job(kCall, lease.job)).counters)) throw std::runtime_error("does not add up");
      if (n < 3) continue;
      const WorkItem& item = items[round * 3 + static_cast<std::size_t>(n)];
      commit(store, n == 3 ? imported(lease, item) : outcome_of(lease, item.id, ItemState::kFailed));
    }
  });
  CHECK(failures == 0);
  CHECK(counts_match(store, lease));
  const Job job = read(store, lease);
  const bool settled = job.status == JobStatus::kCancelled
                           ? job.counters.pending == 0
                           : (job.status == JobStatus::kCompleted) == (job.counters.pending == 0);
  CHECK(settled);
}

TEMPLATE_TEST_CASE("of many that claim a job at once one gets it", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  std::atomic<int> won = 0;
  run_threads(8, [&](int n) {
    won += store.claim_job(kCall, lease.job, lease.epoch, "thread " + std::to_string(n), 30s).has_value();
  });
  CHECK(won == 1);
  CHECK(read(store, lease).epoch == lease.epoch + 1);
}

TEMPLATE_TEST_CASE("64 threads list, open and commit on one store, and all adds up", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  constexpr int kThreads = 64;
  constexpr std::int64_t kEach = 40;
  const int failures = run_threads(kThreads, [&](int n) {
    // Half of the threads import the same pictures into jobs of their own, at the same place.
    const std::int64_t first = (n % 2 == 0 ? 0 : n) * kEach + 1;
    std::vector<NewItem> items = pictures(first, kEach);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].folder_path = "shared/by " + std::to_string(first) + "/" + std::to_string(i % 4);
      items[i].file.image.camera = "Camera " + std::to_string(i % 3);
      items[i].file.image.taken_at = "2024-05-0" + std::to_string(i % 9 + 1) + "T00:00:00";
    }
    const JobLease lease = listed(store, "job-" + std::to_string(n), std::move(items));
    for (int round = 0; round < 10 && read(store, lease).status != JobStatus::kCompleted; ++round) {
      std::vector<Outcome> outcomes;
      for (const WorkItem& item : work(store, lease, backend.clock.now())) {
        outcomes.push_back(item.known ? relying_on(lease, item.id, ItemState::kSkipped, item.known->id)
                                      : imported(lease, item));
      }
      get(store.commit(kCall, outcomes, kPlace));
      get(store.page(kCall, {}, 1, 10));
    }
    if (read(store, lease).status != JobStatus::kCompleted) throw std::runtime_error("not completed");
    if (!counts_match(store, lease)) throw std::runtime_error("does not add up");
  });
  CHECK(failures == 0);
  const std::int64_t distinct = (kThreads / 2 + 1) * kEach;
  CHECK(get(store.stats(kCall)).by_provider["local"].images == distinct);
  CHECK(get(store.page(kCall, {}, 1, 1)).total == distinct);
  CHECK(lists_agree(store));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("batch ids ascend in the order in which they can be seen", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  constexpr int kJobs = 6;
  std::vector<JobLease> leases;
  for (int n = 0; n < kJobs; ++n) leases.push_back(create(store, new_job("job-" + std::to_string(n))));
  std::atomic<int> late = 0;
  const int failures = run_threads(kJobs, [&](int n) {
    const JobLease& lease = leases[static_cast<std::size_t>(n)];
    BatchId last(0);
    for (int page = 0; page < 10; ++page) {
      add(store, lease, pictures(page * 20 + 1, 20), 10);
      const auto seen = get(store.ready_batches(kCall, lease, last, 100));
      // What a look-up above the last one finds is all there is: nothing came in below.
      if (seen.size() != 2) ++late;
      last = seen.back();
    }
  });
  CHECK(failures == 0);
  CHECK(late == 0);
}
