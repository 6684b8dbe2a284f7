// Thumbnails of images that were made to do harm, by decoders that crash and hang.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.hpp"
#include "base/system_clock.hpp"
#include "fakes/memory_blob.hpp"
#include "fakes/memory_object_store.hpp"
#include "imaging/confinement.hpp"
#include "imaging/decoder_main.hpp"
#include "imaging/decoder_process.hpp"
#include "storage/thumbnails/thumbnail_maker.hpp"
#include "support/pictures.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

Result<Picture> shrink(DecoderProcess& decoder, const std::string& image, std::uint32_t width = 160) {
  const MemoryBlob blob(image);
  const auto reader = blob.open({}).value();
  return decoder.shrink({}, {.width = width}, *reader, image.size());
}

const std::string& photo() {
  static const std::string jpeg = encoded(flag(600, 400), "jpg");
  return jpeg;
}

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((value >> shift) & 0xff);
  return text;
}

std::uint32_t crc_of(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
  }
  return ~crc;
}

std::string png_chunk(const std::string& type, const std::string& body) {
  return big_endian(static_cast<std::uint32_t>(body.size())) + type + body + big_endian(crc_of(type + body));
}

// A head that promises much, and next to nothing behind it.
std::string png_bomb(std::uint32_t width, std::uint32_t height) {
  return "\x89PNG\r\n\x1a\n" +
         png_chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\x06\0\0\1", 5)) +
         png_chunk("IDAT", std::string("\x78\x9c\x63\0\0\0\0\1\0\1", 10)) + png_chunk("IEND", "");
}

std::string gif_bomb() {
  return std::string("GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\1\0;",
                     35);
}

std::string tiff_bomb(std::uint32_t width, std::uint32_t height) {
  std::string file("II*\0\x08\0\0\0", 8);
  const auto little = [](std::uint32_t value) {
    std::string text = big_endian(value);
    return std::string(text.rbegin(), text.rend());
  };
  const std::pair<std::uint16_t, std::uint32_t> entries[] = {{0x100, width}, {0x101, height}, {0x102, 8},
                                                             {0x103, 1},     {0x106, 1},      {0x111, 200},
                                                             {0x115, 1},     {0x116, height}, {0x117, 10}};
  file += std::string("\x09\0", 2);
  for (const auto& [tag, value] : entries) {
    file += static_cast<char>(tag & 0xff);
    file += static_cast<char>(tag >> 8);
    file += std::string("\4\0", 2) + little(1) + little(value);
  }
  return file + std::string(200, '\0');
}

// A decoder that is none: what it does instead.
struct FakeDecoder {
  TempDir dir;
  std::string program = (dir.path() / "decoder").string();
  explicit FakeDecoder(const std::string& does) {
    std::ofstream(program) << "#!/bin/sh\n" << does << "\n";
    fs::permissions(program, fs::perms::owner_all);
  }
  DecoderOptions options(std::chrono::milliseconds time) const {
    DecoderOptions decoder;
    decoder.program = program;
    decoder.time = time;
    return decoder;
  }
};

TEST_CASE("an image that promises more pixels than there may be is refused by its head", "[thumbnails][fault]") {
  DecoderProcess decoder({});
  for (const std::string& bomb :
       {png_bomb(100'000, 100'000), png_bomb(1u << 30, 1), gif_bomb(), tiff_bomb(60'000, 60'000)}) {
    INFO(bomb.substr(0, 4));
    const auto picture = shrink(decoder, bomb);
    REQUIRE_FALSE(picture.has_value());
    CHECK(blames_the_image(picture.error()));
    CHECK(picture.error().reason() != "image_unsupported");
  }
  const auto large = shrink(decoder, png_bomb(100'000, 100'000));
  CHECK(large.error().reason() == "image_too_large");
  CHECK(large.error().message() == "it has 100000 x 100000 pixels; 256 million are the most");
  CHECK(decoder.is_running());
  CHECK(shrink(decoder, photo()).has_value());
}

