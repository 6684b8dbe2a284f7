#include <catch2/catch.hpp>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

JobLease import_all(MetadataStore& store, Timestamp now, const std::string& job, std::vector<NewItem> items) {
  const JobLease lease = listed(store, job, std::move(items));
  for (const WorkItem& item : work(store, lease, now)) commit(store, imported(lease, item));
  return lease;
}

// The same content under another Drive id.
NewItem copy_of(std::int64_t n) {
  NewItem item = picture(n);
  item.file.id = DriveId("copy-" + std::to_string(n));
  item.key = ObjectKey("imports/" + item.file.id.value() + "/" + item.file.hashes.sha256 + "/copy.jpg");
  return item;
}

// A job whose one item shares the object of an earlier one's.
JobLease deduplicated(MetadataStore& store, Timestamp now, const std::string& job, std::int64_t n) {
  const JobLease lease = listed(store, job, {copy_of(n)});
  const WorkItem item = work(store, lease, now).at(0);
  commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, item.known.value().id));
  return lease;
}

JobStore::Damage damage_of(const ImageStore::JobImage& entry) {
  return {entry.item, entry.image.id, entry.image.key, "object_missing", "retry the job"};
}

std::vector<JobStore::Damage> all_damaged(MetadataStore& store, const JobLease& lease) {
  std::vector<JobStore::Damage> damages;
  for (const auto& entry : get(store.job_images(kCall, lease.job, ItemId(0), 100))) damages.push_back(damage_of(entry));
  return damages;
}

std::int64_t report(MetadataStore& store, const JobLease& lease, const std::vector<JobStore::Damage>& damages) {
  return get(store.report_damage(kCall, lease.job, damages));
}

}  // namespace

TEMPLATE_TEST_CASE("an item whose object is damaged has failed, and its record stays", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 3));
  const auto before = all_damaged(store, lease);
  CHECK(report(store, lease, {before[1]}) == 1);
  const Item item = all_items(store, lease).at(1);
  CHECK(item.state == ItemState::kFailed);
  CHECK(item.reason == "object_missing");
  CHECK(item.remedy == "retry the job");
  CHECK_FALSE(item.image);
  const Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.failed == 1);
  CHECK(job.counters.imported == 2);
  CHECK(job.counters.bytes == 1001 + 1003);
  CHECK(counts_match(store, lease));
  CHECK(get(store.image(kCall, before[1].image)).damaged);
  CHECK_FALSE(get(store.image(kCall, before[0].image)).damaged);
  CHECK(get(store.job_images(kCall, lease.job, ItemId(0), 10)).size() == 2);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 3);

  CHECK(report(store, lease, {before[1]}) == 0);
  CHECK(read(store, lease).counters.failed == 1);
  CHECK(read(store, lease).counters.bytes == 1001 + 1003);
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("a retry stores a damaged object afresh under the same record", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 2));
  const auto damages = all_damaged(store, lease);
  report(store, lease, {damages[0]});
  CHECK(get(store.retry_job(kCall, lease.job)) == 1);
  CHECK(read(store, lease).status == JobStatus::kProcessing);
  const auto again = work(store, lease, backend.clock.now());
  REQUIRE(again.size() == 1);
  CHECK_FALSE(again[0].known);
  CHECK(commit(store, imported(lease, again[0])) == CommitEffect::kApplied);
  const Item item = all_items(store, lease).at(0);
  CHECK(item.state == ItemState::kImported);
  CHECK(item.image == damages[0].image);
  CHECK_FALSE(get(store.image(kCall, damages[0].image)).damaged);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
  CHECK(read(store, lease).counters.bytes == 1001 + 1002);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("nothing relies on a damaged record", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1));
  const auto damages = all_damaged(store, first);
  const JobLease early = listed(store, "job-2", {picture(1), copy_of(1)});
  const auto before = work(store, early, backend.clock.now());
  REQUIRE(before.at(0).known);
  report(store, first, damages);
  const auto skip = relying_on(early, before[0].id, ItemState::kSkipped, damages[0].image);
  const auto share = relying_on(early, before[1].id, ItemState::kDeduplicated, damages[0].image);
  CHECK(commit(store, skip) == CommitEffect::kRequeued);
  CHECK(commit(store, share) == CommitEffect::kRequeued);
  const auto after = work(store, early, backend.clock.now());
  REQUIRE(after.size() == 2);
  CHECK_FALSE(after[0].known);
  CHECK_FALSE(after[1].known);
  // An import of another job mends it as well.
  CHECK(commit(store, imported(early, after[0])) == CommitEffect::kApplied);
  CHECK_FALSE(get(store.image(kCall, damages[0].image)).damaged);
  const JobLease late = listed(store, "job-3", {copy_of(1)});
  CHECK(work(store, late, backend.clock.now()).at(0).known);
}

