#include <catch2/catch.hpp>

#include "contract/metadata_store_backends.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

// Imports the pictures in a job of their own; returns their records by the items' order.
std::vector<ImageId> import_all(MetadataStore& store, Timestamp now, const std::string& job,
                                std::vector<NewItem> items) {
  const JobLease lease = listed(store, job, std::move(items));
  for (const WorkItem& item : work(store, lease, now)) commit(store, imported(lease, item));
  std::vector<ImageId> ids;
  for (const Item& item : all_items(store, lease)) ids.push_back(item.image.value());
  return ids;
}

// The same file with other content.
NewItem new_version(std::int64_t n, std::int64_t version) {
  NewItem item = picture(n);
  item.file.hashes.md5 = hex_of(n * 1000 + version, 32);
  item.file.hashes.sha256 = hex_of(n * 1000 + version, 64);
  item.key = ObjectKey("imports/" + item.file.id.value() + "/" + item.file.hashes.sha256 + "/photo.jpg");
  return item;
}

// The same content under another Drive id.
NewItem copy_of(std::int64_t n, std::int64_t copy) {
  NewItem item = picture(n);
  item.file.id = DriveId("copy-" + std::to_string(copy));
  item.file.name = "copy " + std::to_string(copy) + ".jpg";
  item.key = ObjectKey("imports/" + item.file.id.value() + "/" + item.file.hashes.sha256 + "/copy.jpg");
  return item;
}

}  // namespace

TEMPLATE_TEST_CASE("an imported item has a record that holds what is known of it", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  NewItem listed_item = picture(1);
  listed_item.file.hashes.sha1 = hex_of(1, 40);
  const JobLease lease = listed(store, "job-1", {listed_item});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  Outcome outcome = imported(lease, item);
  outcome.stored->mime_type = "image/png";
  outcome.stored->size_bytes = 4321;
  outcome.stored->hashes = {"", "", hex_of(1, 64)};
  outcome.attempts = 3;
  CHECK(commit(store, outcome) == CommitEffect::kApplied);
  const Item done = all_items(store, lease).at(0);
  CHECK(done.state == ItemState::kImported);
  CHECK(done.attempts == 3);
  REQUIRE(done.image);
  const Image image = get(store.image(kCall, *done.image));
  CHECK(image.id == *done.image);
  CHECK(image.drive_id == DriveId("drive-1"));
  CHECK(image.name == "photo 1.jpg");
  CHECK(image.folder_path == "summer");
  CHECK(image.mime_type == "image/png");
  CHECK(image.size_bytes == 4321);
  CHECK(image.place == kPlace);
  CHECK(image.key == item.key);
  CHECK(image.etag == "etag");
  CHECK(image.version_id == "v1");
  CHECK(image.job == lease.job);
  CHECK(image.created_at == backend.clock.now());
  CHECK(image.checksum_verified);
  CHECK(image.hashes == listed_item.file.hashes);
  const Job job = read(store, lease);
  CHECK(job.status == JobStatus::kCompleted);
  CHECK(job.counters.bytes == 4321);
  CHECK(job.counters.total_bytes == 1001);
}

TEMPLATE_TEST_CASE("hashes that Drive's did not match are not taken over from the listing", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 1));
  Outcome outcome = imported(lease, work(store, lease, backend.clock.now()).at(0));
  outcome.stored->hashes = {"", "", hex_of(999, 64)};
  outcome.stored->checksum_verified = false;
  commit(store, outcome);
  const Image image = get(store.walk(kCall, {}, ImageId(0), 1)).at(0);
  CHECK(image.hashes.sha256 == hex_of(999, 64));
  CHECK(image.hashes.md5.empty());
  // The same version again: known by its key, though the hashes differ.
  const JobLease again = listed(store, "job-2", pictures(1, 1));
  const WorkItem item = work(store, again, backend.clock.now()).at(0);
  REQUIRE(item.known);
  CHECK(item.known->same_drive_id);
}

