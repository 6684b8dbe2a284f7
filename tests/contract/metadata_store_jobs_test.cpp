#include <catch2/catch.hpp>
#include <set>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

TEMPLATE_TEST_CASE("a new job holds all it was given", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  NewJob job = new_job("job-1");
  job.root.resource_key = "rk";
  job.root.shared_drive = DriveId("0Adrive");
  job.recursive = false;
  job.idempotency_key = "key";
  job.filters.min_size = 1;
  job.filters.max_size = std::uint64_t{1} << 63;
  job.filters.mime_types = {"image/jpeg", "image/*"};
  job.filters.name_glob = "*\"é'.jpg";
  job.filters.min_width = 640;
  job.filters.min_height = 480;
  job.filters.taken_after = "2020-01-01";
  job.filters.taken_before = "2021-01-01T00:00:00";
  job.filters.modified_after = Timestamp(123ms);
  job.filters.modified_before = Timestamp(-5ms);
  const auto created = get(backend.store.create_job(kCall, job, "me", 30s));
  CHECK_FALSE(created.existed);
  const Job read = get(backend.store.job(kCall, job.id));
  CHECK(read.id == job.id);
  CHECK(read.folder_url == job.folder_url);
  CHECK(read.root.id == job.root.id);
  CHECK(read.root.name == "Holidays");
  CHECK(read.root.resource_key == "rk");
  CHECK(read.root.shared_drive == job.root.shared_drive);
  CHECK_FALSE(read.recursive);
  CHECK(read.status == JobStatus::kListing);
  CHECK_FALSE(read.listed);
  CHECK(read.filters.min_size == 1u);
  CHECK(read.filters.max_size == std::uint64_t{1} << 63);
  CHECK(read.filters.mime_types == job.filters.mime_types);
  CHECK(read.filters.name_glob == job.filters.name_glob);
  CHECK(read.filters.min_width == 640);
  CHECK(read.filters.taken_after == "2020-01-01");
  CHECK(read.filters.modified_after == Timestamp(123ms));
  CHECK(read.filters.modified_before == Timestamp(-5ms));
  CHECK(read.created_at == backend.clock.now());
  CHECK_FALSE(read.finished_at);
  CHECK_FALSE(read.trouble);
  CHECK(read.owner == "me");
  CHECK(read.epoch == created.job.epoch);
  CHECK(read.leased_until == backend.clock.now() + 30s);
  const auto folders = get(backend.store.pending_folders(kCall, job.id, 10));
  REQUIRE(folders.size() == 1);
  CHECK(folders[0].folder.id == job.root.id);
  CHECK(folders[0].folder.resource_key == "rk");
  CHECK(folders[0].path.empty());
  CHECK(folders[0].page_token.empty());
}

TEMPLATE_TEST_CASE("an idempotency key gives the same job again, and only for the same request", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  NewJob job = new_job("job-1");
  job.idempotency_key = "key";
  const auto first = get(backend.store.create_job(kCall, job, "a", 30s));
  job.id = JobId("job-2");
  const auto second = get(backend.store.create_job(kCall, job, "b", 90s));
  CHECK(second.existed);
  CHECK(second.job.id == JobId("job-1"));
  CHECK(second.job.owner == "a");
  CHECK(second.job.epoch == first.job.epoch);
  CHECK(code_of(backend.store.job(kCall, JobId("job-2"))) == ErrorCode::kNotFound);

  NewJob other = job;
  other.root.id = DriveId("elsewhere");
  CHECK(reason_of(backend.store.create_job(kCall, other, "b", 30s)) == "idempotency_key_reused");
  other = job;
  other.filters.min_size = 5;
  CHECK(code_of(backend.store.create_job(kCall, other, "b", 30s)) == ErrorCode::kConflict);
  other = job;
  other.dry_run = true;
  CHECK(code_of(backend.store.create_job(kCall, other, "b", 30s)) == ErrorCode::kConflict);

  job.idempotency_key.clear();
  CHECK_FALSE(get(backend.store.create_job(kCall, job, "b", 30s)).existed);
}

