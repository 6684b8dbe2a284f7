#include "storage/local/local_store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <string>

#include "base/system_clock.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_blob.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Everything below a folder, files and folders, relative to it.
std::set<std::string> tree(const fs::path& top) {
  std::set<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    paths.insert(fs::relative(entry.path(), top).string());
  }
  return paths;
}

std::string refusal(const fs::path& data_dir) {
  const auto store = LocalStore::open(data_dir, kClock);
  return store.has_value() ? std::string()
                           : std::string(to_string(store.error().code())) + " " + store.error().reason();
}

TEST_CASE("an object is a plain file under its key, and nothing else lies under objects", "[local_store]") {
  const TempDir dir;
  const auto store = LocalStore::open(dir.path() / "data", kClock, "photos").value();
  CHECK(store->place({}).value() == StorePlace{.provider = "local", .bucket = {}, .prefix = "photos"});
  REQUIRE(store->put({}, ObjectKey("photos/id/tag/a.jpg"), MemoryBlob("bytes"), {}).has_value());
  CHECK_FALSE(store->put({}, ObjectKey("photos/id/tag/b.jpg"), StreamBlob("bytes", {.size = 9}), {}).has_value());
  const fs::path objects = dir.path() / "data" / "objects";
  CHECK(tree(objects) == std::set<std::string>{"photos", "photos/id", "photos/id/tag", "photos/id/tag/a.jpg"});
  CHECK(read_file(objects / "photos/id/tag/a.jpg") == "bytes");
}

TEST_CASE("tickets end by the clock that the store was given, and are not made for a call that is over",
          "[local_store]") {
  const TempDir dir;
  ManualClock clock;
  const auto store = LocalStore::open(dir.path(), clock).value();
  clock.advance(std::chrono::hours(5));
  const PlannedPut plan{.key = ObjectKey("a/b/c")};
  CHECK(store->tickets({}, std::span(&plan, 1))->front().expires_at == clock.now() + kLocalTicketLife);
  std::stop_source stop;
  stop.request_stop();
  CallContext over;
  over.stop = stop.get_token();
  CHECK(store->tickets(over, std::span(&plan, 1)).error().code() == ErrorCode::kCancelled);
}

TEST_CASE("nothing half-written is left by puts, whatever became of them", "[local_store]") {
  const TempDir dir;
  const auto store = LocalStore::open(dir.path(), kClock).value();
  REQUIRE(store->put({}, ObjectKey("a/b/c"), MemoryBlob("bytes"), {}).has_value());
  CHECK_FALSE(store->put({}, ObjectKey("a/b/d"), StreamBlob("bytes", {.size = 9}), {}).has_value());
  CHECK_FALSE(store->put({}, ObjectKey("a/b/c/d"), MemoryBlob("below a file"), {}).has_value());
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir.path() / "incoming")) {
    if (entry.is_regular_file()) files.insert(entry.path().filename().string());
  }
  CHECK(files == std::set<std::string>{"lock"});
}

TEST_CASE("a removed object takes its empty folders along, and those alone", "[local_store]") {
  const TempDir dir;
  const auto store = LocalStore::open(dir.path(), kClock).value();
  REQUIRE(store->put({}, ObjectKey("p/id/one/a"), MemoryBlob("1"), {}).has_value());
  REQUIRE(store->put({}, ObjectKey("p/id/two/b"), MemoryBlob("2"), {}).has_value());
  REQUIRE(store->remove({}, ObjectKey("p/id/one/a")).has_value());
  CHECK(tree(dir.path() / "objects") == std::set<std::string>{"p", "p/id", "p/id/two", "p/id/two/b"});
  REQUIRE(store->remove({}, ObjectKey("p/id/two/b")).has_value());
  CHECK(tree(dir.path() / "objects").empty());
  fs::create_directories(dir.path() / "objects/p/id/cut-short");
  REQUIRE(store->remove({}, ObjectKey("p/id/cut-short/c")).has_value());
  CHECK(tree(dir.path() / "objects").empty());
}

TEST_CASE("a start removes what dead processes left, and leaves the living alone", "[local_store]") {
  const TempDir dir;
  const fs::path incoming = dir.path() / "incoming";
  write_file(incoming / "dead-one" / "17", "half");
  write_file(incoming / "dead-one" / "lock", "1\n");
  write_file(incoming / "dead-two" / "3", "half");
  fs::create_directories(incoming / "dead-three");
  const auto living = LocalStore::open(dir.path(), kClock).value();
  CHECK(std::distance(fs::directory_iterator(incoming), {}) == 1);
  {
    const auto second = LocalStore::open(dir.path(), kClock).value();
    CHECK(std::distance(fs::directory_iterator(incoming), {}) == 2);
    CHECK(living->put({}, ObjectKey("a/b/c"), MemoryBlob("1"), {}).has_value());
    CHECK(second->put({}, ObjectKey("a/b/c"), MemoryBlob("2"), {}).has_value());
  }
  CHECK(std::distance(fs::directory_iterator(incoming), {}) == 1);
  CHECK(read_file(dir.path() / "objects/a/b/c") == "2");
}

