#include <catch2/catch.hpp>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

PendingFolder folder(const std::string& id, std::int32_t depth) {
  PendingFolder folder;
  folder.folder.id = DriveId(id);
  folder.folder.name = "name of " + id;
  folder.folder.resource_key = "rk-" + id;
  folder.folder.shared_drive = DriveId("0A");
  folder.path = "path/" + id;
  folder.depth = depth;
  return folder;
}

std::vector<std::size_t> batch_sizes(MetadataStore& store, const JobLease& lease) {
  std::vector<std::size_t> sizes;
  for (const BatchId batch : get(store.ready_batches(kCall, lease, BatchId(0), 1000))) {
    sizes.push_back(get(store.open_batch(kCall, {lease.job, batch}, kPlace)).items.size());
  }
  return sizes;
}

}  // namespace

TEMPLATE_TEST_CASE("each folder is taken up once per job, shallowest first", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  ListedPage page{DriveId("root"), {}, {folder("deep", 2), folder("a", 1), folder("a", 1), folder("root", 1)}, "t2"};
  const auto added = get(store.add_page(kCall, lease, page, 100));
  REQUIRE(added.folders.size() == 2);
  CHECK(added.folders[0].folder.id == DriveId("deep"));
  auto pending = get(store.pending_folders(kCall, lease.job, 10));
  REQUIRE(pending.size() == 3);
  CHECK(pending[0].folder.id == DriveId("root"));
  CHECK(pending[0].page_token == "t2");
  CHECK(pending[1].folder.id == DriveId("a"));
  CHECK(pending[1].folder.name == "name of a");
  CHECK(pending[1].folder.resource_key == "rk-a");
  CHECK(pending[1].folder.shared_drive == DriveId("0A"));
  CHECK(pending[1].path == "path/a");
  CHECK(pending[1].depth == 1);
  CHECK(get(store.pending_folders(kCall, lease.job, 1)).size() == 1);

  page.next_page_token.reset();
  CHECK(get(store.add_page(kCall, lease, page, 100)).folders.empty());
  pending = get(store.pending_folders(kCall, lease.job, 10));
  REQUIRE(pending.size() == 2);
  CHECK(pending[0].folder.id == DriveId("a"));

  const JobLease other = create(store, new_job("job-2"));
  CHECK(get(store.add_page(kCall, other, {DriveId("root"), {}, {folder("a", 1)}, "t"}, 100)).folders.size() == 1);
  CHECK(code_of(store.add_page(kCall, other, {DriveId("unknown"), {}, {}, "t"}, 100)) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a page that is written twice counts once", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  std::vector<NewItem> items = pictures(1, 5);
  items[3].state = ItemState::kIgnored;
  items[3].reason = "google_document";
  items[4].state = ItemState::kFailed;
  items[4].reason = "cannot_download";
  items[4].remedy = "ask the owner";
  items.push_back(items[0]);
  CHECK(add(store, lease, items, 2).items == 5);
  const JobCounters once = read(store, lease).counters;
  CHECK(once.total == 4);
  CHECK(once.pending == 3);
  CHECK(once.failed == 1);
  CHECK(once.ignored == 1);
  CHECK(once.total_bytes == 1001 + 1002 + 1003 + 1005);
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{2});

  CHECK(add(store, lease, items, 2).items == 0);
  const JobCounters twice = read(store, lease).counters;
  CHECK(twice.total == once.total);
  CHECK(twice.total_bytes == once.total_bytes);
  CHECK(counts_match(store, lease));
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{2});
  CHECK(all_items(store, lease)[4].remedy == "ask the owner");
}

TEMPLATE_TEST_CASE("whole batches are formed from a page's new items, the rest by group_due", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 25), 10);
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{10, 10});
  // 5 of these 25 are known: 20 are new, two whole batches.
  add(store, lease, pictures(21, 25), 10);
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{10, 10, 10, 10});
  // 14 candidates, 9 new: no whole batch.
  add(store, lease, pictures(41, 14), 10);
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{10, 10, 10, 10});
  CHECK(get(store.next_due(kCall, lease.job)) == Timestamp{});

  const auto grouped = get(store.group_due(kCall, lease, backend.clock.now(), 10, 1));
  REQUIRE(grouped.size() == 1);
  CHECK(get(store.group_due(kCall, lease, backend.clock.now(), 10, 10)).size() == 1);
  CHECK(get(store.group_due(kCall, lease, backend.clock.now(), 10, 10)).empty());
  CHECK(batch_sizes(store, lease) == std::vector<std::size_t>{10, 10, 10, 10, 10, 4});
  CHECK_FALSE(get(store.next_due(kCall, lease.job)));

  const auto ready = get(store.ready_batches(kCall, lease, BatchId(0), 100));
  CHECK(std::is_sorted(ready.begin(), ready.end()));
  CHECK(get(store.ready_batches(kCall, lease, ready[3], 1)) == std::vector{ready[4]});
  CHECK(get(store.ready_batches(kCall, lease, ready.back(), 10)).empty());
}