TEMPLATE_TEST_CASE("jobs are listed newest first, page by page", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  for (int i = 1; i <= 5; ++i) create(backend.store, new_job("job-" + std::to_string(i)));
  const auto first = get(backend.store.jobs(kCall, JobId(), 2));
  REQUIRE(first.size() == 2);
  CHECK(first[0].id == JobId("job-5"));
  CHECK(first[1].id == JobId("job-4"));
  const auto rest = get(backend.store.jobs(kCall, JobId("job-4"), 10));
  REQUIRE(rest.size() == 3);
  CHECK(rest[0].id == JobId("job-3"));
  CHECK(get(backend.store.jobs(kCall, JobId("job-1"), 10)).empty());
  CHECK(code_of(backend.store.jobs(kCall, JobId("none"), 10)) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("unknown jobs are not found", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobId none("none");
  CHECK(code_of(store.job(kCall, none)) == ErrorCode::kNotFound);
  CHECK(code_of(store.items(kCall, {none, std::nullopt, ItemId(0), 1})) == ErrorCode::kNotFound);
  CHECK(code_of(store.cancel_job(kCall, none)) == ErrorCode::kNotFound);
  CHECK(code_of(store.retry_job(kCall, none)) == ErrorCode::kNotFound);
  CHECK(code_of(store.claim_job(kCall, none, 1, "me", 1s)) == ErrorCode::kNotFound);
  CHECK(code_of(store.job_images(kCall, none, ItemId(0), 1)) == ErrorCode::kNotFound);
  CHECK(get(store.renew_leases(kCall, std::vector{JobLease{none, 1}}, 1s)).empty());
}

TEMPLATE_TEST_CASE("a stale epoch is refused everywhere", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease old = create(store, new_job("job-1"));
  const JobLease lease = get(store.claim_job(kCall, old.job, old.epoch, "other", 60s));
  CHECK(lease.epoch == old.epoch + 1);
  CHECK(code_of(store.claim_job(kCall, old.job, old.epoch, "third", 60s)) == ErrorCode::kConflict);
  const Job job = read(store, lease);
  CHECK(job.owner == "other");
  CHECK(job.leased_until == backend.clock.now() + 60s);

  CHECK(code_of(store.add_page(kCall, old, {DriveId("root"), {}, {}, std::nullopt}, 10)) == ErrorCode::kConflict);
  CHECK(code_of(store.restart_folder(kCall, old, DriveId("root"))) == ErrorCode::kConflict);
  CHECK(code_of(store.finish_listing(kCall, old)) == ErrorCode::kConflict);
  CHECK(code_of(store.fail_job(kCall, old, {"r", "m", "d"})) == ErrorCode::kConflict);
  CHECK(code_of(store.warn_job(kCall, old, {"r", "m", "d"})) == ErrorCode::kConflict);
  CHECK(code_of(store.group_due(kCall, old, backend.clock.now(), 10, 10)) == ErrorCode::kConflict);
  CHECK(code_of(store.ready_batches(kCall, old, BatchId(0), 10)) == ErrorCode::kConflict);

  backend.clock.advance(10s);
  const JobLease second = create(store, new_job("job-2"));
  const auto kept = get(store.renew_leases(kCall, std::vector{old, lease, second}, 60s));
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].job == lease.job);
  CHECK(kept[0].epoch == lease.epoch);
  CHECK(read(store, lease).leased_until == backend.clock.now() + 60s);
}

TEMPLATE_TEST_CASE("cancelling takes what is pending or deferred, once", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 5));
  const auto items = work(store, lease, backend.clock.now());
  REQUIRE(items.size() == 5);
  commit(store, imported(lease, items[0]));
  Outcome later = outcome_of(lease, items[1].id, ItemState::kDeferred);
  later.not_before = backend.clock.now() + 24h;
  commit(store, later);
  const Job job = get(store.cancel_job(kCall, lease.job));
  CHECK(job.status == JobStatus::kCancelled);
  CHECK(job.finished_at == backend.clock.now());
  CHECK(job.counters.cancelled == 4);
  CHECK(job.counters.imported == 1);
  CHECK(job.counters.pending == 0);
  CHECK(counts_match(store, lease));
  CHECK(work(store, lease, backend.clock.now() + 48h).empty());
  CHECK_FALSE(get(store.next_due(kCall, lease.job)));
  CHECK(get(store.unfinished_jobs(kCall)).empty());
  backend.clock.advance(1s);
  const Job again = get(store.cancel_job(kCall, lease.job));
  CHECK(again.finished_at == job.finished_at);
  CHECK(again.counters.cancelled == 4);
  CHECK(code_of(store.add_page(kCall, lease, {DriveId("root"), pictures(9, 1), {}, std::nullopt}, 10)) ==
        ErrorCode::kConflict);
}

TEMPLATE_TEST_CASE("a completed job stays completed when cancelled, unless items are deferred", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease done = listed(store, "done", {});
  CHECK(read(store, done).status == JobStatus::kCompleted);
  CHECK(get(store.cancel_job(kCall, done.job)).status == JobStatus::kCompleted);

  const JobLease lease = listed(store, "deferred", pictures(1, 1));
  Outcome later = outcome_of(lease, work(store, lease, backend.clock.now()).at(0).id, ItemState::kDeferred);
  later.not_before = backend.clock.now() + 24h;
  commit(store, later);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
  const Job job = get(store.cancel_job(kCall, lease.job));
  CHECK(job.status == JobStatus::kCancelled);
  CHECK(job.counters.cancelled == 1);
}

