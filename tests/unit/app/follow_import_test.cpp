#include "app/follow_import.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "fakes/fake_import_service.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_metadata_store.hpp"

namespace imgimport {
namespace {

// Follows the one job of a service; before each look `step` moves the world, and says whether a signal comes.
struct Scene {
  ManualClock clock;
  MemoryMetadataStore metadata{clock};
  FakeImportService imports{metadata};
  JobId job = imports.submit({}, {.folder_url = "mem:folder"}).value().job.id;
  std::vector<std::string> notes;
  int shown = 0;

  void finish_listing() {
    ListedPage page;
    page.folder = DriveId("root-folder");
    REQUIRE(metadata.add_page({}, imports.lease(), page, 100).has_value());
    REQUIRE(metadata.finish_listing({}, imports.lease()).has_value());
  }

  Result<ImportProgress> follow(const std::function<bool(int look)>& step) {
    int look = 0;
    return follow_import(imports, job,
                         {.signal_within = [&](std::chrono::milliseconds) { return step(++look); },
                          .note = [&](const std::string& text) { notes.push_back(text); },
                          .show = [&](const ImportProgress&) { ++shown; }});
  }
};

TEST_CASE("an import is followed while its database is away, until it has ended", "[app]") {
  Scene scene;
  const auto ended = scene.follow([&](int look) {
    if (look == 2) scene.imports.fail_progress(Error(ErrorCode::kUnavailable, "The database is away"));
    if (look == 5) scene.imports.fail_progress(std::nullopt);
    if (look == 6) scene.finish_listing();
    return false;
  });
  REQUIRE(ended.has_value());
  CHECK(ended->job.status == JobStatus::kCompleted);
  CHECK(scene.shown == 2);
  REQUIRE(scene.notes.size() == 5);
  CHECK_THAT(scene.notes[1], Catch::Contains("The database is away"));
  CHECK(scene.notes[4].empty());
}

TEST_CASE("an error that does not pass, or one that a signal meets, ends the wait", "[app]") {
  Scene scene;
  scene.imports.fail_progress(Error(ErrorCode::kInternal, "broken"));
  CHECK(scene.follow([](int) { return false; }).error().message() == "broken");
  scene.imports.fail_progress(Error(ErrorCode::kUnavailable, "away"));
  CHECK(scene.follow([](int look) { return look == 3; }).error().message() == "away");
}

TEST_CASE("a signal ends the wait with how far the import is", "[app]") {
  Scene scene;
  const auto interrupted = scene.follow([](int look) { return look == 2; });
  REQUIRE(interrupted.has_value());
  CHECK_FALSE(has_ended(interrupted->job.status));
}

}  // namespace
}  // namespace imgimport
