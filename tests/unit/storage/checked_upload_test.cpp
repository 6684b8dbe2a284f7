#include "storage/checked_upload.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "fakes/memory_blob.hpp"
#include "storage/first_pass.hpp"

namespace imgimport {
namespace {

// What a client gets out of the blob before its end or an error.
struct Drained {
  std::string bytes;
  std::string error;  // reason, else code
};

Drained drain(const Blob& blob) {
  Drained drained;
  const auto reader = blob.open({});
  if (!reader.has_value()) return {{}, std::string(reader.error().reason_or_code())};
  std::array<std::byte, 100> buffer;
  for (;;) {
    const auto count = (*reader)->read({}, buffer);
    if (!count.has_value()) {
      drained.error = count.error().reason_or_code();
      return drained;
    }
    if (*count == 0) return drained;
    drained.bytes.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

const std::string kContent = std::string(250, 'a') + "the end";
const std::vector<HashAlgorithm> kBoth = {HashAlgorithm::kSha256, HashAlgorithm::kMd5};

}  // namespace

TEST_CASE("a checked upload passes on what was promised, and knows its hashes", "[storage][checked_upload]") {
  const StreamBlob blob(kContent, {});
  const CheckedUpload upload(
      blob, {.size_bytes = kContent.size(), .expected = {.md5 = md5_hex(kContent)}, .computed = kBoth});
  CHECK(upload.size() == kContent.size());
  CHECK_FALSE(upload.in_memory().has_value());
  CHECK_FALSE(upload.hashes().has_value());
  for (int pass = 0; pass < 2; ++pass) {
    const Drained drained = drain(upload);
    CHECK(drained.bytes == kContent);
    CHECK(drained.error.empty());
    REQUIRE(upload.hashes().has_value());
    CHECK(*upload.hashes() == ContentHashes{.md5 = md5_hex(kContent), .sha256 = sha256_hex(kContent)});
  }
  // A pass that has begun again has not ended.
  const auto reader = upload.open({});
  CHECK_FALSE(upload.hashes().has_value());
}

TEST_CASE("a checked upload keeps back the last piece of what is wrong", "[storage][checked_upload]") {
  const StreamBlob blob(kContent, {});
  const auto failing = [&](UploadPlan plan) {
    const CheckedUpload upload(blob, std::move(plan));
    const Drained drained = drain(upload);
    CHECK(drained.bytes.size() < *upload.size());
    CHECK_FALSE(upload.hashes().has_value());
    return drained.error;
  };
  const std::uint64_t size = kContent.size();
  CHECK(failing({.size_bytes = size - 1}) == "too_long");
  CHECK(failing({.size_bytes = size + 1}) == "too_short");
  CHECK(failing({.size_bytes = size, .expected = {.sha256 = sha256_hex("x")}, .computed = kBoth}) ==
        "checksum_mismatch");
  CHECK(failing({.size_bytes = size, .expected = {.md5 = md5_hex("x")}, .computed = kBoth}) == "checksum_mismatch");
}

TEST_CASE("a checked upload leaves a hash that it does not compute to the bucket", "[storage][checked_upload]") {
  const StreamBlob blob(kContent, {});
  const CheckedUpload upload(blob, {.size_bytes = kContent.size(), .expected = {.sha256 = sha256_hex("x")}});
  CHECK(drain(upload).bytes == kContent);
  CHECK(upload.hashes() == ContentHashes{});
}

TEST_CASE("a checked upload passes on the errors of its source, also of one that fails at its end",
          "[storage][checked_upload]") {
  const StreamBlob broken(kContent, {.fails_with = Error(ErrorCode::kUnavailable, "gone").with_reason("reset")});
  const Drained drained = drain(CheckedUpload(broken, {.size_bytes = kContent.size()}));
  CHECK(drained.error == "reset");
  CHECK(drained.bytes.size() < kContent.size());
  const StreamBlob closed(kContent, {.opening_fails = Error(ErrorCode::kQuotaExhausted, "tomorrow")});
  CHECK(drain(CheckedUpload(closed, {.size_bytes = kContent.size()})).error == "quota_exhausted");
}

TEST_CASE("a first pass keeps short content, and of long content its size and hashes", "[storage][first_pass]") {
  const StreamBlob blob(kContent, {});
  const FirstPassOptions options{.keep_bytes = kContent.size(), .max_bytes = 1000, .computed = kBoth};
  const auto kept = read_through({}, blob, options);
  REQUIRE(kept.has_value());
  CHECK(kept->content == kContent);
  CHECK(kept->size_bytes == kContent.size());
  CHECK(kept->hashes == ContentHashes{.md5 = md5_hex(kContent), .sha256 = sha256_hex(kContent)});

  FirstPassOptions smaller = options;
  smaller.keep_bytes = kContent.size() - 1;
  const auto counted = read_through({}, blob, smaller);
  REQUIRE(counted.has_value());
  CHECK_FALSE(counted->content.has_value());
  CHECK(counted->size_bytes == kContent.size());
  CHECK(counted->hashes.sha256 == sha256_hex(kContent));
}

TEST_CASE("a first pass refuses what is too large, of another size, or of other bytes", "[storage][first_pass]") {
  const auto reason = [](const Blob& blob, const FirstPassOptions& options) {
    const auto pass = read_through({}, blob, options);
    return pass.has_value() ? std::string() : std::string(pass.error().reason_or_code());
  };
  const StreamBlob blob(kContent, {});
  CHECK(reason(blob, {.max_bytes = kContent.size()}).empty());
  CHECK(reason(blob, {.max_bytes = kContent.size() - 1}) == "too_large");
  CHECK(reason(blob, {.max_bytes = 1000, .expected = {.md5 = md5_hex("x")}, .computed = kBoth}) == "checksum_mismatch");
  CHECK(reason(StreamBlob(kContent, {.size = kContent.size() + 1}), {.max_bytes = 1000}) == "too_short");
  CHECK(reason(StreamBlob(kContent, {.size = 0}), {.max_bytes = 1000}) == "too_long");
}

TEST_CASE("bytes in memory can be read as often as needed", "[storage][first_pass]") {
  const BytesBlob blob(kContent);
  CHECK(blob.in_memory()->size() == kContent.size());
  CHECK(drain(blob).bytes == kContent);
  CHECK(drain(blob).bytes == kContent);
}

}  // namespace imgimport