TEST_CASE("a large image is shrunk within the memory of a decoder", "[thumbnails][fault]") {
  // Two hundred million pixels, read row by row.
  DecoderProcess decoder({});
  const std::string image = encoded(flag(200, 200), "png[compression=1]", {"zoom IN OUT 70 70"});
  const auto picture = shrink(decoder, image);
  INFO((picture.has_value() ? std::string() : picture.error().message()));
  CHECK(picture.has_value());
}

TEST_CASE("an image that needs more memory than a decoder may have takes nobody with it", "[thumbnails][fault]") {
  if (kUnderSanitizer) return;  // which cannot live with a bound
  DecoderOptions options;
  options.limits.address_space_bytes = 448u << 20;
  DecoderProcess decoder(options);
  CHECK(shrink(decoder, photo()).has_value());
  // Interlaced: the whole of it at once.
  const std::string image = encoded(flag(100, 100), "png[interlace,compression=1]", {"zoom IN OUT 120 120"});
  const auto picture = shrink(decoder, image);
  REQUIRE_FALSE(picture.has_value());
  CHECK((picture.error().reason() == "decoder_crashed" || picture.error().reason() == "image_damaged"));
  CHECK(shrink(decoder, photo()).has_value());
}

TEST_CASE("truncated and twisted files of every format are refused or shown, and the decoder goes on",
          "[thumbnails][fault]") {
  DecoderOptions options;
  options.images = 100'000;
  DecoderProcess decoder(options);
  REQUIRE(shrink(decoder, photo()).has_value());
  const pid_t child = decoder.child();
  std::uint32_t random = 7;
  for (const char* ending :
       {"jpg", "png", "webp", "tif[compression=deflate]", "gif", "heic[speed=8]", "avif[speed=8]"}) {
    const std::string image = encoded(noise(90, 60), ending);
    for (int i = 0; i < 40; ++i) {
      std::string broken = image;
      random = random * 1664525 + 1013904223;
      if (i % 2 == 0) broken.resize(random % broken.size());
      for (int turn = 0; turn < i % 5; ++turn) {
        random = random * 1664525 + 1013904223;
        if (!broken.empty()) broken[random % broken.size()] = static_cast<char>(random >> 24);
      }
      const auto picture = shrink(decoder, broken);
      INFO(ending << " " << i);
      CHECK((picture.has_value() || blames_the_image(picture.error())));
    }
  }
  CHECK(decoder.child() == child);
}

TEST_CASE("more bytes than a decoder may have are not even sent", "[thumbnails][fault]") {
  DecoderOptions options;
  options.limits.input_bytes = 1000;
  DecoderProcess decoder(options);
  const auto picture = shrink(decoder, std::string(1001, 'x'));
  CHECK(picture.error().reason() == "image_too_large");
  CHECK_FALSE(decoder.is_running());
}

TEST_CASE("a decoder that hangs is killed when its time is over", "[thumbnails][fault]") {
  const FakeDecoder hanging("exec sleep 1000");
  DecoderProcess decoder(hanging.options(200ms));
  const auto begin = std::chrono::steady_clock::now();
  const auto picture = shrink(decoder, photo());
  REQUIRE_FALSE(picture.has_value());
  CHECK(picture.error().reason() == "decoder_too_slow");
  CHECK(std::chrono::steady_clock::now() - begin < 8s);
  CHECK_FALSE(decoder.is_running());
}

TEST_CASE("a decoder that stops in the middle is killed, and another one takes over", "[thumbnails][fault]") {
  DecoderOptions options;
  options.time = kUnderSanitizer ? 8s : 4s;  // its start is in it
  DecoderProcess decoder(options);
  REQUIRE(shrink(decoder, photo()).has_value());
  const pid_t first = decoder.child();
  REQUIRE(::kill(first, SIGSTOP) == 0);
  CHECK(shrink(decoder, photo()).error().reason() == "decoder_too_slow");
  CHECK(::kill(first, 0) != 0);
  CHECK(shrink(decoder, photo()).has_value());
  CHECK(decoder.child() != first);
}