TEST_CASE("a link below objects leads nowhere", "[local_store]") {
  const TempDir dir;
  const fs::path outside = dir.path() / "outside";
  write_file(outside / "tag" / "secret.jpg", "secret");
  const auto store = LocalStore::open(dir.path() / "data", kClock).value();
  const fs::path objects = dir.path() / "data" / "objects";
  fs::create_directory_symlink(outside, objects / "id");
  fs::create_directories(objects / "p" / "real");
  fs::create_symlink(outside / "tag" / "secret.jpg", objects / "p" / "real" / "link.jpg");
  fs::create_directory_symlink(outside, objects / "p" / "id");

  for (const char* key : {"id/tag/secret.jpg", "p/id/tag/secret.jpg", "p/real/link.jpg"}) {
    CAPTURE(key);
    const auto got = store->get({}, ObjectKey(key), std::nullopt);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code() == ErrorCode::kNotFound);
  }
  for (const char* key : {"id/tag/new.jpg", "id/fresh/new.jpg", "p/id/tag/new.jpg", "p/id/fresh/new.jpg", "id/new.jpg",
                          "id/x/y/z/new.jpg"}) {
    CAPTURE(key);
    const auto put = store->put({}, ObjectKey(key), MemoryBlob("x"), {});
    REQUIRE_FALSE(put.has_value());
    CHECK(put.error().code() == ErrorCode::kConflict);
  }
  CHECK(store->remove({}, ObjectKey("id/tag/secret.jpg")).has_value());
  CHECK(tree(outside) == std::set<std::string>{"tag", "tag/secret.jpg"});
  // In the last place a link is no object either: a put replaces the link itself.
  CHECK(store->put({}, ObjectKey("p/real/link.jpg"), MemoryBlob("mine"), {}).has_value());
  CHECK(read_file(outside / "tag" / "secret.jpg") == "secret");
}

TEST_CASE("folders and pipes are no objects, and no object goes where they are needed", "[local_store]") {
  const TempDir dir;
  const auto store = LocalStore::open(dir.path(), kClock).value();
  REQUIRE(store->put({}, ObjectKey("a/b/c"), MemoryBlob("x"), {}).has_value());
  REQUIRE(::mkfifo((dir.path() / "objects/a/pipe").c_str(), 0644) == 0);
  for (const char* key : {"a", "a/b", "a/b/c/d", "a/pipe"}) {
    CAPTURE(key);
    const auto got = store->get({}, ObjectKey(key), std::nullopt);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code() == ErrorCode::kNotFound);
  }
  CHECK(store->remove({}, ObjectKey("a/b")).has_value());
  CHECK(store->put({}, ObjectKey("a/b"), MemoryBlob("x"), {}).error().code() == ErrorCode::kConflict);
  CHECK(store->put({}, ObjectKey("a/b/c/d"), MemoryBlob("x"), {}).error().code() == ErrorCode::kConflict);
  CHECK(read_file(dir.path() / "objects/a/b/c") == "x");
}

TEST_CASE("a data directory that cannot work is refused with its reason", "[local_store]") {
  const TempDir dir;
  write_file(dir.path() / "file", "x");
  CHECK(refusal(dir.path() / "file") == "misconfigured not_a_folder");
  CHECK(refusal(dir.path() / "file" / "below") == "misconfigured not_a_folder");
  write_file(dir.path() / "data" / "objects", "x");
  CHECK(refusal(dir.path() / "data") == "misconfigured not_a_folder");
  CHECK(refusal("/proc/imgimport-test") == "misconfigured no_such_place");
}

// The body runs as an ordinary user in a process of its own, for root may write everywhere. Its result is the exit
// code.
template <class Body>
int as_ordinary_user(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a data directory without the right to write is refused at the start", "[local_store]") {
  const TempDir dir;
  fs::permissions(dir.path(), fs::perms(0755));
  fs::create_directories(dir.path() / "data" / "objects");
  fs::create_directories(dir.path() / "data" / "incoming");
  fs::permissions(dir.path() / "data" / "incoming", fs::perms(0555));
  fs::permissions(dir.path() / "data" / "objects", fs::perms(0555));
  CHECK(as_ordinary_user([&] { return refusal(dir.path() / "data") == "misconfigured no_permission" ? 0 : 1; }) == 0);
  CHECK(as_ordinary_user([&] { return refusal(dir.path() / "new") == "misconfigured no_permission" ? 0 : 1; }) == 0);
}

TEST_CASE("a full disk and other trouble become errors with a remedy", "[local_store]") {
  for (const int number : {ENOSPC, EDQUOT, EFBIG}) {
    const Error error = file_error(number, "store object a");
    CHECK(error.code() == ErrorCode::kOutOfSpace);
    CHECK_FALSE(error.remedy().empty());
  }
  CHECK(file_error(EROFS, "x").code() == ErrorCode::kMisconfigured);
  CHECK(file_error(EACCES, "x").code() == ErrorCode::kMisconfigured);
  CHECK(file_error(EIO, "x").code() == ErrorCode::kUnavailable);
  CHECK(file_error(EMFILE, "x").code() == ErrorCode::kUnavailable);
}

TEST_CASE("a write to a full disk reports it", "[local_store]") {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) return;
  const std::string bytes(100, 'x');
  CHECK(write_all(full.get(), std::as_bytes(std::span(bytes))) == ENOSPC);
}

}  // namespace
}  // namespace imgimport
