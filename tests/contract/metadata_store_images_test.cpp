#include <catch2/catch.hpp>

#include "contract/metadata_store_search_check.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

JobLease import_all(MetadataStore& store, Timestamp now, const std::string& job, std::vector<NewItem> items,
                    const StorePlace& place = kPlace) {
  const JobLease lease = listed(store, job, std::move(items));
  for (const WorkItem& item : work(store, lease, now, place)) {
    const Outcome outcome = imported(lease, item);
    get(store.commit(kCall, std::span(&outcome, 1), place));
  }
  return lease;
}

ImageId id_of(MetadataStore& store, const JobLease& lease, std::size_t index = 0) {
  return all_items(store, lease).at(index).image.value();
}

}  // namespace

TEMPLATE_TEST_CASE("pages go from the newest to the oldest, with the total on each", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  CHECK(get(store.page(kCall, {}, 1, 10)).total == 0);
  import_all(store, backend.clock.now(), "job-1", pictures(1, 25));
  const auto first = get(store.page(kCall, {}, 1, 10));
  CHECK(first.total == 25);
  CHECK(ids_of(first.images) == std::vector<std::int64_t>{25, 24, 23, 22, 21, 20, 19, 18, 17, 16});
  CHECK(ids_of(get(store.page(kCall, {}, 3, 10)).images) == std::vector<std::int64_t>{5, 4, 3, 2, 1});
  const auto behind = get(store.page(kCall, {}, 4, 10));
  CHECK(behind.total == 25);
  CHECK(behind.images.empty());
  const auto far = get(store.page(kCall, {}, std::numeric_limits<std::int64_t>::max(), 500));
  CHECK(far.total == 25);
  CHECK(far.images.empty());
  CHECK(code_of(store.page(kCall, {}, 0, 10)) == ErrorCode::kInvalidArgument);
  CHECK(code_of(store.page(kCall, {}, 1, 0)) == ErrorCode::kInvalidArgument);
}

TEMPLATE_TEST_CASE("images are found by provider, job and part of the name", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  std::vector<NewItem> items = pictures(1, 4);
  items[0].file.name = "100% sharp.JPG";
  items[1].file.name = "100 percent.jpg";
  items[2].file.name = "under_score.jpg";
  items[3].file.name = "back\\slash.jpg";
  import_all(store, backend.clock.now(), "job-1", items);
  import_all(store, backend.clock.now(), "job-2", pictures(10, 2), {"aws", "b", "p"});

  const auto total = [&](const ImageQuery& query) {
    const auto page = get(store.page(kCall, query, 1, 100));
    CHECK(page.images.size() == static_cast<std::size_t>(page.total));
    CHECK(ids_of(get(store.walk(kCall, query, ImageId(0), 100))) == ids_of(page.images));
    return page.total;
  };
  CHECK(total({}) == 6);
  CHECK(total({"local", "", JobId()}) == 4);
  CHECK(total({"aws", "", JobId()}) == 2);
  CHECK(total({"azure", "", JobId()}) == 0);
  CHECK(total({"", "", JobId("job-2")}) == 2);
  CHECK(total({"local", "", JobId("job-2")}) == 0);
  CHECK(total({"", "", JobId("none")}) == 0);
  CHECK(total({"", "100%", JobId()}) == 1);
  CHECK(total({"", "R_S", JobId()}) == 1);
  CHECK(total({"", "\\", JobId()}) == 1);
  CHECK(total({"", "jpg", JobId()}) == 6);
  CHECK(total({"aws", "PHOTO", JobId("job-2")}) == 2);
  CHECK(total({"", "'; --", JobId()}) == 0);
}

TEMPLATE_TEST_CASE("a walk goes on below the last id seen", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 10));
  std::vector<std::int64_t> seen;
  ImageId before(0);
  for (auto part = get(store.walk(kCall, {}, before, 3)); !part.empty(); part = get(store.walk(kCall, {}, before, 3))) {
    for (const Image& image : part) seen.push_back(image.id.value());
    before = part.back().id;
  }
  CHECK(seen == std::vector<std::int64_t>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1});

  const auto part = get(store.job_images(kCall, lease.job, ItemId(0), 4));
  REQUIRE(part.size() == 4);
  CHECK(part[0].image.drive_id == DriveId("drive-1"));
  const auto rest = get(store.job_images(kCall, lease.job, part.back().item, 100));
  CHECK(rest.size() == 6);
}