TEST_CASE("a decoder that crashes is replaced", "[thumbnails][fault]") {
  for (const char* does : {"kill -SEGV $$", "exit 0", "exit 7"}) {
    INFO(does);
    const FakeDecoder crashing(does);
    DecoderProcess decoder(crashing.options(20s));
    for (int i = 0; i < 2; ++i) CHECK(shrink(decoder, photo()).error().reason() == "decoder_crashed");
  }
  DecoderProcess decoder({});
  REQUIRE(shrink(decoder, photo()).has_value());
  ::kill(decoder.child(), SIGKILL);
  CHECK(shrink(decoder, photo()).error().reason() == "decoder_crashed");
  CHECK(shrink(decoder, photo()).has_value());
}

TEST_CASE("what a decoder says is not believed", "[thumbnails][fault]") {
  // No answer of ours; and an answer that is larger than any.
  for (const char* says : {"head -c 100000 /dev/zero >&0; exec sleep 1000",
                           R"(printf '1GMI\1\0\0\0\1\0\0\0\1\0\0\0\377\377\377\377\377\0\0\0' >&0; exec sleep 1000)"}) {
    INFO(says);
    const FakeDecoder lying(says);
    DecoderProcess decoder(lying.options(20s));
    CHECK(shrink(decoder, photo()).error().reason() == "decoder_crashed");
  }
  DecoderOptions nowhere;
  nowhere.program = "/nonexistent";
  DecoderProcess none(nowhere);
  CHECK(shrink(none, photo()).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a decoder is replaced after its share of images", "[thumbnails][fault]") {
  DecoderOptions options;
  options.images = 3;
  DecoderProcess decoder(options);
  REQUIRE(shrink(decoder, photo()).has_value());
  const pid_t first = decoder.child();
  REQUIRE(shrink(decoder, photo()).has_value());
  CHECK(decoder.child() == first);
  REQUIRE(shrink(decoder, photo()).has_value());
  REQUIRE(shrink(decoder, photo()).has_value());
  CHECK(decoder.child() != first);
}

TEST_CASE("a decoder dies with the thread that started it", "[thumbnails][fault]") {
  DecoderProcess decoder({});
  std::thread([&] { (void)shrink(decoder, photo()).has_value(); }).join();
  CHECK(shrink(decoder, photo()).error().reason() == "decoder_crashed");
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("a decoder has nothing but its socket, and may do next to nothing", "[thumbnails][fault]") {
  ::setenv("IMGIMPORT_TEST_SECRET", "a key", 1);
  DecoderProcess decoder({});
  REQUIRE(shrink(decoder, photo()).has_value());
  const fs::path process = "/proc/" + std::to_string(decoder.child());
  const std::string status = text_of(process / "status");
  CHECK(status.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(text_of(process / "environ").find("SECRET") == std::string::npos);
  if (kUnderSanitizer) return;
  CHECK(status.find("Seccomp:\t2") != std::string::npos);
  const std::string limits = text_of(process / "limits");
  CHECK(limits.find("Max address space         1073741824           1073741824") != std::string::npos);
  CHECK(limits.find("Max file size             0                    0") != std::string::npos);
  CHECK(limits.find("Max core file size        0                    0") != std::string::npos);
  CHECK(text_of(process / "oom_score_adj") == "1000\n");
  std::error_code error;
  std::vector<std::string> descriptors;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
    descriptors.push_back(it->path().filename().string());
  }
  // Only root may look.
  if (!error) CHECK(descriptors.size() == 3);
}

// --- the service around it ------------------------------------------------------------------------------------------

// A store whose reads can be held, and that counts them.
class SlowStore : public MemoryObjectStore {
 public:
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override {
    {
      std::unique_lock lock(mutex_);
      ++gets_;
      changed_.notify_all();
      changed_.wait(lock, context.stop, [this] { return !holds_; });
    }
    if (fails) return Error(ErrorCode::kUnavailable, "the store is away");
    return MemoryObjectStore::get(context, key, range);
  }
  void hold() { set_holds(true); }
  void release() { set_holds(false); }
  int gets() {
    const std::scoped_lock lock(mutex_);
    return gets_;
  }
  void wait_for_gets(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return gets_ >= count; });
  }
  std::atomic<bool> fails{false};

 private:
  void set_holds(bool holds) {
    const std::scoped_lock lock(mutex_);
    holds_ = holds;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  int gets_ = 0;        // guarded by mutex_
  bool holds_ = false;  // guarded by mutex_
};

struct Service {
  explicit Service(ThumbnailOptions options = {}) {
    options.cache_folder = dir.path() / "cache";
    maker = std::make_unique<ThumbnailMaker>(std::move(options), store, clock, metrics);
  }
  ObjectKey add(const std::string& name, const std::string& bytes) {
    const ObjectKey key(name);
    REQUIRE(store.put({}, key, MemoryBlob(bytes), {}).has_value());
    return key;
  }
  std::future<Result<Thumbnail>> ask(const ObjectKey& key, const CallContext& context = {}) {
    auto promise = std::make_shared<std::promise<Result<Thumbnail>>>();
    auto future = promise->get_future();
    maker->make(context, {.key = key, .version = "v", .mime_type = "image/jpeg", .width = 160},
                [promise](Result<Thumbnail> result) { promise->set_value(std::move(result)); });
    return future;
  }
  std::string metric(const std::string& name) {
    const std::string text = metrics.render();
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? ""
                                   : text.substr(at + name.size() + 2, text.find('\n', at + 1) - at - name.size() - 2);
  }

  TempDir dir;
  SystemClock clock;
  MetricsRegistry metrics;
  SlowStore store;
  std::unique_ptr<ThumbnailMaker> maker;
};

TEST_CASE("sixty-four threads that ask at once get it from one reading of the object", "[thumbnails][fault]") {
  Service service;
  const ObjectKey key = service.add("a", photo());
  service.store.hold();
  std::vector<std::future<Result<Thumbnail>>> answers(64);
  {
    std::vector<std::jthread> threads;
    for (auto& answer : answers) threads.emplace_back([&] { answer = service.ask(key); });
  }
  service.store.wait_for_gets(1);
  service.store.release();
  std::shared_ptr<const std::string> bytes;
  for (auto& answer : answers) {
    const auto thumbnail = answer.get();
    REQUIRE(thumbnail.has_value());
    if (!bytes) bytes = thumbnail->bytes;
    CHECK(thumbnail->bytes == bytes);
  }
  CHECK(service.store.gets() == 1);
  CHECK(service.metric("imgimport_thumbnails_total{outcome=\"made\"}") == "1");
  CHECK(service.metric("imgimport_thumbnails_waiting") == "0");
}

TEST_CASE("beyond the bound askers are turned away at once, and room is made by those who left",
          "[thumbnails][fault]") {
  ThumbnailOptions options;
  options.processes = 1;
  options.max_waiting = 10;
  Service service(options);
  for (int i = 0; i < 20; ++i) service.add("image-" + std::to_string(i), photo());
  service.store.hold();
  std::stop_source leaving;
  CallContext leaves;
  leaves.stop = leaving.get_token();
  std::vector<std::future<Result<Thumbnail>>> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.push_back(service.ask(ObjectKey("image-" + std::to_string(i)), i == 0 ? CallContext{} : leaves));
    if (i == 0) service.store.wait_for_gets(1);
  }
  const auto refused = service.ask(ObjectKey("image-10")).get();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason() == "thumbnails_busy");
  CHECK(refused.error().code() == ErrorCode::kUnavailable);
  CHECK(refused.error().retry_after() == 2000ms);
  leaving.request_stop();
  auto taken = service.ask(ObjectKey("image-11"));
  for (int i = 1; i < 10; ++i)
    CHECK(waiting[static_cast<std::size_t>(i)].get().error().code() == ErrorCode::kCancelled);
  service.store.release();
  CHECK(waiting[0].get().has_value());
  CHECK(taken.get().has_value());
  CHECK(service.store.gets() == 2);  // nothing was read for those who left
}

