// What split services make of more workers, and how fast the gateway tells how far an import is meanwhile. A program of
// Catch2's making, for the servers it starts: split_bench [workers] and split_bench [status].
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/redis_server.hpp"
#include "support/split_deployment.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kThreads = 50;
constexpr std::uint64_t kImageBytes = 64 << 10;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// A folder for each run; all go at the end, since ext4 is slow to create files where many were just deleted.
std::filesystem::path fresh_folder() {
  static const TempDir all;
  static int runs = 0;
  return all.path() / std::to_string(++runs);
}

// Between two looks, so that looking costs nothing.
void wait_a_moment() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, milliseconds(20));
}

struct Load {
  std::size_t workers = 1;
  std::size_t images = 0;
  milliseconds latency{0};              // of each download
  std::uint64_t images_per_second = 0;  // that the quota allows; 0 = any number
};

// An import by split services, local disk, SQLite.
struct Run {
  explicit Run(const Load& load) : load_(load) {
    drive.tree().add_files(folder, {.count = load.images, .size = kImageBytes});
    emulator::FaultRule slow;
    slow.match = emulator::RequestKind::kDownload;
    slow.latency = load.latency;
    if (load.latency > load.latency.zero()) drive.faults().add(slow);
    REQUIRE(drive.start().has_value());
    auto settings = settings_for(drive);
    settings["REDIS_URL"] = redis.url();
    settings["WORKER_THREADS"] = std::to_string(kThreads);
    if (load.images_per_second > 0) {
      settings["DRIVE_QUOTA_PER_MINUTE"] = std::to_string(load.images_per_second * 200 * 60);
    }
    services = std::make_unique<SplitDeployment>(fresh_folder(), settings, load.workers);
    job = services->gateway().import_folder(emulator::DriveEmulator::folder_link(folder));
  }

  std::size_t imported() const {
    const Reply reply = services->gateway().get("/api/import/status/" + job + "?imported=0");
    REQUIRE(reply.status == 200);
    return reply.json.at("imported_count").to_number<std::size_t>();
  }

  // Images per second between the first and the last tenth of the job.
  double rate() const {
    const auto await = [&](std::size_t images) {
      std::size_t seen = 0;
      while ((seen = imported()) < images) wait_a_moment();
      return seen;
    };
    const std::size_t first = await(load_.images / 10);
    const auto start = steady_clock::now();
    const std::size_t last = await(load_.images - load_.images / 10);
    const double seconds = seconds_since(start);
    services->gateway().wait_for_job(job);
    return static_cast<double>(last - first) / seconds;
  }

  const Load load_;
  emulator::DriveEmulator drive;
  const std::string folder = drive.tree().add_folder(drive.root_id(), "album");
  RedisServer redis;
  std::unique_ptr<SplitDeployment> services;
  std::string job;
};

double at(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

TEST_CASE("images a second by one, three and ten workers", "[workers]") {
  struct Row {
    const char* name;
    Load load;
  };
  const milliseconds slow{2'000};
  const std::vector<Row> rows = {
      {"1 worker, Drive answers after 2 s", {.workers = 1, .images = 750, .latency = slow}},
      {"3 workers", {.workers = 3, .images = 2'250, .latency = slow}},
      {"10 workers", {.workers = 10, .images = 7'500, .latency = slow}},
      {"10 workers, a quota of 100 images/s",
       {.workers = 10, .images = 3'000, .latency = slow, .images_per_second = 100}},
      {"1 worker, Drive answers at once", {.workers = 1, .images = 10'000}},
      {"3 workers", {.workers = 3, .images = 10'000}},
  };
  std::printf("split services, %zu threads a worker, images of %llu bytes\n", kThreads,
              static_cast<unsigned long long>(kImageBytes));
  for (const Row& row : rows) {
    const Run run(row.load);
    const double rate = run.rate();
    double ceiling = 0;
    if (row.load.latency > milliseconds(0)) {
      ceiling =
          static_cast<double>(row.load.workers * kThreads) / std::chrono::duration<double>(row.load.latency).count();
    }
    if (row.load.images_per_second > 0) ceiling = std::min(ceiling, static_cast<double>(row.load.images_per_second));
    const std::string most = ceiling > 0 ? "  of " + std::to_string(std::llround(ceiling)) + " at most" : "";
    std::printf("  %-38s %7.0f images/s%s\n", row.name, rate, most.c_str());
    std::fflush(stdout);
  }
}

TEST_CASE("how long the gateway takes to tell the progress of an import that runs", "[status]") {
  std::printf("GET /api/import/status/{id}?imported=0 from a split deployment with 3 workers, a call every 20 ms\n");
  for (const milliseconds latency : {milliseconds(500), milliseconds(0)}) {
    const Run run({.workers = 3, .images = latency.count() > 0 ? 5'000U : 20'000U, .latency = latency});
    std::vector<double> times;
    std::size_t first = 0;
    const auto start = steady_clock::now();
    for (std::size_t seen = 0; seen < run.load_.images;) {
      const auto asked = steady_clock::now();
      seen = run.imported();
      times.push_back(seconds_since(asked) * 1e3);
      wait_a_moment();
      if (times.size() == 1) first = seen;
    }
    const double rate = static_cast<double>(run.load_.images - first) / seconds_since(start);
    std::sort(times.begin(), times.end());
    std::printf("  at %5.0f images/s: median %5.1f ms, 95 %% %5.1f ms, longest %5.1f ms, %zu calls\n", rate,
                at(times, 0.5), at(times, 0.95), times.back(), times.size());
    std::fflush(stdout);
  }
}