TEMPLATE_TEST_CASE("retry brings back what failed, was deferred or cancelled, with a clean slate", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 3));
  const auto items = work(store, lease, backend.clock.now());
  Outcome failed = outcome_of(lease, items[0].id, ItemState::kFailed);
  failed.reason = "not_an_image";
  failed.remedy = "look at it";
  failed.attempts = 5;
  failed.backoffs = 3;
  commit(store, failed);
  Outcome later = outcome_of(lease, items[1].id, ItemState::kDeferred);
  later.not_before = backend.clock.now() + 24h;
  later.backoffs = 7;
  later.retrying_since = backend.clock.now();
  commit(store, later);
  commit(store, imported(lease, items[2]));
  Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.finished_at);

  CHECK(get(store.retry_job(kCall, lease.job)) == 2);
  job = read(store, lease);
  CHECK(job.status == JobStatus::kProcessing);
  CHECK_FALSE(job.finished_at);
  CHECK(job.counters.pending == 2);
  CHECK(counts_match(store, lease));
  const auto again = work(store, lease, backend.clock.now());
  REQUIRE(again.size() == 2);
  for (const WorkItem& item : again) {
    CHECK(item.attempts == 0);
    CHECK(item.backoffs == 0);
    CHECK_FALSE(item.retrying_since);
  }
  CHECK(all_items(store, lease)[0].reason.empty());
  commit(store, imported(lease, again[0]));
  commit(store, imported(lease, again[1]));
  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("retry leaves what has nothing to be stored as it is", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  std::vector<NewItem> items = pictures(1, 2);
  items[0].state = items[1].state = ItemState::kFailed;
  items[0].reason = "shortcut_target_missing";
  items[0].remedy = "mend the shortcut";
  items[0].key = ObjectKey();
  const JobLease lease = listed(store, "job-1", items);
  CHECK(get(store.retry_job(kCall, lease.job)) == 1);
  CHECK(read(store, lease).counters.failed == 1);
  CHECK(counts_match(store, lease));
  const auto again = work(store, lease, backend.clock.now());
  REQUIRE(again.size() == 1);
  commit(store, imported(lease, again[0]));
  const auto left = all_items(store, lease);
  CHECK(left[0].state == ItemState::kFailed);
  CHECK(left[0].reason == "shortcut_target_missing");
  CHECK(left[0].remedy == "mend the shortcut");
  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("a failed job keeps its items and goes on when retried", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 3));
  get(store.group_due(kCall, lease, backend.clock.now(), 100, 10));
  get(store.fail_job(kCall, lease, {"access_not_configured", "the API is off", "switch it on"}));
  Job job = read(store, lease);
  CHECK(job.status == JobStatus::kFailed);
  CHECK(job.finished_at);
  REQUIRE(job.trouble);
  CHECK(job.trouble->reason == "access_not_configured");
  CHECK(job.trouble->remedy == "switch it on");
  CHECK(job.counters.pending == 3);
  CHECK(work(store, lease, backend.clock.now()).empty());
  CHECK_FALSE(get(store.next_due(kCall, lease.job)));
  CHECK(get(store.unfinished_jobs(kCall)).empty());

  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  job = read(store, lease);
  CHECK(job.status == JobStatus::kProcessing);
  CHECK_FALSE(job.trouble);
  CHECK_FALSE(job.finished_at);
  CHECK(work(store, lease, backend.clock.now()).size() == 3);
}

TEMPLATE_TEST_CASE("a job that failed before anything was listed can be retried", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  get(store.fail_job(kCall, lease, {"key_invalid", "the key is wrong", "set another"}));
  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  CHECK(read(store, lease).status == JobStatus::kListing);
  CHECK(get(store.pending_folders(kCall, lease.job, 10)).size() == 1);
  CHECK(get(store.unfinished_jobs(kCall)).size() == 1);
}

TEMPLATE_TEST_CASE("a job cancelled in mid-listing goes on listing when retried", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 3));
  get(store.cancel_job(kCall, lease.job));
  CHECK(code_of(store.fail_job(kCall, lease, {"r", "m", "d"})) == ErrorCode::kConflict);
  CHECK(get(store.retry_job(kCall, lease.job)) == 3);
  CHECK(read(store, lease).status == JobStatus::kListing);
  finish(store, lease);
  CHECK(work(store, lease, backend.clock.now()).size() == 3);
}

