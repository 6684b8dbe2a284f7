#include "object_store_contract.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"

namespace imgimport::contract {
namespace {

const ObjectKey kKey("photos/1AbC/0123abcd/beach_\u00fc.jpg");

std::string pattern(std::size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  unsigned state = seed;
  for (char& c : bytes) {
    state = state * 1'664'525U + 1'013'904'223U;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

StreamBlob stream_of(const std::string& content, StreamBlob::Behaviour behaviour = {}) {
  return StreamBlob(content, std::move(behaviour));
}

// The error's code as text; "" for success: comparisons print well.
template <class T>
std::string code_of(const Result<T>& result) {
  return result.has_value() ? std::string() : std::string(to_string(result.error().code()));
}

template <class T>
std::string reason_of(const Result<T>& result) {
  return result.has_value() ? std::string() : result.error().reason();
}

Result<std::string> read_all(ByteReader& reader) {
  std::string content;
  std::array<std::byte, 5000> buffer;
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read({}, buffer));
    if (count == 0) return content;
    content.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

Result<std::string> content_of(ObjectStore& store, const ObjectKey& key,
                               const std::optional<ByteRange>& range = std::nullopt) {
  IMGIMPORT_ASSIGN_OR_RETURN(const ObjectContent content, store.get({}, key, range));
  IMGIMPORT_ASSIGN_OR_RETURN(std::string bytes, read_all(*content.reader));
  if (bytes.size() != content.length) return Error(ErrorCode::kInternal, "length does not match");
  return bytes;
}

void check_round_trip(ObjectStore& store, const Blob& blob, const std::string& content) {
  const auto put = store.put({}, kKey, blob, {.content_type = "image/jpeg"});
  REQUIRE(put.has_value());
  CHECK(put->size_bytes == content.size());
  CHECK(put->hashes.sha256 == sha256_hex(content));
  CHECK_FALSE(put->etag.empty());
  const auto head = store.head({}, kKey);
  REQUIRE(head.has_value());
  CHECK(head->size_bytes == content.size());
  CHECK(head->etag == put->etag);
  const auto got = store.get({}, kKey, std::nullopt);
  REQUIRE(got.has_value());
  CHECK(got->offset == 0);
  CHECK(got->length == content.size());
  CHECK(got->info.etag == put->etag);
  CHECK((read_all(*got->reader).value() == content));
}

void check_round_trips(ObjectStore& store) {
  for (const std::size_t size : {0U, 1U, 65'536U, 262'144U, 262'145U}) {
    CAPTURE(size);
    const std::string content = pattern(size);
    check_round_trip(store, MemoryBlob(content), content);
    check_round_trip(store, stream_of(content, {.size = size}), content);
    check_round_trip(store, stream_of(content), content);
  }
}

void check_large_stream(ObjectStore& store) {
  const std::string content = pattern(10'000'000);
  check_round_trip(store, stream_of(content, {.size = content.size(), .piece = 100'000}), content);
}

void check_replacing(ObjectStore& store) {
  const auto first = store.put({}, kKey, MemoryBlob("first"), {}).value();
  auto open = store.get({}, kKey, std::nullopt);
  REQUIRE(open.has_value());
  const auto second = store.put({}, kKey, MemoryBlob("other"), {}).value();
  CHECK(first.etag != second.etag);
  CHECK(content_of(store, kKey).value() == "other");
  CHECK(read_all(*open->reader).value() == "first");
}

void check_expected_hashes(ObjectStore& store) {
  const std::string content = pattern(3000);
  const auto put = [&](const ContentHashes& expected) {
    return store.put({}, kKey, stream_of(content), {.content_type = {}, .expected = expected});
  };
  REQUIRE(store.put({}, kKey, MemoryBlob("old"), {}).has_value());
  for (const ContentHashes& wrong : {ContentHashes{.sha256 = sha256_hex("x")}, ContentHashes{.md5 = md5_hex("x")},
                                     ContentHashes{.md5 = md5_hex(content), .sha256 = sha256_hex("x")}}) {
    const auto refused = put(wrong);
    CHECK(code_of(refused) == "corrupt");
    CHECK(reason_of(refused) == "checksum_mismatch");
    const auto refused_at_once = store.put({}, kKey, MemoryBlob(content), {.content_type = {}, .expected = wrong});
    CHECK(reason_of(refused_at_once) == "checksum_mismatch");
    CHECK(content_of(store, kKey).value() == "old");
  }
  CHECK(put({.sha256 = sha256_hex(content)}).has_value());
  const auto by_md5 = put({.md5 = md5_hex(content)});
  REQUIRE(by_md5.has_value());
  CHECK(by_md5->hashes.md5 == md5_hex(content));
  CHECK(by_md5->hashes.sha256 == sha256_hex(content));
  CHECK((content_of(store, kKey).value() == content));
}

void check_faulty_blobs(ObjectStore& store) {
  const std::string content = pattern(500'000);
  REQUIRE(store.put({}, kKey, MemoryBlob("old"), {}).has_value());
  const auto put = [&](StreamBlob::Behaviour behaviour, CallContext context = {}) {
    return store.put(context, kKey, stream_of(content, std::move(behaviour)), {});
  };
  CHECK(code_of(put({.size = content.size() + 1})) == "corrupt");
  CHECK(code_of(put({.size = content.size() - 1})) == "corrupt");
  CHECK(code_of(put({.size = 0})) == "corrupt");
  const auto broken = put({.fails_with = Error(ErrorCode::kUnavailable, "gone").with_reason("reset")});
  CHECK(code_of(broken) == "unavailable");
  CHECK(reason_of(broken) == "reset");
  CHECK(code_of(put({.opening_fails = Error(ErrorCode::kQuotaExhausted, "tomorrow")})) == "quota_exhausted");
  std::stop_source stop;
  CHECK(code_of(put({.stops = &stop}, {.stop = stop.get_token()})) == "cancelled");
  CHECK(code_of(put({}, CallContext{}.with_timeout(std::chrono::milliseconds(0)))) == "deadline_exceeded");
  CHECK(content_of(store, kKey).value() == "old");

  const ObjectKey fresh("photos/fresh/1/a.jpg");
  CHECK(code_of(store.put({}, fresh, stream_of(content, {.size = 1}), {})) == "corrupt");
  CHECK(code_of(store.head({}, fresh)) == "not_found");
}

void check_ranges(ObjectStore& store) {
  const std::string content = "0123456789";
  REQUIRE(store.put({}, kKey, MemoryBlob(content), {}).has_value());
  const auto range = [&](const ByteRange& bytes) { return content_of(store, kKey, bytes); };
  CHECK(range({.first = 0}).value() == content);
  CHECK(range({.first = 0, .last = 0}).value() == "0");
  CHECK(range({.first = 9, .last = 9}).value() == "9");
  CHECK(range({.first = 3, .last = 5}).value() == "345");
  CHECK(range({.first = 8, .last = 99}).value() == "89");
  CHECK(range({.suffix = 3}).value() == "789");
  CHECK(range({.suffix = 99}).value() == content);
  CHECK(reason_of(range({.first = 10})) == "range_not_satisfiable");
  CHECK(reason_of(range({.suffix = 0})) == "range_not_satisfiable");
  const auto part = store.get({}, kKey, ByteRange{.first = 3, .last = 5});
  REQUIRE(part.has_value());
  CHECK(part->info.size_bytes == 10);
  CHECK(part->offset == 3);
  CHECK(part->length == 3);
}

void check_removing(ObjectStore& store) {
  const ObjectKey neighbour("photos/1AbC/0123abcd/other.jpg");
  REQUIRE(store.put({}, kKey, MemoryBlob("a"), {}).has_value());
  REQUIRE(store.put({}, neighbour, MemoryBlob("b"), {}).has_value());
  CHECK(store.remove({}, kKey).has_value());
  CHECK(code_of(store.get({}, kKey, std::nullopt)) == "not_found");
  CHECK(code_of(store.head({}, kKey)) == "not_found");
  CHECK(store.remove({}, kKey).has_value());
  CHECK(content_of(store, neighbour).value() == "b");
  CHECK(store.remove({}, neighbour).has_value());
  CHECK(store.remove({}, ObjectKey("never/was/there")).has_value());
  CHECK(store.put({}, kKey, MemoryBlob("again"), {}).has_value());
  CHECK(content_of(store, kKey).value() == "again");
}

void check_bad_keys(ObjectStore& store) {
  for (const std::string bad :
       {"", "/etc/passwd", "../outside", "a/../../outside", "a/./b", "a//b", "a/", ".", "..", "a\\..\\b", "a\nb"}) {
    CAPTURE(bad);
    const ObjectKey key(bad);
    CHECK(code_of(store.put({}, key, MemoryBlob("x"), {})) == "invalid_argument");
    CHECK(code_of(store.get({}, key, std::nullopt)) == "invalid_argument");
    CHECK(code_of(store.head({}, key)) == "invalid_argument");
    CHECK(code_of(store.remove({}, key)) == "invalid_argument");
  }
  CHECK(code_of(store.put({}, ObjectKey(std::string("a\0b", 3)), MemoryBlob("x"), {})) == "invalid_argument");
}

// Contents that tell a mixture: all bytes equal.
std::string uniform(int writer) {
  return std::string(300'000, static_cast<char>('a' + writer));
}

bool is_uniform(const std::string& content) {
  return content.size() == 300'000 && content.find_first_not_of(content[0]) == std::string::npos;
}

void check_concurrent_replacement(ObjectStore& store) {
  REQUIRE(store.put({}, kKey, MemoryBlob(uniform(0)), {}).has_value());
  std::atomic<int> failures{0};
  std::atomic<int> mixtures{0};
  std::atomic<bool> writing{true};
  {
    std::vector<std::jthread> readers;
    for (int r = 0; r < 2; ++r) {
      readers.emplace_back([&] {
        while (writing) {
          const auto content = content_of(store, kKey);
          if (!content.has_value()) {
            ++failures;
          } else if (!is_uniform(*content)) {
            ++mixtures;
          }
        }
      });
    }
    {
      std::vector<std::jthread> writers;
      for (int w = 0; w < 3; ++w) {
        writers.emplace_back([&, w] {
          for (int i = 0; i < 30; ++i) {
            const bool stored = w == 0 ? store.put({}, kKey, stream_of(uniform(w)), {}).has_value()
                                       : store.put({}, kKey, MemoryBlob(uniform(w)), {}).has_value();
            failures += stored ? 0 : 1;
          }
        });
      }
    }
    writing = false;
  }
  CHECK(failures == 0);
  CHECK(mixtures == 0);
  CHECK(is_uniform(content_of(store, kKey).value()));
}

void check_put_beside_remove(ObjectStore& store) {
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        // All keys share folders, which the removals of the others find empty again and again.
        const ObjectKey key("shared/id/version/" + std::to_string(t) + ".jpg");
        for (int i = 0; i < 300; ++i) {
          const bool good = store.put({}, key, MemoryBlob("x"), {}).has_value() && store.head({}, key).has_value() &&
                            store.remove({}, key).has_value();
          failures += good ? 0 : 1;
        }
      });
    }
  }
  CHECK(failures == 0);
}

void check_flush(ObjectStore& store) {
  CHECK(store.flush({}).has_value());
  REQUIRE(store.put({}, kKey, MemoryBlob("x"), {}).has_value());
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([&] { failures += store.flush({}).has_value() ? 0 : 1; });
  }
  CHECK(failures == 0);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of(store.flush({.stop = stop.get_token()})) == "cancelled");
  CHECK(content_of(store, kKey).value() == "x");
}

void check_inspection(ObjectStore& store) {
  const ObjectKey key("imports/id/version/inspected.jpg");
  const std::string content = pattern(70'000, 5);
  PutOptions options;
  options.content_type = "image/jpeg";
  options.expected.sha256 = sha256_hex(content);
  options.expected.md5 = md5_hex(content);
  const auto stored = store.put({}, key, MemoryBlob(content), options);
  REQUIRE(stored.has_value());
  const auto info = store.inspect({}, key);
  REQUIRE(info.has_value());
  CHECK(info->size_bytes == content.size());
  CHECK(info->etag == stored->etag);
  CHECK((info->hashes.sha256.empty() || info->hashes.sha256 == sha256_hex(content)));
  CHECK((info->hashes.md5.empty() || info->hashes.md5 == md5_hex(content)));
  CHECK_FALSE((info->hashes.sha256.empty() && info->hashes.md5.empty()));
  CHECK(code_of(store.inspect({}, ObjectKey("imports/id/version/none.jpg"))) == "not_found");
}

}  // namespace

void check_object_store(const MakeObjectStore& make) {
  const auto store = make();
  REQUIRE(store);
  CHECK_FALSE(store->place({}).value().provider.empty());
  SECTION("what was put comes back, whatever its size and however it came") {
    check_round_trips(*store);
  }
  SECTION("a stream of 10 MB comes back") {
    check_large_stream(*store);
  }
  SECTION("a put replaces, and who reads the old object reads on") {
    check_replacing(*store);
  }
  SECTION("bytes of another hash are refused, and the old object stays") {
    check_expected_hashes(*store);
  }
  SECTION("a short, long, broken or cancelled blob leaves the old object, or none") {
    check_faulty_blobs(*store);
  }
  SECTION("inspecting names the size and a checksum of what is stored") {
    check_inspection(*make());
  }
  SECTION("ranges give their bytes") {
    check_ranges(*store);
  }
  SECTION("removing is repeatable and takes that object alone") {
    check_removing(*store);
  }
  SECTION("a key that is none is refused by every call") {
    check_bad_keys(*store);
  }
  SECTION("readers beside writers see whole objects") {
    check_concurrent_replacement(*store);
  }
  SECTION("puts beside removals of their neighbours succeed") {
    check_put_beside_remove(*store);
  }
  SECTION("flush succeeds from many threads at once, and observes a stop") {
    check_flush(*store);
  }
}

}  // namespace imgimport::contract