TEMPLATE_TEST_CASE("batch ids ascend over all jobs", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease a = create(store, new_job("a"));
  const JobLease b = create(store, new_job("b"));
  add(store, a, pictures(1, 10), 10);
  add(store, b, pictures(1, 10), 10);
  add(store, a, pictures(11, 10), 10);
  const auto of_a = get(store.ready_batches(kCall, a, BatchId(0), 10));
  const auto of_b = get(store.ready_batches(kCall, b, BatchId(0), 10));
  REQUIRE(of_a.size() == 2);
  REQUIRE(of_b.size() == 1);
  CHECK(of_a[0] < of_b[0]);
  CHECK(of_b[0] < of_a[1]);
  CHECK(get(store.open_batch(kCall, {a.job, of_b[0]}, kPlace)).items.empty());
}

TEMPLATE_TEST_CASE("a listing is finished once, when all folders are", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 1));
  CHECK(reason_of(store.finish_listing(kCall, lease)) == "listing_incomplete");
  finish(store, lease);
  CHECK(read(store, lease).status == JobStatus::kProcessing);
  CHECK(read(store, lease).listed);
  get(store.finish_listing(kCall, lease));
  CHECK(reason_of(store.add_page(kCall, lease, {DriveId("root"), {}, {}, std::nullopt}, 10)) == "not_listing");
  CHECK(reason_of(store.restart_folder(kCall, lease, DriveId("root"))) == "not_listing");
}

TEMPLATE_TEST_CASE("a folder whose token was rejected begins again, its items known", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 3));
  CHECK(get(store.pending_folders(kCall, lease.job, 1)).at(0).page_token == "more");
  get(store.restart_folder(kCall, lease, DriveId("root")));
  CHECK(get(store.pending_folders(kCall, lease.job, 1)).at(0).page_token.empty());
  CHECK(code_of(store.restart_folder(kCall, lease, DriveId("none"))) == ErrorCode::kNotFound);
  CHECK(add(store, lease, pictures(1, 4)).items == 1);
  CHECK(read(store, lease).counters.total == 4);
}

TEMPLATE_TEST_CASE("work that is put off comes back when it is due", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 3));
  const Timestamp start = backend.clock.now();
  const auto items = work(store, lease, start);
  Outcome waits = outcome_of(lease, items[0].id, ItemState::kPending);
  waits.attempts = 2;
  waits.backoffs = 4;
  waits.retrying_since = start - 1min;
  waits.not_before = start + 30s;
  waits.reason = "unavailable";
  CHECK(commit(store, waits) == CommitEffect::kApplied);
  Outcome later = outcome_of(lease, items[1].id, ItemState::kDeferred);
  later.not_before = start + 24h;
  later.reason = "download_quota_exceeded";
  later.remedy = "it goes on by itself";
  commit(store, later);
  commit(store, imported(lease, items[2]));
  CHECK(read(store, lease).status == JobStatus::kProcessing);
  CHECK(read(store, lease).counters.pending == 1);
  CHECK(counts_match(store, lease));
  CHECK(get(store.next_due(kCall, lease.job)) == start + 30s);
  CHECK(work(store, lease, start + 29s).empty());
  auto listed_items = all_items(store, lease);
  CHECK(listed_items[0].next_try_at == start + 30s);
  CHECK(listed_items[0].reason == "unavailable");
  CHECK(listed_items[0].attempts == 2);
  CHECK(listed_items[1].state == ItemState::kDeferred);
  CHECK(listed_items[1].remedy == "it goes on by itself");

  const auto again = work(store, lease, start + 30s);
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 2);
  CHECK(again[0].backoffs == 4);
  CHECK(again[0].retrying_since == start - 1min);
  commit(store, imported(lease, again[0]));
  Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.deferred == 1);
  CHECK(get(store.next_due(kCall, lease.job)) == start + 24h);

  backend.clock.advance(24h);
  const auto deferred = work(store, lease, backend.clock.now());
  REQUIRE(deferred.size() == 1);
  job = read(store, lease);
  CHECK(job.status == JobStatus::kProcessing);
  CHECK_FALSE(job.finished_at);
  CHECK(job.counters.pending == 1);
  CHECK(job.counters.deferred == 0);
  commit(store, imported(lease, deferred[0]));
  job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.finished_at == backend.clock.now());
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("items are walked by state and by id", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 10));
  const auto items = work(store, lease, backend.clock.now());
  for (const std::size_t i : {1u, 3u, 5u}) commit(store, outcome_of(lease, items[i].id, ItemState::kFailed));
  const auto failed = get(store.items(kCall, {lease.job, ItemState::kFailed, ItemId(0), 2}));
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].id == items[1].id);
  CHECK(failed[1].id == items[3].id);
  const auto rest = get(store.items(kCall, {lease.job, ItemState::kFailed, failed[1].id, 2}));
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].id == items[5].id);
  const auto any = get(store.items(kCall, {lease.job, std::nullopt, items[7].id, 100}));
  REQUIRE(any.size() == 2);
  CHECK(any[0].id == items[8].id);
  CHECK(get(store.items(kCall, {lease.job, ItemState::kSkipped, ItemId(0), 5})).empty());
}