TEMPLATE_TEST_CASE("folders that were left out are told, all of them, and listed again when the job is retried",
                   "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  ListedPage root;
  root.folder = DriveId("root");
  root.items = pictures(1, 2);
  for (const char* name : {"first", "second", "third"}) {
    PendingFolder folder;
    folder.folder.id = DriveId(name);
    folder.path = name;
    folder.depth = 1;
    root.subfolders.push_back(folder);
  }
  get(store.add_page(kCall, lease, root, 100));
  for (const char* name : {"first", "second"}) {
    ListedPage nothing;
    nothing.folder = DriveId(name);
    nothing.left_out = JobTrouble{"folder_not_listed", std::string("left out: ") + name, "share it"};
    get(store.add_page(kCall, lease, nothing, 100));
  }
  ListedPage third;
  third.folder = DriveId("third");
  get(store.add_page(kCall, lease, third, 100));
  get(store.finish_listing(kCall, lease));
  Job job = read(store, lease);
  CHECK(job.status == JobStatus::kProcessing);
  REQUIRE(job.trouble);
  CHECK(job.trouble->reason == "folder_not_listed");
  CHECK(job.trouble->message == "left out: first. left out: second");
  CHECK(job.trouble->remedy == "share it");

  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  job = read(store, lease);
  CHECK(job.status == JobStatus::kListing);
  CHECK_FALSE(job.listed);
  CHECK_FALSE(job.trouble);
  std::set<std::string> open;
  for (const PendingFolder& folder : get(store.pending_folders(kCall, lease.job, 10))) {
    open.insert(folder.folder.id.value());
  }
  CHECK(open == std::set<std::string>{"first", "second"});
}

TEMPLATE_TEST_CASE("a job is found by the key it was made with", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  NewJob job = new_job("job-1");
  job.idempotency_key = "once";
  job.filters.min_size = 7;
  create(backend.store, job);
  const Job found = get(backend.store.job_by_key(kCall, "once"));
  CHECK(found.id == job.id);
  CHECK(found.filters == job.filters);
  CHECK(code_of(backend.store.job_by_key(kCall, "ONCE")) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a warning does not stop a job", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  const JobLease lease = create(backend.store, new_job("job-1"));
  get(backend.store.warn_job(kCall, lease, {"incomplete", "Drive did not search everything", ""}));
  const Job job = read(backend.store, lease);
  CHECK(job.status == JobStatus::kListing);
  REQUIRE(job.trouble);
  CHECK(job.trouble->message == "Drive did not search everything");
}

TEMPLATE_TEST_CASE("a dry run is complete when it is listed, and none of its items are given out", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  NewJob wanted = new_job("dry");
  wanted.dry_run = true;
  const JobLease lease = create(store, wanted);
  add(store, lease, pictures(1, 250));
  CHECK(work(store, lease, backend.clock.now()).empty());
  finish(store, lease);
  const Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.listed);
  CHECK(job.finished_at);
  CHECK(job.counters.pending == 250);
  CHECK(work(store, lease, backend.clock.now()).empty());
  CHECK_FALSE(get(store.next_due(kCall, lease.job)));
  CHECK(get(store.unfinished_jobs(kCall)).empty());
  CHECK(reason_of(store.retry_job(kCall, lease.job)) == "dry_run");
  CHECK(get(store.cancel_job(kCall, lease.job)).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("unfinished jobs are those being listed or processed, and those with deferred items", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  create(store, new_job("listing"));
  listed(store, "processing", pictures(1, 1));
  listed(store, "done", {});
  const JobLease deferred = listed(store, "deferred", pictures(2, 1));
  Outcome later = outcome_of(deferred, work(store, deferred, backend.clock.now()).at(0).id, ItemState::kDeferred);
  later.not_before = backend.clock.now() + 1h;
  commit(store, later);
  const JobLease failed = create(store, new_job("failed"));
  get(store.fail_job(kCall, failed, {"r", "m", "d"}));
  std::vector<std::string> names;
  for (const Job& job : get(store.unfinished_jobs(kCall))) names.push_back(job.id.value());
  CHECK(names == std::vector<std::string>{"listing", "processing", "deferred"});
}

TEMPLATE_TEST_CASE("a call that was stopped or is too late changes nothing", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  std::stop_source stop;
  stop.request_stop();
  CallContext stopped;
  stopped.stop = stop.get_token();
  CHECK(code_of(backend.store.create_job(stopped, new_job("job-1"), "me", 1s)) == ErrorCode::kCancelled);
  CallContext late;
  late.deadline = std::chrono::steady_clock::now() - 1s;
  CHECK(code_of(backend.store.create_job(late, new_job("job-1"), "me", 1s)) == ErrorCode::kDeadlineExceeded);
  CHECK(get(backend.store.jobs(kCall, JobId(), 10)).empty());
}