TEMPLATE_TEST_CASE("the same outcome twice counts once", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  const auto items = work(store, lease, backend.clock.now());
  const std::vector outcomes = {imported(lease, items[0]), imported(lease, items[0]), imported(lease, items[1])};
  const auto effects = get(store.commit(kCall, outcomes, kPlace));
  CHECK(effects == std::vector{CommitEffect::kApplied, CommitEffect::kAlreadyDone, CommitEffect::kApplied});
  const auto again = get(store.commit(kCall, outcomes, kPlace));
  CHECK(again == std::vector(3, CommitEffect::kAlreadyDone));
  CHECK(read(store, lease).counters.imported == 2);
  CHECK(read(store, lease).counters.bytes == 1001 + 1002);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 2);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("an import replaces a failure, and never the reverse", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 1));
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  Outcome failed = outcome_of(lease, item.id, ItemState::kFailed);
  failed.reason = "corrupt";
  CHECK(commit(store, failed) == CommitEffect::kApplied);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
  CHECK(commit(store, outcome_of(lease, item.id, ItemState::kPending)) == CommitEffect::kAlreadyDone);
  CHECK(commit(store, imported(lease, item)) == CommitEffect::kApplied);
  CHECK(commit(store, failed) == CommitEffect::kAlreadyDone);
  CHECK(read(store, lease).counters.imported == 1);
  CHECK(read(store, lease).counters.failed == 0);
  CHECK(all_items(store, lease).at(0).reason.empty());
  CHECK(counts_match(store, lease));
}

TEMPLATE_TEST_CASE("outcomes that lack their evidence are refused as a whole", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  const auto items = work(store, lease, backend.clock.now());
  const std::vector outcomes = {imported(lease, items[0]), outcome_of(lease, items[1].id, ItemState::kSkipped)};
  CHECK(code_of(store.commit(kCall, outcomes, kPlace)) == ErrorCode::kInvalidArgument);
  CHECK(read(store, lease).counters.pending == 2);
  const std::vector cancelled = {outcome_of(lease, items[1].id, ItemState::kCancelled)};
  CHECK(code_of(store.commit(kCall, cancelled, kPlace)) == ErrorCode::kInvalidArgument);
  CHECK(get(store.commit(kCall, {}, kPlace)).empty());
  CHECK(commit(store, outcome_of(lease, ItemId(999), ItemState::kFailed)) == CommitEffect::kAlreadyDone);
  CHECK(commit(store, outcome_of({JobId("other"), 1}, items[0].id, ItemState::kFailed)) == CommitEffect::kAlreadyDone);
}

TEMPLATE_TEST_CASE("an unchanged file is known, and skipping it follows its new name", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId image = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  NewItem renamed = picture(1);
  renamed.file.name = "renamed.jpg";
  renamed.folder_path = "elsewhere";
  renamed.file.modified_at = Timestamp(5s);
  const JobLease lease = listed(store, "job-2", {renamed});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  REQUIRE(item.known);
  CHECK(item.known->same_drive_id);
  CHECK(item.known->id == image);
  CHECK(item.known->key == picture(1).key);
  CHECK(commit(store, relying_on(lease, item.id, ItemState::kSkipped, image)) == CommitEffect::kApplied);
  const Image record = get(store.image(kCall, image));
  CHECK(record.name == "renamed.jpg");
  CHECK(record.folder_path == "elsewhere");
  CHECK(record.drive_modified_at == Timestamp(5s));
  CHECK(record.job == JobId("job-1"));
  CHECK(read(store, lease).counters.skipped == 1);
  CHECK(get(store.job_images(kCall, lease.job, ItemId(0), 10)).at(0).image.id == image);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 1);
}

TEMPLATE_TEST_CASE("a record elsewhere is not known here", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  import_all(store, backend.clock.now(), "job-1", pictures(1, 1));
  const StorePlace other{"aws", "bucket", ""};
  const JobLease lease = listed(store, "job-2", pictures(1, 1));
  const WorkItem item = work(store, lease, backend.clock.now(), other).at(0);
  CHECK_FALSE(item.known);
  const Outcome outcome = imported(lease, item);
  CHECK(get(store.commit(kCall, std::span(&outcome, 1), other)).at(0) == CommitEffect::kApplied);
  const auto stats = get(store.stats(kCall));
  CHECK(stats.by_provider.at("local").images == 1);
  CHECK(stats.by_provider.at("aws").images == 1);
}

TEMPLATE_TEST_CASE("equal content is known by sha256, else by md5 and size", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  std::vector<NewItem> originals = pictures(1, 2);
  originals[0].file.hashes.md5.clear();
  const auto ids = import_all(store, backend.clock.now(), "job-1", originals);
  NewItem by_sha256 = copy_of(1, 1);
  by_sha256.file.size.reset();
  NewItem by_md5 = copy_of(2, 2);
  by_md5.file.hashes.sha256.clear();
  NewItem other_size = by_md5;
  other_size.file.id = DriveId("copy-3");
  other_size.file.size = 7;
  NewItem collision = copy_of(2, 4);
  collision.file.hashes.sha256 = hex_of(77, 64);
  NewItem no_hash = copy_of(1, 5);
  no_hash.file.hashes = {};
  const JobLease lease = listed(store, "job-2", {by_sha256, by_md5, other_size, collision, no_hash});
  const auto items = work(store, lease, backend.clock.now());
  REQUIRE(items.size() == 5);
  REQUIRE(items[0].known);
  CHECK(items[0].known->id == ids[0]);
  CHECK_FALSE(items[0].known->same_drive_id);
  REQUIRE(items[1].known);
  CHECK(items[1].known->id == ids[1]);
  CHECK_FALSE(items[2].known);
  CHECK_FALSE(items[3].known);
  CHECK_FALSE(items[4].known);
}

