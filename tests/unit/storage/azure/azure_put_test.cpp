#include "storage/azure/azure_put.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "storage/azure/block_reader.hpp"

namespace imgimport {
namespace {

// Of "hello".
constexpr const char* kMd5 = "5d41402abc4b2a76b9719d911017c592";
constexpr const char* kMd5Base64 = "XUFAKrxLKna5cZ2REBfFkg==";

HttpClientResponse created(const std::string& md5_base64) {
  HttpClientResponse answer{.status = 201};
  answer.headers.set("ETag", "\"0x8D4\"");
  answer.headers.set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT");
  answer.headers.set("x-ms-version-id", "2026-01-02T03:04:05.0000000Z");
  if (!md5_base64.empty()) answer.headers.set("Content-MD5", md5_base64);
  return answer;
}

}  // namespace

TEST_CASE("a PUT's headers hold what Azure shall check and keep", "[azure]") {
  const auto headers = azure_put_headers(
      {.content_type = "image/jpeg", .access_tier = "Cool", .hashes = {.md5 = kMd5, .sha256 = std::string(64, 'A')}});
  REQUIRE(headers.has_value());
  CHECK(headers->find("x-ms-blob-type") == "BlockBlob");
  CHECK(headers->find("x-ms-blob-content-type") == "image/jpeg");
  CHECK(headers->find("x-ms-blob-content-md5") == kMd5Base64);
  CHECK(headers->find("Content-MD5") == kMd5Base64);
  CHECK(headers->find("x-ms-access-tier") == "Cool");
  CHECK(headers->find("x-ms-meta-sha256") == std::string(64, 'a'));
  CHECK(azure_put_headers({})->all().size() == 1);
  CHECK(azure_put_headers({.hashes = {.md5 = "12"}}).error().code() == ErrorCode::kInvalidArgument);
  CHECK(azure_put_headers({.hashes = {.sha256 = kMd5}}).error().code() == ErrorCode::kInvalidArgument);
  CHECK_FALSE(azure_commit_headers({.hashes = {.md5 = kMd5}})->find("Content-MD5").has_value());
}

TEST_CASE("an MD5 goes from hex to Base64 and back", "[azure]") {
  CHECK(md5_to_base64(kMd5) == kMd5Base64);
  CHECK(md5_from_base64(kMd5Base64) == kMd5);
  for (const std::string none : {"", "zz", "5d41", "XUFAKg=="}) {
    CHECK(md5_to_base64(none).empty());
    CHECK(md5_from_base64(none).empty());
  }
}

TEST_CASE("the answer to a PUT tells what is stored", "[azure]") {
  const auto info = read_azure_put_answer({.size_bytes = 5, .hashes = {.sha256 = "abc"}}, {}, created(kMd5Base64), {});
  REQUIRE(info.has_value());
  CHECK(info->size_bytes == 5);
  CHECK(info->etag == "0x8D4");
  CHECK(info->version_id == "2026-01-02T03:04:05.0000000Z");
  CHECK(info->modified_at.has_value());
  CHECK(info->hashes.sha256 == "abc");
  CHECK(info->hashes.md5 == kMd5);
  CHECK(read_azure_put_answer({.hashes = {.md5 = kMd5}}, {}, created(""), {})->hashes.md5 == kMd5);
}

TEST_CASE("an answer with another MD5 than that of the bytes is no success", "[azure]") {
  const auto info = read_azure_put_answer({.hashes = {.md5 = md5_hex("jello")}}, {}, created(kMd5Base64), {});
  REQUIRE_FALSE(info.has_value());
  CHECK(info.error().code() == ErrorCode::kCorrupt);
  CHECK(info.error().reason() == "checksum_mismatch");
  HttpClientResponse other = created(kMd5Base64);
  other.status = 200;
  CHECK_FALSE(read_azure_put_answer({.hashes = {.md5 = kMd5}}, {}, other, {}).has_value());
}

TEST_CASE("a stream is cut into blocks, and hashed as a whole", "[azure]") {
  const std::string content = "0123456789";
  const StreamBlob blob(content, {.size = content.size(), .piece = 3});
  BlockReader reader(blob, 4);
  std::string joined;
  std::vector<std::size_t> sizes;
  for (bool last = false; !last;) {
    const auto block = reader.next({});
    REQUIRE(block.has_value());
    joined += block->bytes;
    sizes.push_back(block->bytes.size());
    last = block->is_last;
  }
  CHECK(joined == content);
  CHECK((sizes == std::vector<std::size_t>{4, 4, 2}));
  const auto put = reader.finish({.sha256 = sha256_hex(content)});
  REQUIRE(put.has_value());
  CHECK(put->size_bytes == 10);
  CHECK(put->hashes.md5 == md5_hex(content));
  CHECK(put->hashes.sha256 == sha256_hex(content));
}

TEST_CASE("a stream that is not what was promised is found out before its blocks are committed", "[azure]") {
  const auto outcome = [](std::optional<std::uint64_t> promised, const ContentHashes& expected) {
    const StreamBlob blob("0123456789", {.size = promised});
    BlockReader reader(blob, 100);
    const auto block = reader.next({});
    if (!block.has_value()) return block.error().reason();
    const auto put = reader.finish(expected);
    return put.has_value() ? std::string() : put.error().reason();
  };
  CHECK(outcome(std::nullopt, {}).empty());
  CHECK(outcome(10, {.md5 = md5_hex("0123456789")}).empty());
  CHECK(outcome(9, {}) == "too_long");
  CHECK(outcome(0, {}) == "too_long");
  CHECK(outcome(11, {}) == "too_short");
  CHECK(outcome(10, {.sha256 = sha256_hex("other")}) == "checksum_mismatch");
  CHECK(outcome(10, {.md5 = md5_hex("other")}) == "checksum_mismatch");
}

TEST_CASE("blocks of two puts have different names of one length", "[azure]") {
  BlockList first;
  BlockList second;
  std::set<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    for (BlockList* list : {&first, &second}) {
      const std::string id = list->add();
      CHECK(base64_decode(id)->size() == base64_decode(*ids.insert(id).first)->size());
    }
  }
  CHECK(ids.size() == 24);
  BlockList list;
  const std::string a = list.add();
  const std::string b = list.add();
  CHECK(list.document() == "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><Uncommitted>" + a +
                               "</Uncommitted><Uncommitted>" + b + "</Uncommitted></BlockList>");
}

}  // namespace imgimport