TEMPLATE_TEST_CASE("names and facts come back as they were listed", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const std::vector<std::string> names = {
      "it's \"quoted\"; DROP TABLE items; --", "100%_\\ of it",       "../../etc/passwd",
      "日本語 🏔️ photo.jpg",           std::string(300, 'x'), "a\nb\tc"};
  std::vector<NewItem> items;
  for (std::size_t i = 0; i < names.size(); ++i) {
    items.push_back(picture(static_cast<std::int64_t>(i)));
    items.back().file.name = names[i];
    items.back().folder_path = "in/" + names[i];
  }
  NewItem odd = picture(77);
  odd.file.name = std::string("nul\0here", 8);
  odd.folder_path = "bad \xff\xfe utf-8";
  odd.file.size.reset();
  odd.file.hashes = {};
  odd.file.head_revision = "rev1";
  odd.file.resource_key = "rk";
  odd.file.modified_at = Timestamp(1'700'000'000'123ms);
  odd.file.image = {4000, 3000, "2024-05-06T07:08:09", "Canon EOS \"R5\"", 48.20817612345678, -0.1};
  items.push_back(odd);
  const JobLease lease = listed(store, "job-1", items);
  const auto read_items = all_items(store, lease);
  const auto opened = work(store, lease, backend.clock.now());
  REQUIRE(read_items.size() == items.size());
  REQUIRE(opened.size() == items.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(read_items[i].name == names[i]);
    CHECK(opened[i].file.name == names[i]);
    CHECK(opened[i].folder_path == "in/" + names[i]);
    CHECK(opened[i].key == items[i].key);
    CHECK(opened[i].file.hashes == items[i].file.hashes);
    CHECK(opened[i].file.size == items[i].file.size);
  }
  const WorkItem& last = opened.back();
  CHECK(last.file.name == "nul\xEF\xBF\xBDhere");
  CHECK(last.folder_path.substr(0, 7) == "bad \xEF\xBF\xBD");
  CHECK_FALSE(last.file.size);
  CHECK(last.file.hashes == ContentHashes{});
  CHECK(last.file.head_revision == "rev1");
  CHECK(last.file.resource_key == "rk");
  CHECK(last.file.modified_at == odd.file.modified_at);
  CHECK(last.file.image.width == 4000);
  CHECK(last.file.image.taken_at == odd.file.image.taken_at);
  CHECK(last.file.image.camera == odd.file.image.camera);
  CHECK(last.file.image.latitude == 48.20817612345678);
  CHECK(last.file.image.longitude == -0.1);

  commit(store, imported(lease, last));
  const Image image = get(store.walk(kCall, {}, ImageId(0), 1)).at(0);
  CHECK(image.name == last.file.name);
  CHECK(image.facts.latitude == 48.20817612345678);
  CHECK(image.facts.height == 3000);
  CHECK(image.facts.camera == odd.file.image.camera);
  CHECK(image.drive_modified_at == odd.file.modified_at);
}