TEMPLATE_TEST_CASE("a deduplicated item has a record of its own that shares the object", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  NewItem copy = copy_of(1, 1);
  copy.file.image.camera = "Nikon";
  const JobLease lease = listed(store, "job-2", {copy});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  CHECK(commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, first)) == CommitEffect::kApplied);
  const Image record = get(store.job_images(kCall, lease.job, ItemId(0), 10)).at(0).image;
  CHECK(record.id != first);
  CHECK(record.drive_id == copy.file.id);
  CHECK(record.name == "copy 1.jpg");
  CHECK(record.key == picture(1).key);
  CHECK(record.facts.camera == "Nikon");
  CHECK(record.hashes.sha256 == picture(1).file.hashes.sha256);
  CHECK(record.size_bytes == 1001);
  CHECK(record.job == lease.job);
  CHECK(read(store, lease).counters.deduplicated == 1);
  CHECK(read(store, lease).counters.bytes == 0);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 2);

  // The object goes only with its last record.
  CHECK_FALSE(get(store.begin_delete(kCall, first)).last);
  get(store.finish_delete(kCall, first));
  const auto last = get(store.begin_delete(kCall, record.id));
  CHECK(last.last);
  CHECK(last.key == picture(1).key);
}

TEMPLATE_TEST_CASE("the first record keeps its object whatever becomes of its copies", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  const JobLease lease = listed(store, "job-2", {copy_of(1, 1), copy_of(1, 2)});
  for (const WorkItem& item : work(store, lease, backend.clock.now())) {
    commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, first));
  }
  // One copy gets other content, one is deleted.
  NewItem changed = new_version(7, 1);
  changed.file.id = DriveId("copy-1");
  import_all(store, backend.clock.now(), "job-3", {changed});
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  const ImageId copy = all_items(store, lease).at(1).image.value();
  CHECK_FALSE(get(store.begin_delete(kCall, copy)).last);
  get(store.finish_delete(kCall, copy));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(get(store.begin_delete(kCall, first)).last);
}

TEMPLATE_TEST_CASE("an object whose first record is gone is kept for one imported anew onto its key", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  const JobLease lease = listed(store, "job-2", {copy_of(1, 1)});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, first));
  get(store.begin_delete(kCall, first));
  get(store.finish_delete(kCall, first));
  import_all(store, backend.clock.now(), "job-3", pictures(1, 1));
  const ImageId copy = all_items(store, lease).at(0).image.value();
  CHECK_FALSE(get(store.begin_delete(kCall, copy)).last);
}

TEMPLATE_TEST_CASE("what a skipped or deduplicated item relies on must still be there", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId image = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  const JobLease lease = listed(store, "job-2", {picture(1), copy_of(1, 1)});
  const auto items = work(store, lease, backend.clock.now());
  get(store.begin_delete(kCall, image));
  CHECK(commit(store, relying_on(lease, items[0].id, ItemState::kSkipped, image)) == CommitEffect::kRequeued);
  get(store.finish_delete(kCall, image));
  CHECK(commit(store, relying_on(lease, items[1].id, ItemState::kDeduplicated, image)) == CommitEffect::kRequeued);
  CHECK(read(store, lease).counters.pending == 2);
  CHECK(counts_match(store, lease));
  const auto again = work(store, lease, backend.clock.now());
  REQUIRE(again.size() == 2);
  CHECK_FALSE(again[0].known);
  CHECK(commit(store, imported(lease, again[0])) == CommitEffect::kApplied);
}

