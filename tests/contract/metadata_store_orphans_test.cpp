// What becomes of objects whose uploads no commit told of: their keys come onto the list of garbage, and off it again.
#include <catch2/catch.hpp>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

using Keys = std::vector<ObjectKey>;

Keys keys_of(std::int64_t first, std::int64_t count) {
  Keys keys;
  for (const NewItem& item : pictures(first, count)) keys.push_back(item.key);
  return keys;
}

// In the order of the keys.
Keys claim(MetadataStore& store, const StorePlace& place = kPlace) {
  Keys keys = get(store.claim_garbage(kCall, place, 1000));
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Claimed and removed.
Keys sweep(MetadataStore& store, const StorePlace& place = kPlace) {
  Keys keys = claim(store, place);
  get(store.forget_garbage(kCall, place, keys));
  return keys;
}

// Its upload was begun, and nobody knows how it ended.
Outcome in_doubt(const JobLease& lease, const WorkItem& item, ItemState state) {
  Outcome outcome = outcome_of(lease, item.id, state);
  outcome.perhaps_stored = item.key;
  return outcome;
}

}  // namespace

TEMPLATE_TEST_CASE("what a killed worker may have stored is garbage once the job is cancelled", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 6), 2);
  finish(store, lease);
  const auto batches = get(store.ready_batches(kCall, lease, BatchId(0), 10));
  REQUIRE(batches.size() == 3);
  const Batch first = get(store.open_batch(kCall, {lease.job, batches[0]}, kPlace));
  CHECK(commit(store, imported(lease, first.items[0])) == CommitEffect::kApplied);
  const Batch second = get(store.open_batch(kCall, {lease.job, batches[1]}, kPlace));
  CHECK(get(store.open_batch(kCall, {lease.job, batches[1]}, kPlace)).items.size() == second.items.size());
  get(store.cancel_job(kCall, lease.job));

  // Somebody may be at it still, and would report it.
  CHECK(claim(store).empty());
  backend.clock.advance(kAbandonedGrace);
  // Neither the recorded one nor those of the batch that nobody opened.
  CHECK(claim(store, {"aws", "", ""}).empty());
  CHECK(sweep(store) == keys_of(2, 3));
  CHECK(sweep(store).empty());
  // An upload that was under way all the time, by a process that was killed at its end.
  backend.clock.advance(kUploadLimit - 1min);
  CHECK(sweep(store).empty());
  backend.clock.advance(1min);
  CHECK(sweep(store) == keys_of(2, 3));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store).empty());
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("a batch that was begun at two places is looked after at both", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const StorePlace other{"aws", "bucket", "p"};
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  work(store, lease, backend.clock.now());
  work(store, lease, backend.clock.now(), other);
  get(store.cancel_job(kCall, lease.job));
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == keys_of(1, 2));
  CHECK(sweep(store, other) == keys_of(1, 2));
}

TEMPLATE_TEST_CASE("what a record has, or shares, is no garbage of a cancelled item", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease cancelled = listed(store, "job-1", pictures(1, 3));
  work(store, cancelled, backend.clock.now());
  const JobLease other = listed(store, "job-2", pictures(1, 2));
  for (const WorkItem& item : work(store, other, backend.clock.now())) commit(store, imported(other, item));
  // The second picture's object has another record alone, by the time that it is given out.
  NewItem copy = picture(2);
  copy.file.id = DriveId("copy");
  copy.key = ObjectKey("imports/copy/v/photo.jpg");
  const JobLease sharing = listed(store, "job-3", {copy});
  const WorkItem item = work(store, sharing, backend.clock.now()).at(0);
  commit(store, relying_on(sharing, item.id, ItemState::kDeduplicated, item.known->id));
  get(store.begin_delete(kCall, *all_items(store, other).at(1).image));
  get(store.finish_delete(kCall, *all_items(store, other).at(1).image));
  get(store.cancel_job(kCall, cancelled.job));
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == keys_of(3, 1));
}