TEST_CASE("an image whose askers have left while it waited is not read", "[thumbnails][fault]") {
  ThumbnailOptions options;
  options.processes = 1;
  Service service(options);
  const ObjectKey first = service.add("first", photo());
  const ObjectKey second = service.add("second", photo());
  service.store.hold();
  auto made = service.ask(first);
  service.store.wait_for_gets(1);
  std::stop_source leaving;
  CallContext leaves;
  leaves.stop = leaving.get_token();
  auto left = service.ask(second, leaves);
  leaving.request_stop();
  service.store.release();
  CHECK(made.get().has_value());
  CHECK(left.get().error().code() == ErrorCode::kCancelled);
  CHECK(service.store.gets() == 1);
}

TEST_CASE("what crashes or hangs a decoder is remembered for a while; what the store does is not",
          "[thumbnails][fault]") {
  const FakeDecoder crashing("exit 1");
  ThumbnailOptions options;
  options.decoder.program = crashing.program;
  options.remember_failed = 300s;
  Service service(options);
  const ObjectKey key = service.add("a", photo());
  service.store.fails = true;
  CHECK(service.ask(key).get().error().code() == ErrorCode::kUnavailable);
  service.store.fails = false;
  const auto failed = service.ask(key).get();
  CHECK(failed.error().reason() == "thumbnail_failed");
  CHECK(service.ask(key).get().error().reason() == "thumbnail_failed");
  CHECK(service.store.gets() == 2);
  CHECK(service.metric("imgimport_thumbnails_total{outcome=\"failed\"}") == "1");
}

