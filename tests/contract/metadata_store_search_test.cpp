#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "contract/metadata_store_search_check.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

const StorePlace kElsewhere{"aws", "bucket", "p"};

JobLease import_all(MetadataStore& store, Timestamp now, const std::string& job, std::vector<NewItem> items,
                    const StorePlace& place = kPlace) {
  const JobLease lease = listed(store, job, std::move(items));
  std::vector<Outcome> outcomes;
  for (const WorkItem& item : work(store, lease, now, place)) outcomes.push_back(imported(lease, item));
  get(store.commit(kCall, outcomes, place));
  return lease;
}

// Pictures in folders of each other, of few cameras, on days that cross months and years; the same for the same seed.
std::vector<NewItem> varied(std::int64_t first, std::int64_t count, unsigned seed) {
  const std::array<std::string, 8> folders = {"",         "2024",      "2024/Vienna", "2024/Vienna/Zoo",
                                              "2024-old", "2023/Lake", "a/b/c/d/e",   "2024/Vienna 2"};
  const std::array<std::string, 4> cameras = {"", "Canon EOS R5", "NIKON Z 9", "Canon EOS R5 II"};
  const std::array<std::string, 9> days = {"",           "2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01",
                                           "2024-02-29", "2024-12-31", "2025-06-15", "2027-01-01"};
  const std::array<std::string, 5> names = {"IMG_", "DSC", "img 100%_", "Straße ", "写真 🏔"};
  std::mt19937 random(seed);
  const auto pick = [&](const auto& from) { return from[random() % from.size()]; };
  std::vector<NewItem> items = pictures(first, count);
  for (NewItem& item : items) {
    item.folder_path = pick(folders);
    item.file.image.camera = pick(cameras);
    const std::string day = pick(days);
    if (!day.empty()) item.file.image.taken_at = day + "T10:11:12";
    item.file.name = pick(names) + std::to_string(random() % 50) + ".jpg";
  }
  return items;
}

std::vector<ImageQuery> queries(const JobId& job) {
  std::vector<ImageQuery> all;
  for (const char* folder : {"", "2024", "2024/Vienna", "2024/Vienna/Zoo", "20", "2024/", "nowhere", "a/b"}) {
    all.push_back({.folder = folder});
    all.push_back({.text = "img", .folder = folder});
    all.push_back({.folder = folder, .camera = "Canon EOS R5", .taken_after = "2024-01-31"});
  }
  for (const auto& [after, before] : std::vector<std::pair<const char*, const char*>>{{"2024-01-01", "2024-01-01"},
                                                                                      {"2024-01-01", "2024-02-29"},
                                                                                      {"2024-01-02", "2024-01-30"},
                                                                                      {"2023-12-31", "2024-01-01"},
                                                                                      {"2023-06-01", "2026-06-01"},
                                                                                      {"2023-12-31", "2027-01-01"},
                                                                                      {"2024-02-01", ""},
                                                                                      {"", "2024-01-31"},
                                                                                      {"2024-02-01", "2024-01-31"}}) {
    all.push_back({.taken_after = after, .taken_before = before});
    all.push_back({.text = "dsc", .taken_after = after, .taken_before = before});
    all.push_back({.storage_provider = "local", .folder = "2024", .taken_after = after, .taken_before = before});
  }
  for (const char* text :
       {"img", "IMG_1", "%_", "%", "_", "1", "ß", "写真", "🏔", "写真 🏔4", "jpg", "Straße", "nothing"}) {
    all.push_back({.text = text});
    all.push_back({.storage_provider = "aws", .text = text});
    all.push_back({.text = text, .job = job});
    all.push_back({.text = text, .camera = "NIKON Z 9"});
  }
  all.push_back({.camera = "Canon EOS R5"});
  all.push_back({.camera = "canon eos r5"});
  all.push_back({.storage_provider = "aws", .camera = "NIKON Z 9"});
  all.push_back({.job = job, .folder = "2024", .camera = "NIKON Z 9"});
  return all;
}

std::string words(const ImageQuery& query) {
  return "provider " + query.storage_provider + ", q " + query.text + ", job " + query.job.value() + ", folder " +
         query.folder + ", camera " + query.camera + ", from " + query.taken_after + " to " + query.taken_before;
}

