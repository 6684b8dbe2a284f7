#include "importer/candidates.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"

using namespace imgimport;

namespace {

SourceFile photo() {
  SourceFile file;
  file.id = DriveId("id1");
  file.name = "IMG_1.JPG";
  file.mime_type = "image/jpeg";
  file.size = 5'000;
  file.hashes.sha256 = std::string(64, 'a');
  file.image.width = 4'000;
  file.image.height = 3'000;
  file.image.taken_at = "2021-06-05T12:00:00";
  file.modified_at = from_rfc3339("2022-01-01T00:00:00Z");
  return file;
}

}  // namespace

TEST_CASE("an image becomes a pending item with its key") {
  const NewItem item = make_item(photo(), "a/b", {}, "p");
  CHECK(item.state == ItemState::kPending);
  CHECK(item.key.value() == "p/id1/" + std::string(64, 'a') + "/IMG_1.JPG");
  CHECK(item.folder_path == "a/b");
}

TEST_CASE("what is no image is kept, ignored, with the reason") {
  SourceFile document = photo();
  document.mime_type = "application/vnd.google-apps.document";
  const NewItem item = make_item(document, "", {}, "");
  CHECK(item.state == ItemState::kIgnored);
  CHECK(item.reason == "google_document");
  CHECK(item.key.value().empty());
}

TEST_CASE("a file that may not be downloaded fails without a request, with a remedy") {
  SourceFile file = photo();
  file.can_download = false;
  const NewItem item = make_item(file, "", {}, "");
  CHECK(item.state == ItemState::kFailed);
  CHECK(item.reason == "download_forbidden");
  CHECK(!item.remedy.empty());
  CHECK(!item.key.value().empty());
}

TEST_CASE("filters look at the listing only, and their bounds are inclusive") {
  const auto reason = [](auto set, SourceFile file = photo()) {
    ImportFilters filters;
    set(filters);
    return filtered_out(file, filters);
  };
  CHECK(reason([](ImportFilters&) {}).empty());
  CHECK(reason([](ImportFilters& f) { f.min_size = 5'000; }).empty());
  CHECK(reason([](ImportFilters& f) { f.min_size = 5'001; }) == "filtered_size");
  CHECK(reason([](ImportFilters& f) { f.max_size = 4'999; }) == "filtered_size");
  CHECK(reason([](ImportFilters& f) { f.mime_types = {"image/png", "image/*"}; }).empty());
  CHECK(reason([](ImportFilters& f) { f.mime_types = {"image/png"}; }) == "filtered_mime_type");
  CHECK(reason([](ImportFilters& f) { f.name_glob = "img_*.jpg"; }).empty());
  CHECK(reason([](ImportFilters& f) { f.name_glob = "*.png"; }) == "filtered_name");
  CHECK(reason([](ImportFilters& f) { f.min_width = 4'000; }).empty());
  CHECK(reason([](ImportFilters& f) { f.min_height = 3'001; }) == "filtered_dimensions");
  CHECK(reason([](ImportFilters& f) { f.taken_before = "2021-06-05"; }).empty());
  CHECK(reason([](ImportFilters& f) { f.taken_after = "2021-06-06"; }) == "filtered_date_taken");
  CHECK(reason([](ImportFilters& f) { f.modified_after = from_rfc3339("2022-01-01T00:00:01Z"); }) ==
        "filtered_date_modified");
  CHECK(reason([](ImportFilters& f) { f.modified_before = from_rfc3339("2022-01-01T00:00:00Z"); }).empty());
}

TEST_CASE("an unknown size passes a size filter; unknown dimensions and dates do not pass theirs") {
  SourceFile file = photo();
  file.size.reset();
  file.image = {};
  ImportFilters filters;
  filters.min_size = 1;
  CHECK(filtered_out(file, filters).empty());
  filters.min_width = 1;
  CHECK(filtered_out(file, filters) == "filtered_dimensions");
  filters.min_width.reset();
  filters.taken_after = "2000";
  CHECK(filtered_out(file, filters) == "filtered_date_taken");
}