TEMPLATE_TEST_CASE("a retried job takes its keys off the list, before their removal and after it", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  get(store.retry_job(kCall, lease.job));
  const auto items = work(store, lease, backend.clock.now());
  CHECK(commit(store, imported(lease, items.at(0))) == CommitEffect::kApplied);
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == keys_of(2, 1));
  // Its batch was made before the removal, so that its object may be what was removed.
  CHECK(commit(store, imported(lease, items.at(1))) == CommitEffect::kRequeued);
  const auto again = work(store, lease, backend.clock.now());
  // However long that upload takes.
  backend.clock.advance(kUploadLimit - 1min);
  CHECK(sweep(store).empty());
  CHECK(commit(store, imported(lease, again.at(0))) == CommitEffect::kApplied);
  backend.clock.advance(kUploadLimit * 2);
  CHECK(sweep(store).empty());
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("what a cancelled item's worker reports is given out at once", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 3));
  const auto items = work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  CHECK(commit(store, imported(lease, items[0])) == CommitEffect::kOrphaned);
  CHECK(commit(store, in_doubt(lease, items[1], ItemState::kPending)) == CommitEffect::kAlreadyDone);
  const Keys claimed = claim(store);
  CHECK(claimed == keys_of(1, 1));
  // An upload that ends while its key is being removed, and one that may do so later.
  CHECK(commit(store, imported(lease, items[0])) == CommitEffect::kOrphaned);
  get(store.forget_garbage(kCall, kPlace, claimed));
  CHECK(sweep(store) == keys_of(1, 1));
  CHECK(sweep(store).empty());
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == keys_of(2, 2));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store) == keys_of(1, 3));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store).empty());
}

TEMPLATE_TEST_CASE("a failed item's object is garbage where its upload was begun, and else there is none", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 3));
  const auto items = work(store, lease, backend.clock.now());
  CHECK(commit(store, outcome_of(lease, items[0].id, ItemState::kFailed)) == CommitEffect::kApplied);
  CHECK(commit(store, in_doubt(lease, items[1], ItemState::kFailed)) == CommitEffect::kApplied);
  CHECK(commit(store, in_doubt(lease, items[2], ItemState::kFailed)) == CommitEffect::kApplied);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
  // A slower worker did better.
  CHECK(commit(store, imported(lease, items[2])) == CommitEffect::kApplied);
  CHECK(claim(store).empty());
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == keys_of(2, 1));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store) == keys_of(2, 1));
}

TEMPLATE_TEST_CASE("an upload in doubt of an item that is done otherwise is garbage, unless its record has it",
                   "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = listed(store, "job-1", pictures(1, 1));
  const auto stored = work(store, first, backend.clock.now());
  commit(store, imported(first, stored[0]));
  NewItem copy = picture(1);
  copy.file.id = DriveId("copy");
  copy.key = ObjectKey("imports/copy/v/photo.jpg");
  const JobLease second = listed(store, "job-2", {copy});
  const WorkItem item = work(store, second, backend.clock.now()).at(0);
  commit(store, relying_on(second, item.id, ItemState::kDeduplicated, item.known->id));
  CHECK(commit(store, in_doubt(first, stored[0], ItemState::kFailed)) == CommitEffect::kAlreadyDone);
  CHECK(commit(store, in_doubt(second, item, ItemState::kPending)) == CommitEffect::kAlreadyDone);
  backend.clock.advance(kAbandonedGrace);
  CHECK(sweep(store) == Keys{copy.key});
}

TEMPLATE_TEST_CASE("an item in doubt that goes on has a day to take its key off the list", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  for (const WorkItem& item : work(store, lease, backend.clock.now())) {
    CHECK(commit(store, in_doubt(lease, item, ItemState::kPending)) == CommitEffect::kApplied);
  }
  backend.clock.advance(1h);
  CHECK(sweep(store).empty());
  const auto again = work(store, lease, backend.clock.now());
  CHECK(commit(store, imported(lease, again.at(0))) == CommitEffect::kApplied);
  // Written back, and then cancelled: nobody tries that one again.
  CHECK(commit(store, outcome_of(lease, again.at(1).id, ItemState::kDeferred)) == CommitEffect::kApplied);
  get(store.cancel_job(kCall, lease.job));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store) == keys_of(2, 1));
}