// Each query by pages and by walks, against all records.
void check_queries(MetadataStore& store, const JobId& job) {
  const std::vector<Image> all = all_images(store);
  for (const ImageQuery& query : queries(job)) {
    INFO(words(query));
    const auto wanted = expected(all, query);
    CHECK(ids_of(all_images(store, query, 7)) == wanted);
    const auto whole = get(store.page(kCall, query, 1, 500));
    CHECK(whole.total == static_cast<std::int64_t>(wanted.size()));
    CHECK_FALSE(whole.total_capped);
    CHECK(ids_of(whole.images) == wanted);
    const auto third = get(store.page(kCall, query, 3, 4));
    CHECK(third.total == whole.total);
    const auto begin = std::min<std::size_t>(8, wanted.size());
    const auto end = std::min<std::size_t>(12, wanted.size());
    CHECK(ids_of(third.images) == std::vector<std::int64_t>(wanted.begin() + static_cast<std::ptrdiff_t>(begin),
                                                            wanted.begin() + static_cast<std::ptrdiff_t>(end)));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("images are found by folder, camera, day, name and all of these together", "[metadata][search]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", varied(1, 120, 1));
  import_all(store, backend.clock.now(), "job-2", varied(500, 60, 2), kElsewhere);
  check_queries(store, lease.job);
  CHECK(lists_agree(store));
}

TEMPLATE_TEST_CASE("lists follow deletions, renames, moves and new versions", "[metadata][search]", METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  import_all(store, backend.clock.now(), "job-1", varied(1, 60, 3));
  // Of the same files: some are renamed or moved, some have new contents and other facts, some are copies now.
  std::vector<NewItem> again = varied(1, 60, 4);
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (i % 3 != 1) continue;
    again[i].file.hashes.md5 = hex_of(static_cast<std::int64_t>(1000 + i), 32);
    again[i].file.hashes.sha256 = hex_of(static_cast<std::int64_t>(1000 + i), 64);
    again[i].key = ObjectKey("imports/" + again[i].file.id.value() + "/new/photo.jpg");
  }
  const JobLease lease = listed(store, "job-2", again);
  const auto opened = work(store, lease, backend.clock.now());
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (!opened[i].known) {
      outcomes.push_back(imported(lease, opened[i]));
    } else if (i % 3 == 2) {
      // Relies on another file's record from now on.
      outcomes.push_back(relying_on(lease, opened[i].id, ItemState::kDeduplicated, opened[0].known->id));
    } else {
      outcomes.push_back(relying_on(lease, opened[i].id, ItemState::kSkipped, opened[i].known->id));
    }
  }
  get(store.commit(kCall, outcomes, kPlace));
  CHECK(all_images(store).size() == 60);
  CHECK(lists_agree(store));
  check_queries(store, lease.job);

  for (const Image& image : all_images(store)) {
    if (image.id.value() % 4 != 0) continue;
    get(store.begin_delete(kCall, image.id));
    get(store.begin_delete(kCall, image.id));
    if (image.id.value() % 8 == 0) get(store.finish_delete(kCall, image.id));
  }
  CHECK(all_images(store).size() == 45);
  CHECK(lists_agree(store));
  backend.clock.advance(10min);
  get(store.claim_garbage(kCall, kPlace, 100));
  CHECK(lists_agree(store));

  for (const Image& image : all_images(store)) {
    get(store.begin_delete(kCall, image.id));
    get(store.finish_delete(kCall, image.id));
  }
  CHECK(get(store.page(kCall, {}, 1, 10)).total == 0);
  CHECK(get(store.folders(kCall, {"", "", 10})).empty());
  CHECK(get(store.cameras(kCall, {"", "", 10})).empty());
  CHECK(lists_agree(store));
}

TEMPLATE_TEST_CASE("folders and cameras are listed by name, a part at a time", "[metadata][search]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  std::vector<NewItem> items = pictures(1, 7);
  const std::array<std::string, 7> folders = {"b/x", "a/z", "a/y/q", "a/y", "c", "", "B"};
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].folder_path = folders[i];
    items[i].file.image.camera = i % 2 == 0 ? "it's \"odd\" 100%" : "Ändere 🏔";
  }
  import_all(store, backend.clock.now(), "job-1", items);
  const auto names = [](const std::vector<ImageGroup>& groups) {
    std::vector<std::string> texts;
    for (const ImageGroup& group : groups) texts.push_back(group.name + " " + std::to_string(group.images));
    return texts;
  };
  using Names = std::vector<std::string>;
  CHECK(names(get(store.folders(kCall, {"", "", 10}))) == Names{"B 1", "a 3", "b 1", "c 1"});
  CHECK(names(get(store.folders(kCall, {"", "", 2}))) == Names{"B 1", "a 3"});
  CHECK(names(get(store.folders(kCall, {"", "a", 10}))) == Names{"b 1", "c 1"});
  CHECK(names(get(store.folders(kCall, {"", "c", 10}))).empty());
  CHECK(names(get(store.folders(kCall, {"a", "", 10}))) == Names{"a/y 2", "a/z 1"});
  CHECK(names(get(store.folders(kCall, {"a/y", "", 10}))) == Names{"a/y/q 1"});
  CHECK(names(get(store.folders(kCall, {"c", "", 10}))).empty());
  CHECK(names(get(store.folders(kCall, {"none", "", 10}))).empty());
  CHECK(names(get(store.cameras(kCall, {"", "", 10}))) == Names{"it's \"odd\" 100% 4", "Ändere 🏔 3"});
  CHECK(names(get(store.cameras(kCall, {"", "it's \"odd\" 100%", 10}))) == Names{"Ändere 🏔 3"});
}