TEMPLATE_TEST_CASE("damage concerns all records that share the object, and one upload mends them", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = import_all(store, backend.clock.now(), "job-1", pictures(1, 2));
  const JobLease sharing = deduplicated(store, backend.clock.now(), "job-2", 1);
  const auto original = all_damaged(store, first);
  const auto copy = all_damaged(store, sharing);
  CHECK(report(store, sharing, copy) == 1);
  CHECK(read(store, sharing).counters.failed == 1);
  CHECK(read(store, sharing).counters.bytes == 0);
  CHECK(get(store.image(kCall, original[0].image)).damaged);
  CHECK(get(store.image(kCall, copy[0].image)).damaged);
  CHECK_FALSE(get(store.image(kCall, original[1].image)).damaged);
  CHECK(read(store, first).counters.failed == 0);
  CHECK(report(store, first, {original[0]}) == 1);

  get(store.retry_job(kCall, first.job));
  const WorkItem again = work(store, first, backend.clock.now()).at(0);
  CHECK_FALSE(again.known);
  commit(store, imported(first, again));
  CHECK_FALSE(get(store.image(kCall, original[0].image)).damaged);
  CHECK_FALSE(get(store.image(kCall, copy[0].image)).damaged);
  get(store.retry_job(kCall, sharing.job));
  const WorkItem shared = work(store, sharing, backend.clock.now()).at(0);
  REQUIRE(shared.known);
  CHECK(commit(store, relying_on(sharing, shared.id, ItemState::kSkipped, shared.known->id)) == CommitEffect::kApplied);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("a copy stored anew under its own key leaves the damaged object to the original", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1));
  const JobLease sharing = deduplicated(store, backend.clock.now(), "job-2", 1);
  const auto original = all_damaged(store, first);
  report(store, sharing, all_damaged(store, sharing));
  get(store.retry_job(kCall, sharing.job));
  commit(store, imported(sharing, work(store, sharing, backend.clock.now()).at(0)));
  const Image copy = get(store.job_images(kCall, sharing.job, ItemId(0), 1)).at(0).image;
  CHECK(copy.key == copy_of(1).key);
  CHECK_FALSE(copy.damaged);
  CHECK(get(store.image(kCall, original[0].image)).damaged);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());

  // The original may now share the copy's object; its own, which nobody has any more, goes.
  report(store, first, original);
  get(store.retry_job(kCall, first.job));
  const WorkItem item = work(store, first, backend.clock.now()).at(0);
  REQUIRE(item.known);
  CHECK(item.known->id == copy.id);
  CHECK(commit(store, relying_on(first, item.id, ItemState::kDeduplicated, copy.id)) == CommitEffect::kApplied);
  CHECK_FALSE(get(store.image(kCall, original[0].image)).damaged);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(1).key});
}

TEMPLATE_TEST_CASE("damage of an object that the record has no more is no damage", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 2));
  auto damages = all_damaged(store, lease);
  damages[0].key = ObjectKey("imports/drive-1/earlier/photo.jpg");
  get(store.begin_delete(kCall, damages[1].image));
  damages.push_back({ItemId(4711), ImageId(4711), ObjectKey("a"), "object_missing", ""});
  CHECK(report(store, lease, damages) == 0);
  CHECK(report(store, lease, {}) == 0);
  CHECK_FALSE(get(store.image(kCall, damages[0].image)).damaged);
  CHECK(read(store, lease).counters.imported == 2);
  CHECK(code_of(store.report_damage(kCall, JobId("none"), {})) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("another job's items are not failed by this job's report", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1));
  const JobLease second = listed(store, "job-2", pictures(1, 1));
  const WorkItem item = work(store, second, backend.clock.now()).at(0);
  commit(store, relying_on(second, item.id, ItemState::kSkipped, item.known.value().id));
  CHECK(report(store, second, all_damaged(store, first)) == 0);
  CHECK(read(store, first).counters.imported == 1);
  CHECK(read(store, second).counters.skipped == 1);
  CHECK(report(store, second, all_damaged(store, second)) == 1);
  CHECK(read(store, second).counters.skipped == 0);
  CHECK(read(store, second).counters.failed == 1);
  CHECK(counts_match(store, second));
  CHECK(counts_match(store, first));
}