TEMPLATE_TEST_CASE("a record in deletion is not found, nor counted, nor known", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 3));
  const ImageId id = id_of(store, lease, 1);
  const auto begun = get(store.begin_delete(kCall, id));
  CHECK(begun.last);
  CHECK(begun.key == picture(2).key);
  CHECK(begun.place == kPlace);
  const auto repeated = get(store.begin_delete(kCall, id));
  CHECK(repeated.last);
  CHECK(repeated.key == begun.key);
  CHECK(repeated.place == begun.place);
  CHECK(code_of(store.image(kCall, id)) == ErrorCode::kNotFound);
  CHECK(get(store.page(kCall, {}, 1, 10)).total == 2);
  CHECK(get(store.page(kCall, {"local", "", JobId()}, 1, 10)).images.size() == 2);
  CHECK(get(store.walk(kCall, {}, ImageId(0), 10)).size() == 2);
  CHECK(get(store.job_images(kCall, lease.job, ItemId(0), 10)).size() == 2);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 2);
  CHECK(get(store.stats(kCall)).by_provider["local"].bytes == 1001 + 1003);
  const JobLease again = listed(store, "job-2", {picture(2)});
  CHECK_FALSE(work(store, again, backend.clock.now()).at(0).known);

  get(store.finish_delete(kCall, id));
  get(store.finish_delete(kCall, id));
  CHECK(code_of(store.begin_delete(kCall, id)) == ErrorCode::kNotFound);
  CHECK(code_of(store.image(kCall, ImageId(4711))) == ErrorCode::kNotFound);
  CHECK(get(store.stats(kCall)).by_provider["local"].images == 2);
}

TEMPLATE_TEST_CASE("a deletion names the place of the record", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const StorePlace place{"aws", "photos", "a/b"};
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 1), place);
  CHECK(get(store.begin_delete(kCall, id_of(store, lease))).place == place);
  CHECK(get(store.begin_delete(kCall, ImageId(1))).place == place);
}

TEMPLATE_TEST_CASE("an item names its image as long as there is one", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 3));
  const ImageId kept = id_of(store, lease, 0);
  const ImageId going = id_of(store, lease, 1);
  const ImageId gone = id_of(store, lease, 2);
  get(store.begin_delete(kCall, going));
  get(store.begin_delete(kCall, gone));
  get(store.finish_delete(kCall, gone));
  for (const auto state : {std::optional<ItemState>(), std::optional(ItemState::kImported)}) {
    const auto items = get(store.items(kCall, {lease.job, state, ItemId(0), 10}));
    REQUIRE(items.size() == 3);
    CHECK(items[0].image == kept);
    CHECK_FALSE(items[1].image);
    CHECK_FALSE(items[2].image);
  }
}

TEMPLATE_TEST_CASE("finishing a deletion that was not begun changes nothing", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  const JobLease lease = import_all(backend.store, backend.clock.now(), "job-1", pictures(1, 1));
  get(backend.store.finish_delete(kCall, id_of(backend.store, lease)));
  CHECK(get(backend.store.image(kCall, id_of(backend.store, lease))).drive_id == DriveId("drive-1"));
}

TEMPLATE_TEST_CASE("ids of deleted records are not given again", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId id = id_of(store, import_all(store, backend.clock.now(), "job-1", pictures(1, 1)));
  get(store.begin_delete(kCall, id));
  get(store.finish_delete(kCall, id));
  CHECK(id_of(store, import_all(store, backend.clock.now(), "job-2", pictures(2, 1))) != id);
}

TEMPLATE_TEST_CASE("no commit lands on a record or a key that is going", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const ImageId id = id_of(store, import_all(store, backend.clock.now(), "job-1", pictures(1, 1)));
  const JobLease lease = listed(store, "job-2", pictures(1, 1));
  const WorkItem item = work(store, lease, backend.clock.now()).at(0);
  get(store.begin_delete(kCall, id));
  CHECK(commit(store, imported(lease, item)) == CommitEffect::kRequeued);
  CHECK(read(store, lease).counters.pending == 1);
  backend.clock.advance(1min);
  const WorkItem again = work(store, lease, backend.clock.now()).at(0);
  get(store.finish_delete(kCall, id));
  // Its object may have been uploaded before the other was removed under the same key.
  CHECK(commit(store, imported(lease, again)) == CommitEffect::kRequeued);
  const WorkItem third = work(store, lease, backend.clock.now()).at(0);
  CHECK(commit(store, imported(lease, third)) == CommitEffect::kApplied);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("garbage is given out once, and no commit lands on it meanwhile", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = listed(store, "job-1", pictures(1, 2));
  const auto items = work(store, lease, backend.clock.now());
  get(store.cancel_job(kCall, lease.job));
  for (const WorkItem& item : items) CHECK(commit(store, imported(lease, item)) == CommitEffect::kOrphaned);
  CHECK(get(store.claim_garbage(kCall, {"aws", "", ""}, 10)).empty());
  const auto claimed = get(store.claim_garbage(kCall, kPlace, 1));
  REQUIRE(claimed.size() == 1);
  const auto second = get(store.claim_garbage(kCall, kPlace, 10));
  REQUIRE(second.size() == 1);
  CHECK(second != claimed);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());

  const JobLease again = listed(store, "job-2", pictures(1, 2));
  for (const WorkItem& item : work(store, again, backend.clock.now())) {
    CHECK(commit(store, imported(again, item)) == CommitEffect::kRequeued);
  }
  get(store.forget_garbage(kCall, kPlace, claimed));
  get(store.forget_garbage(kCall, kPlace, second));
  get(store.forget_garbage(kCall, kPlace, second));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  backend.clock.advance(1min);
  for (const WorkItem& item : work(store, again, backend.clock.now())) {
    CHECK(commit(store, imported(again, item)) == CommitEffect::kApplied);
  }
  CHECK(read(store, again).status == JobStatus::kCompleted);
  backend.clock.advance(2h);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
}

