#include "storage/thumbnails/thumbnail_cache.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fakes/manual_clock.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

ThumbnailRequest request(const std::string& key, std::uint32_t width = 320, const std::string& version = "v1") {
  return {.key = ObjectKey(key), .version = version, .mime_type = "image/jpeg", .width = width};
}
Thumbnail thumbnail(std::string bytes) {
  return {"image/webp", std::make_shared<const std::string>(std::move(bytes))};
}
std::string kept(const ThumbnailCache& cache, const ThumbnailRequest& wanted) {
  const auto found = cache.find(wanted);
  return found.thumbnail ? *found.thumbnail->bytes : found.failure ? found.failure->reason() : "nothing";
}
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}
std::uintmax_t bytes_in(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  for (const fs::path& file : files_in(folder)) bytes += fs::file_size(file);
  return bytes;
}

struct Scene {
  TempDir dir;
  fs::path folder = dir.path() / "cache" / "thumbnails";
  ManualClock clock;
  ThumbnailCache cache{folder, 64u << 20, clock};
};

TEST_CASE("a thumbnail is found again by key, version and width", "[thumbnails]") {
  Scene scene;
  CHECK(kept(scene.cache, request("a")) == "nothing");
  scene.cache.keep(request("a"), thumbnail("small"));
  scene.cache.keep(request("a", 640), thumbnail("larger"));
  CHECK(kept(scene.cache, request("a")) == "small");
  CHECK(kept(scene.cache, request("a", 640)) == "larger");
  CHECK(scene.cache.find(request("a")).thumbnail->content_type == "image/webp");
  CHECK(kept(scene.cache, request("a", 160)) == "nothing");
  CHECK(kept(scene.cache, request("b")) == "nothing");
  CHECK(kept(scene.cache, request("a", 320, "v2")) == "nothing");
  scene.cache.keep(request("a", 320, "v2"), thumbnail("new"));
  CHECK(kept(scene.cache, request("a", 320, "v2")) == "new");
  CHECK(kept(scene.cache, request("a")) == "nothing");
  CHECK(files_in(scene.folder).size() == 2);
  // Another process, or the same after a restart.
  const ThumbnailCache again(scene.folder, 64u << 20, scene.clock);
  CHECK(kept(again, request("a", 640)) == "larger");
}

TEST_CASE("a failure is remembered for its time, whatever the width", "[thumbnails]") {
  Scene scene;
  const Error failure = Error(ErrorCode::kUnsupported, "No thumbnail can be made").with_reason("thumbnail_damaged");
  scene.cache.keep_failure(request("a"), failure, 10min);
  for (const std::uint32_t width : kThumbnailWidths)
    CHECK(kept(scene.cache, request("a", width)) == "thumbnail_damaged");
  const auto found = scene.cache.find(request("a"));
  CHECK(found.failure->message() == "No thumbnail can be made");
  CHECK(found.failure->code() == ErrorCode::kUnsupported);
  CHECK(found.failure->remedy() == kNoThumbnailRemedy);
  CHECK(kept(scene.cache, request("a", 320, "v2")) == "nothing");
  scene.clock.advance(10min);
  CHECK(kept(scene.cache, request("a")) == "nothing");
}

TEST_CASE("what was kept of an object can be forgotten", "[thumbnails]") {
  Scene scene;
  for (const std::uint32_t width : kThumbnailWidths) scene.cache.keep(request("a", width), thumbnail("x"));
  scene.cache.keep_failure(request("a"), Error(ErrorCode::kUnsupported, "no").with_reason("thumbnail_failed"), 1h);
  scene.cache.keep(request("b"), thumbnail("b"));
  scene.cache.forget(ObjectKey("a"));
  scene.cache.forget(ObjectKey("a"));
  CHECK(kept(scene.cache, request("a")) == "nothing");
  CHECK(files_in(scene.folder).size() == 1);
  CHECK(kept(scene.cache, request("b")) == "b");
}

TEST_CASE("a damaged, foreign or half-written file is as good as none", "[thumbnails]") {
  Scene scene;
  const std::string content(500, 'x');
  scene.cache.keep(request("a"), thumbnail(content));
  const fs::path file = files_in(scene.folder).front();
  const auto size = fs::file_size(file);
  const auto overwrite = [&](std::uintmax_t at, char value) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(value);
  };
  SECTION("a byte of the picture is another") {
    overwrite(size - 1, 'y');
  }
  SECTION("a byte of the head is another") {
    overwrite(3, 'y');
  }
  SECTION("it is cut off") {
    fs::resize_file(file, size - 10);
  }
  SECTION("it is empty, as after a power cut") {
    fs::resize_file(file, 0);
  }
  SECTION("it is a folder") {
    fs::remove(file);
    fs::create_directory(file);
  }
  SECTION("it is a link to elsewhere") {
    fs::rename(file, scene.dir.path() / "elsewhere");
    fs::create_symlink(scene.dir.path() / "elsewhere", file);
  }
  CHECK(kept(scene.cache, request("a")) == "nothing");
}

TEST_CASE("the folder may be emptied, or be no folder at all, while it is in use", "[thumbnails]") {
  Scene scene;
  scene.cache.keep(request("a"), thumbnail("x"));
  fs::remove_all(scene.dir.path() / "cache");
  CHECK(kept(scene.cache, request("a")) == "nothing");
  scene.cache.keep(request("a"), thumbnail("y"));
  CHECK(kept(scene.cache, request("a")) == "y");
  fs::remove_all(scene.dir.path() / "cache");
  std::ofstream(scene.dir.path() / "cache") << "a file";
  scene.cache.keep(request("a"), thumbnail("z"));
  CHECK(kept(scene.cache, request("a")) == "nothing");
  scene.cache.forget(ObjectKey("a"));
}

TEST_CASE("the folder stays within its size, and what was used last stays", "[thumbnails]") {
  TempDir dir;
  ManualClock clock;
  constexpr std::uint64_t kBytes = 1u << 20;
  const ThumbnailRequest favourite = request("favourite");
  ThumbnailCache cache(dir.path(), kBytes, clock);
  cache.keep(favourite, thumbnail(std::string(4000, 'f')));
  for (int i = 0; i < 2000; ++i) {
    cache.keep(request("key " + std::to_string(i)), thumbnail(std::string(4000, 'x')));
    clock.advance(10min);
    if (i % 4 == 0) REQUIRE(kept(cache, favourite).size() == 4000);
    if (i % 100 == 0) REQUIRE(bytes_in(dir.path()) <= kBytes);
  }
  CHECK(bytes_in(dir.path()) <= kBytes);
  CHECK(bytes_in(dir.path()) > kBytes / 2);
  CHECK(kept(cache, request("key 1999")).size() == 4000);
  CHECK(kept(cache, request("key 0")) == "nothing");
  CHECK(cache.bytes() == bytes_in(dir.path()));
  // A smaller setting takes hold of what is there.
  ThumbnailCache smaller(dir.path(), kBytes / 4, clock);
  for (int i = 0; i < 200; ++i) smaller.keep(request("more " + std::to_string(i)), thumbnail("x"));
  CHECK(bytes_in(dir.path()) <= kBytes / 4);
}

}  // namespace
}  // namespace imgimport