TEST_CASE("the cache may vanish at any moment", "[thumbnails][fault]") {
  Service service;
  const ObjectKey key = service.add("a", photo());
  for (int i = 0; i < 5; ++i) {
    REQUIRE(service.ask(key).get().has_value());
    fs::remove_all(service.dir.path() / "cache");
  }
  CHECK(service.store.gets() == 5);
}

TEST_CASE("an end answers everybody, and waits for nobody beyond its deadline", "[thumbnails][fault]") {
  ThumbnailOptions options;
  options.processes = 1;
  Service service(options);
  for (int i = 0; i < 5; ++i) service.add("image-" + std::to_string(i), photo());
  service.store.hold();
  std::vector<std::future<Result<Thumbnail>>> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(service.ask(ObjectKey("image-" + std::to_string(i))));
  service.store.wait_for_gets(1);
  const auto begin = std::chrono::steady_clock::now();
  service.maker->stop(begin + 50ms);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  for (auto& answer : waiting) CHECK_FALSE(answer.get().has_value());
  CHECK(service.ask(ObjectKey("image-0")).get().error().reason() == "server_ending");
}

TEST_CASE("without processes there are no thumbnails, and it is told so", "[thumbnails][fault]") {
  ThumbnailOptions options;
  options.processes = 0;
  Service service(options);
  const ObjectKey key = service.add("a", photo());
  CHECK(service.ask(key).get().error().reason() == "thumbnails_off");
  CHECK(service.maker->find({}, {.key = key, .version = "v", .mime_type = "", .width = 160}).error().reason() ==
        "thumbnails_off");
}

// Children of this process that decode.
std::size_t decoders() {
  std::size_t found = 0;
  for (const auto& process : fs::directory_iterator("/proc")) {
    std::ifstream stat(process.path() / "stat");
    std::ifstream command(process.path() / "cmdline");
    std::string before_name, name, state;
    pid_t parent = 0;
    if (!(stat >> before_name >> name >> state >> parent) || parent != getpid()) continue;
    const std::string words{std::istreambuf_iterator<char>(command), {}};
    if (words.find(kDecoderFlag) != std::string::npos) ++found;
  }
  return found;
}

TEST_CASE("an idle decoder ends, and comes back", "[thumbnails][fault]") {
  ThumbnailOptions options;
  options.processes = 1;
  options.idle = 50ms;
  Service service(options);
  REQUIRE(service.ask(service.add("a", photo())).get().has_value());
  REQUIRE(eventually([] { return decoders() == 0; }));
  CHECK(service.ask(service.add("b", photo())).get().has_value());
}

}  // namespace
}  // namespace imgimport