TEMPLATE_TEST_CASE("names of every kind are found again, and odd searches find nothing", "[metadata][search]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  std::string mountains;
  for (int i = 0; i < 75; ++i) mountains += "🏔";  // 300 bytes
  const std::vector<std::string> names = {"it's \"quoted\"; DROP TABLE images; --",
                                          "100%_\\[a-z] of it",
                                          "../../etc/passwd",
                                          "日本語 🏔️ photo.jpg",
                                          std::string(300, 'x'),
                                          mountains,
                                          "a\nb\tc",
                                          "AND OR NOT NEAR(a b)",
                                          "name:x ^y* {z}",
                                          std::string("nul\0here", 8)};
  std::vector<NewItem> items = pictures(1, static_cast<std::int64_t>(names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    items[i].file.name = names[i];
    items[i].folder_path = "in/" + names[i];
    items[i].file.image.camera = names[i];
  }
  import_all(store, backend.clock.now(), "job-1", items);
  const auto found = [&](const ImageQuery& query) {
    std::vector<std::string> texts;
    for (const Image& image : get(store.page(kCall, query, 1, 100)).images) texts.push_back(image.name);
    return texts;
  };
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    INFO(names[i]);
    CHECK(found({.text = names[i]}) == std::vector{names[i]});
    CHECK(found({.folder = "in/" + names[i]}) == std::vector{names[i]});
    CHECK(found({.camera = names[i]}) == std::vector{names[i]});
  }
  const std::string replaced = "nul\xEF\xBF\xBDhere";
  CHECK(found({.text = names.back()}) == std::vector{replaced});
  CHECK(found({.text = replaced}) == std::vector{replaced});
  CHECK(found({.folder = "in/" + names.back()}) == std::vector{replaced});
  CHECK(found({.camera = names.back()}) == std::vector{replaced});
  for (const char* odd :
       {"%%%", "___", "\"\"\"", "'''", "'; DELETE FROM images; --", "**", "a*", "🙂🙂🙂", "\\\\\\", "[a]"}) {
    INFO(odd);
    CHECK(found({.text = odd}).empty());
  }
  CHECK(found({.text = "%"}) == std::vector{names[1]});
  CHECK(found({.text = "[a"}) == std::vector{names[1]});
  CHECK(found({.text = "\""}) == std::vector{names[0]});
  CHECK(found({.text = "NEAR("}) == std::vector{names[7]});
  CHECK(lists_agree(store));
}

TEMPLATE_TEST_CASE("what is asked for is counted so far and no further, and pages end there", "[metadata][search]",
                   METADATA_BACKENDS) {
  TestType backend;
  MetadataStore& store = backend.store;
  const std::int64_t images = kCountedImages + 20;
  std::vector<NewItem> items = pictures(1, images);
  items.back().folder_path = "apart";
  const JobLease lease = import_all(store, backend.clock.now(), "job-1", items);
  for (const ImageQuery& query : {ImageQuery{.job = lease.job}, ImageQuery{.folder = "summer"},
                                  ImageQuery{.text = "photo"}, ImageQuery{.text = "PHOTO", .folder = "summer"}}) {
    INFO(words(query));
    const auto first = get(store.page(kCall, query, 1, 3));
    CHECK(first.total == kCountedImages);
    CHECK(first.total_capped);
    CHECK(first.images.size() == 3);
    const auto last = get(store.page(kCall, query, 34, 300));
    CHECK(last.images.size() == 100);
    CHECK(reason_of(store.page(kCall, query, 35, 300)) == "page_too_deep");
    CHECK(reason_of(store.page(kCall, query, std::numeric_limits<std::int64_t>::max(), 500)) == "page_too_deep");
    CHECK(get(store.walk(kCall, query, ImageId(20), 100)).size() == 19);
  }
  CHECK(get(store.page(kCall, {.folder = "apart"}, 1, 3)).total == 1);
  CHECK_FALSE(get(store.page(kCall, {.text = "photo 77", .folder = "summer"}, 1, 3)).total_capped);
  for (const ImageQuery& query : {ImageQuery{}, ImageQuery{.storage_provider = "local"}}) {
    const auto deep = get(store.page(kCall, query, 101, 100));
    CHECK(deep.total == images);
    CHECK_FALSE(deep.total_capped);
    CHECK(deep.images.size() == 20);
    CHECK(deep.images.back().id == get(store.walk(kCall, {}, ImageId(2), 1)).at(0).id);
  }
}