TEMPLATE_TEST_CASE("a new version updates the record and gives the old object up", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId image = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  backend.clock.advance(1h);
  const NewItem changed = new_version(1, 2);
  const JobLease lease = listed(store, "job-2", {changed});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  CHECK_FALSE(item.known);
  Outcome outcome = imported(lease, item);
  outcome.stored->size_bytes = 5000;
  CHECK(commit(store, outcome) == CommitEffect::kApplied);
  const Image record = get(store.image(kCall, image));
  CHECK(record.key == changed.key);
  CHECK(record.hashes.sha256 == changed.file.hashes.sha256);
  CHECK(record.job == lease.job);
  const auto stats = get(store.stats(kCall)).by_provider["local"];
  CHECK(stats.images == 1);
  CHECK(stats.bytes == 5000);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(1).key});
}

TEMPLATE_TEST_CASE("an old object that another record shares is kept", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  const JobLease sharing = listed(store, "job-2", {copy_of(1, 1)});
  commit(store,
         relying_on(sharing, work(store, sharing, backend.clock.now()).at(0).id, ItemState::kDeduplicated, first));
  import_all(store, backend.clock.now(), "job-3", {new_version(1, 2)});
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  // The copy becomes another picture's: now nobody needs the first object.
  NewItem changed = new_version(7, 1);
  changed.file.id = DriveId("copy-1");
  import_all(store, backend.clock.now(), "job-4", {changed});
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(1).key});
}

TEMPLATE_TEST_CASE("a file that turns into a copy gives its own object up", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const auto ids = import_all(store, backend.clock.now(), "job-1", pictures(1, 2));
  NewItem turned = picture(2);
  turned.file.hashes = picture(1).file.hashes;
  turned.file.size = picture(1).file.size;
  turned.key = ObjectKey("imports/drive-2/other/photo.jpg");
  const JobLease lease = listed(store, "job-2", {turned});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  REQUIRE(item.known);
  CHECK(item.known->id == ids[0]);
  CHECK_FALSE(item.known->same_drive_id);
  CHECK(commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, ids[0])) == CommitEffect::kApplied);
  CHECK(get(store.image(kCall, ids[1])).key == picture(1).key);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(2).key});
  const auto stats = get(store.stats(kCall)).by_provider["local"];
  CHECK(stats.images == 2);
  CHECK(stats.bytes == 2002);
}

TEMPLATE_TEST_CASE("an object uploaded for a cancelled item is garbage", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  const auto items = work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  CHECK(commit(store, imported(lease, items[0])) == CommitEffect::kOrphaned);
  CHECK(commit(store, outcome_of(lease, items[1].id, ItemState::kFailed)) == CommitEffect::kAlreadyDone);
  CHECK(read(store, lease).counters.cancelled == 2);
  CHECK(read(store, lease).counters.bytes == 0);
  CHECK(get(store.stats(kCall)).by_provider.empty());
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(1).key});
}

TEMPLATE_TEST_CASE("an object of a cancelled item that a record has is kept", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 1));
  const auto items = work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  import_all(store, backend.clock.now(), "job-2", pictures(1, 1));
  CHECK(commit(store, imported(lease, items[0])) == CommitEffect::kOrphaned);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("an item cancelled in flight can be retried onto its orphaned object", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 1));
  const auto items = work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  CHECK(commit(store, imported(lease, items[0])) == CommitEffect::kOrphaned);
  get(store.retry_job(kCall, lease.job));
  const auto again = work(store, lease, backend.clock.now());
  REQUIRE(again.size() == 1);
  CHECK(commit(store, imported(lease, again[0])) == CommitEffect::kApplied);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("a late upload of an item that another worker deduplicated is garbage", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId first = import_all(store, backend.clock.now(), "job-1", pictures(1, 1)).at(0);
  const JobLease lease = listed(store, "job-2", {copy_of(1, 1)});
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  commit(store, relying_on(lease, item.id, ItemState::kDeduplicated, first));
  CHECK(commit(store, imported(lease, item)) == CommitEffect::kAlreadyDone);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{copy_of(1, 1).key});
}

TEMPLATE_TEST_CASE("outcomes of a failed job are written, and it stays failed", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 1));
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  get(store.fail_job(kCall, lease, {"r", "m", "d"}));
  CHECK(commit(store, imported(lease, item)) == CommitEffect::kApplied);
  CHECK(read(store, lease).status == JobStatus::kFailed);
  CHECK(get(store.retry_job(kCall, lease.job)) == 0);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}

TEMPLATE_TEST_CASE("a job that is still being listed is not completed by its outcomes", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = create(store, new_job("job-1"));
  add(store, lease, pictures(1, 2));
  for (const WorkItem& item : work(store, lease, backend.clock.now())) commit(store, imported(lease, item));
  CHECK(read(store, lease).status == JobStatus::kListing);
  finish(store, lease);
  CHECK(read(store, lease).status == JobStatus::kCompleted);
}
