// How fast a metadata store takes a listing and its outcomes. Usage: metadata_bench [items [directory | DATABASE_URL]]
// SQLite with each durability, or the database server that the URL names (an empty database): items listed per second
// (pages of 1,000), microseconds per open_batch of 100, outcomes committed per second in groups of 100 by 8 threads,
// CPU per outcome, and the peak of memory.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "base/system_clock.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sqlite/store.hpp"

using namespace imgimport;
using namespace std::chrono_literals;

namespace {

const CallContext kCall;
const StorePlace kPlace{"local", "", "imports"};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Stretch {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double cpu = cpu_seconds();
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
  double burnt() const { return cpu_seconds() - cpu; }
};

template <class T>
T get(Result<T> result) {
  if (!result.has_value()) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

NewItem picture() {
  NewItem item;
  item.file.id = DriveId("1" + random_token(16));
  item.file.name = "IMG_20240506_070809.jpg";
  item.file.mime_type = "image/jpeg";
  item.file.size = 3'000'000;
  item.file.hashes = {random_token(16), random_token(20), random_token(32)};
  item.file.head_revision = "0B" + random_token(24);
  item.file.modified_at = Timestamp(1'700'000'000'000ms);
  item.file.image = {4000, 3000, "2024-05-06T07:08:09", "Canon EOS R5", 48.2, 16.3};
  item.folder_path = "2024/Summer/Vienna";
  item.key = ObjectKey("imports/" + item.file.id.value() + "/" + item.file.hashes.sha256 + "/" + item.file.name);
  return item;
}

Outcome imported(const JobId& job, const WorkItem& item) {
  Outcome outcome;
  outcome.job = job;
  outcome.item = item.id;
  outcome.state = ItemState::kImported;
  outcome.stored =
      StoredObject{item.key, *item.file.size, item.file.hashes, "image/jpeg", item.file.hashes.md5, "", true};
  return outcome;
}

JobLease list(MetadataStore& store, const std::string& id, std::int64_t items) {
  NewJob job;
  job.id = JobId(id);
  job.root.id = DriveId("root");
  const auto created = get(store.create_job(kCall, job, "bench", 1h));
  const JobLease lease{created.job.id, created.job.epoch};
  double cpu = 0;
  double elapsed = 0;
  double last = 0;
  for (std::int64_t n = 0; n < items; n += 1000) {
    ListedPage page{DriveId("root"), {}, {}, "more"};
    for (int i = 0; i < 1000; ++i) page.items.push_back(picture());
    const Stretch stretch;
    get(store.add_page(kCall, lease, page, 100));
    last = stretch.elapsed();
    elapsed += last;
    cpu += stretch.burnt();
  }
  std::printf("  add_page      %9.0f items/s, %5.1f us CPU per item, last page %.1f ms\n",
              static_cast<double>(items) / elapsed, cpu * 1e6 / static_cast<double>(items), last * 1e3);
  get(store.add_page(kCall, lease, {DriveId("root"), {}, {}, std::nullopt}, 100));
  get(store.finish_listing(kCall, lease));
  return lease;
}

struct Totals {
  double elapsed = 0;
  double cpu = 0;
  void add(const Stretch& stretch) {
    elapsed += stretch.elapsed();
    cpu += stretch.burnt();
  }
};

using Groups = std::vector<std::vector<Outcome>>;

Groups open(MetadataStore& store, const JobId& job, const std::vector<BatchId>& batches, Totals& totals) {
  const Stretch stretch;
  Groups groups;
  for (const BatchId batch : batches) {
    std::vector<Outcome>& group = groups.emplace_back();
    for (const WorkItem& item : get(store.open_batch(kCall, {job, batch}, kPlace)).items) {
      group.push_back(imported(job, item));
    }
  }
  totals.add(stretch);
  return groups;
}

void commit(MetadataStore& store, const Groups& groups, Totals& totals) {
  std::atomic<std::size_t> next = 0;
  const Stretch stretch;
  {
    std::vector<std::jthread> writers;
    for (int n = 0; n < 8; ++n) {
      writers.emplace_back([&] {
        for (std::size_t i = next++; i < groups.size(); i = next++) get(store.commit(kCall, groups[i], kPlace));
      });
    }
  }
  totals.add(stretch);
}

// Opens and commits all batches of the job, some hundred at a time, so that the bench itself holds little.
void import_all(MetadataStore& store, const JobLease& lease) {
  Totals opening;
  Totals committing;
  double items = 0;
  BatchId after(0);
  for (auto batches = get(store.ready_batches(kCall, lease, after, 200)); !batches.empty();
       batches = get(store.ready_batches(kCall, lease, after, 200))) {
    after = batches.back();
    commit(store, open(store, lease.job, batches, opening), committing);
    items += static_cast<double>(batches.size()) * 100;
  }
  std::printf("  open_batch    %9.0f us per 100 items\n", opening.elapsed * 1e8 / items);
  std::printf("  commit        %9.0f outcomes/s, %5.1f us CPU per outcome\n", items / committing.elapsed,
              committing.cpu * 1e6 / items);
}

void run(MetadataStore& store, std::int64_t items) {
  const JobLease lease = list(store, "first", items);
  import_all(store, lease);
  const Stretch paging;
  get(store.page(kCall, {}, items / 50, 50));
  std::printf("  deepest page  %9.1f ms\n", paging.elapsed() * 1e3);
  const JobLease more = list(store, "second", std::max<std::int64_t>(items / 10, 1000));
  import_all(store, more);
  list(store, "third", std::max<std::int64_t>(items / 10, 1000));
  const Stretch turning;
  get(store.cancel_job(kCall, JobId("third")));
  get(store.retry_job(kCall, JobId("third")));
  std::printf("  cancel, retry %9.0f ms for %lld items\n", turning.elapsed() * 1e3, static_cast<long long>(items / 10));
}

void run_sqlite(const std::filesystem::path& directory, db::Durability durability, std::int64_t items) {
  const auto path = directory / "metadata_bench.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix);
  const SystemClock clock;
  SqliteOptions options;
  options.path = path.string();
  options.durability = durability;
  auto store = get(SqliteMetadataStore::open(options, clock));
  std::printf("SQLite, synchronous=%s, %lld items\n", durability == db::Durability::kPowerCut ? "FULL" : "NORMAL",
              static_cast<long long>(items));
  run(*store, items);
  store.reset();
  std::printf("  file          %9.0f bytes per image\n",
              static_cast<double>(std::filesystem::file_size(path)) / (static_cast<double>(items) * 1.2));
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix);
}

void run_server(const std::string& url, std::int64_t items) {
  const SystemClock clock;
  SqlStoreOptions options;
  options.target = get(db::parse_sql_url(url));
  auto store = get(SqlMetadataStore::open(options, clock));
  std::printf("%s%s, %lld items\n", options.target.describe().c_str(),
              options.target.access == db::SqlAccess::kOdbc ? " over ODBC" : "", static_cast<long long>(items));
  run(*store, items);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t items = argc > 1 ? std::atoll(argv[1]) : 100'000;
  const std::string where = argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string();
  if (db::is_sql_url(where)) {
    run_server(where, items);
  } else {
    run_sqlite(where, db::Durability::kPowerCut, items);
    run_sqlite(where, db::Durability::kCrash, items);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory %ld MiB\n", usage.ru_maxrss / 1024);
  return 0;
}