TEMPLATE_TEST_CASE("an object uploaded before a removal and committed after it is asked for again", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease first = listed(store, "job-1", pictures(1, 1));
  const auto orphan = work(store, first, backend.clock.now());
  get(store.cancel_job(kCall, first.job));
  commit(store, imported(first, orphan[0]));
  const JobLease second = listed(store, "job-2", pictures(1, 1));
  const auto uploaded = work(store, second, backend.clock.now());
  const auto claimed = get(store.claim_garbage(kCall, kPlace, 10));
  get(store.forget_garbage(kCall, kPlace, claimed));
  CHECK(commit(store, imported(second, uploaded.at(0))) == CommitEffect::kRequeued);
  const auto again = work(store, second, backend.clock.now());
  REQUIRE(again.size() == 1);
  CHECK(commit(store, imported(second, again[0])) == CommitEffect::kApplied);
}

TEMPLATE_TEST_CASE("an object that comes while its key is being removed is removed once more", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease a = listed(store, "job-1", pictures(1, 1));
  const JobLease b = listed(store, "job-2", pictures(1, 1));
  const auto of_a = work(store, a, backend.clock.now());
  const auto of_b = work(store, b, backend.clock.now());
  get(store.cancel_job(kCall, a.job));
  get(store.cancel_job(kCall, b.job));
  commit(store, imported(a, of_a[0]));
  const auto claimed = get(store.claim_garbage(kCall, kPlace, 10));
  REQUIRE(claimed.size() == 1);
  commit(store, imported(b, of_b[0]));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  get(store.forget_garbage(kCall, kPlace, claimed));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == claimed);
}

TEMPLATE_TEST_CASE("a removal that was cut short is given out again", "[metadata]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 2));
  const ImageId going = id_of(store, lease, 0);
  get(store.begin_delete(kCall, going));
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  backend.clock.advance(10min);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)) == std::vector{picture(1).key});
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  backend.clock.advance(10min);
  const auto again = get(store.claim_garbage(kCall, kPlace, 10));
  CHECK(again == std::vector{picture(1).key});
  get(store.finish_delete(kCall, going));
  get(store.forget_garbage(kCall, kPlace, again));
  backend.clock.advance(10min);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(code_of(store.begin_delete(kCall, going)) == ErrorCode::kNotFound);
  CHECK(get(store.image(kCall, id_of(store, lease, 1))).drive_id == DriveId("drive-2"));
}

TEMPLATE_TEST_CASE("a deletion cut short that another record outlives takes no object", "[metadata]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", pictures(1, 1));
  NewItem copy = picture(1);
  copy.file.id = DriveId("copy");
  copy.key = ObjectKey("imports/copy/x/y.jpg");
  const JobLease sharing = listed(store, "job-2", {copy});
  const WorkItem item = work(store, sharing, backend.clock.now()).at(0);
  commit(store, relying_on(sharing, item.id, ItemState::kDeduplicated, item.known->id));
  CHECK_FALSE(get(store.begin_delete(kCall, id_of(store, lease))).last);
  backend.clock.advance(10min);
  CHECK(get(store.claim_garbage(kCall, kPlace, 10)).empty());
  CHECK(get(store.image(kCall, id_of(store, sharing))).key == picture(1).key);
  // The record is gone, so that the file can be imported anew.
  const JobLease again = listed(store, "job-3", pictures(1, 1));
  const WorkItem fresh = work(store, again, backend.clock.now()).at(0);
  CHECK(commit(store, imported(again, fresh)) == CommitEffect::kApplied);
}