TEMPLATE_TEST_CASE("a failed job's begun items are garbage only if nobody retries it for a day", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease by_import = listed(store, "job-1", pictures(1, 2));
  const auto first = work(store, by_import, backend.clock.now());
  get(store.fail_job(kCall, by_import, {"r", "m", "d"}));
  const JobLease by_worker = listed(store, "job-2", pictures(11, 3));
  const auto second = work(store, by_worker, backend.clock.now());
  Outcome stops = outcome_of(by_worker, second[0].id, ItemState::kPending);
  stops.stops_job = JobTrouble{"r", "m", "d"};
  const std::vector outcomes = {imported(by_worker, second[1]), stops};
  get(store.commit(kCall, outcomes, kPlace));
  CHECK(read(store, by_worker).status == JobStatus::kFailed);

  backend.clock.advance(1h);
  CHECK(sweep(store).empty());
  get(store.retry_job(kCall, by_import.job));
  const auto retried = work(store, by_import, backend.clock.now());
  CHECK(commit(store, imported(by_import, retried.at(0))) == CommitEffect::kApplied);
  backend.clock.advance(kUploadLimit);
  // Of the item that was written back nothing was stored; the other one of its batch may have been.
  CHECK(sweep(store) == Keys{picture(13).key, picture(2).key});
  // Even now they can be retried.
  get(store.retry_job(kCall, by_worker.job));
  for (const WorkItem& item : work(store, by_worker, backend.clock.now())) commit(store, imported(by_worker, item));
  for (const WorkItem& item : work(store, by_worker, backend.clock.now())) commit(store, imported(by_worker, item));
  CHECK(read(store, by_worker).status == JobStatus::kCompleted);
  CHECK(commit(store, imported(by_import, retried.at(1))) == CommitEffect::kRequeued);
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store) == keys_of(2, 1));
}

TEMPLATE_TEST_CASE("an object uploaded onto a key that is being removed is not forgotten with its item", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = listed(store, "job-1", pictures(1, 1));
  commit(store, imported(first, work(store, first, backend.clock.now()).at(0)));
  NewItem changed = picture(1);
  changed.file.hashes = picture(99).file.hashes;
  changed.key = ObjectKey("imports/drive-1/new/photo.jpg");
  const JobLease replacing = listed(store, "job-2", {changed});
  commit(store, imported(replacing, work(store, replacing, backend.clock.now()).at(0)));
  // The old version once more.
  const JobLease second = listed(store, "job-3", pictures(1, 1));
  const auto uploaded = work(store, second, backend.clock.now());
  const Keys claimed = claim(store);
  CHECK(claimed == keys_of(1, 1));
  CHECK(commit(store, imported(second, uploaded[0])) == CommitEffect::kRequeued);
  get(store.cancel_job(kCall, second.job));
  get(store.forget_garbage(kCall, kPlace, claimed));
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store) == keys_of(1, 1));
}

TEMPLATE_TEST_CASE("an object deleted while its key is on the list is not taken for a later upload", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = listed(store, "job-1", pictures(1, 1));
  commit(store, imported(first, work(store, first, backend.clock.now()).at(0)));
  const JobLease second = listed(store, "job-2", pictures(1, 1));
  const JobLease third = listed(store, "job-3", pictures(1, 1));
  const auto of_second = work(store, second, backend.clock.now());
  const auto of_third = work(store, third, backend.clock.now());
  const ImageId image = *all_items(store, first).at(0).image;
  get(store.begin_delete(kCall, image));
  CHECK(commit(store, imported(second, of_second[0])) == CommitEffect::kRequeued);  // onto the list
  get(store.finish_delete(kCall, image));
  CHECK(commit(store, imported(third, of_third[0])) == CommitEffect::kRequeued);
  backend.clock.advance(1min);
  CHECK(commit(store, imported(third, work(store, third, backend.clock.now()).at(0))) == CommitEffect::kApplied);
  backend.clock.advance(kUploadLimit);
  CHECK(sweep(store).empty());
}
