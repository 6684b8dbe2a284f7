#include "storage/s3/s3_put.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

// Of "abc".
const std::string kSha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string kSha256Base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const std::string kMd5 = "900150983cd24fb0d6963f7d28e17f72";
const std::string kMd5Base64 = "kAFQmDzST7DWlj99KOF/cg==";

HttpHeaders headers_of(std::initializer_list<std::pair<const char*, std::string>> fields) {
  HttpHeaders headers;
  for (const auto& [name, value] : fields) headers.set(name, value);
  return headers;
}

S3PutSent sent_abc(const ContentHashes& promised, const ContentHashes& computed = {}) {
  S3PutSent sent;
  sent.request.method = HttpMethod::kPut;
  sent.request.key = "k";
  sent.size_bytes = 3;
  sent.promised = promised;
  sent.computed = computed;
  return sent;
}

Result<ObjectInfo> result_of(const S3PutSent& sent, const HttpHeaders& headers, const std::string& body = "",
                             int status = 200) {
  return s3_put_result(sent, {.status = status, .headers = headers, .body = body, .now = Timestamp()});
}

std::string reason_of(const Result<ObjectInfo>& result) {
  return result.has_value() ? std::string() : result.error().reason();
}

}  // namespace

TEST_CASE("a put tells the bucket type, checksums, class and encryption, and nothing that is not known", "[s3][put]") {
  const HttpHeaders all =
      s3_put_headers({.storage_class = "STANDARD_IA", .encryption = "aws:kms", .encryption_key_id = "arn:aws:kms:x"},
                     {.content_type = "image/jpeg", .expected = {.md5 = kMd5, .sha256 = to_lower_ascii(kSha256)}},
                     S3ChecksumHeader::kSha256);
  CHECK(all.find("content-type") == "image/jpeg");
  CHECK(all.find("x-amz-checksum-sha256") == kSha256Base64);
  CHECK(all.find("x-amz-storage-class") == "STANDARD_IA");
  CHECK(all.find("x-amz-server-side-encryption") == "aws:kms");
  CHECK(all.find("x-amz-server-side-encryption-aws-kms-key-id") == "arn:aws:kms:x");
  CHECK(all.all().size() == 5);
  CHECK(s3_put_headers({}, {}, S3ChecksumHeader::kSha256).all().empty());
}

TEST_CASE("the bucket is told one checksum: the SHA-256 where it may be, else the MD5", "[s3][put]") {
  const PutOptions both{.content_type = {}, .expected = {.md5 = kMd5, .sha256 = kSha256}};
  const PutOptions md5{.content_type = {}, .expected = {.md5 = kMd5}};
  const PutOptions sha256{.content_type = {}, .expected = {.sha256 = kSha256}};
  CHECK(s3_put_headers({}, both, S3ChecksumHeader::kSha256).all() ==
        headers_of({{"x-amz-checksum-sha256", kSha256Base64}}).all());
  CHECK(s3_put_headers({}, both, S3ChecksumHeader::kMd5).all() == headers_of({{"Content-MD5", kMd5Base64}}).all());
  CHECK(s3_put_headers({}, md5, S3ChecksumHeader::kSha256).all() == headers_of({{"Content-MD5", kMd5Base64}}).all());
  CHECK(s3_put_headers({}, sha256, S3ChecksumHeader::kMd5).all().empty());
}

TEST_CASE("the payload hash is the SHA-256 that was promised, else none", "[s3][put]") {
  CHECK(s3_payload_hash({.sha256 = kSha256}) == kSha256);
  CHECK(s3_payload_hash({.md5 = kMd5}) == "UNSIGNED-PAYLOAD");
}

TEST_CASE("a good answer gives ETag, version and the hashes that are known", "[s3][put]") {
  const auto info = result_of(sent_abc({.md5 = kMd5}, {.sha256 = kSha256}),
                              headers_of({{"ETag", "\"" + kMd5 + "\""}, {"x-amz-version-id", "v1"}}));
  REQUIRE(info.has_value());
  CHECK(info->etag == kMd5);
  CHECK(info->version_id == "v1");
  CHECK(info->size_bytes == 3);
  CHECK(info->hashes == ContentHashes{.md5 = kMd5, .sha256 = kSha256});
}

TEST_CASE("a 200 with an error document is what the document says", "[s3][put]") {
  const HttpHeaders headers = headers_of({{"ETag", "\"x\""}});
  const std::string head = "<?xml version=\"1.0\"?><Error><Code>";
  CHECK(reason_of(result_of(sent_abc({}), headers, head + "SlowDown</Code></Error>")) == "slow_down");
  CHECK(reason_of(result_of(sent_abc({}), headers, head + "Unheard</Code></Error>")) == "internal_error");
}

TEST_CASE("a 200 without an ETag is no S3's", "[s3][put]") {
  CHECK(reason_of(result_of(sent_abc({}), {}, "<html>Welcome</html>")) == "not_s3");
}

TEST_CASE("a refusal is read as any other", "[s3][put]") {
  CHECK(reason_of(result_of(sent_abc({}), {}, "<Error><Code>BadDigest</Code></Error>", 400)) == "checksum_mismatch");
}

TEST_CASE("another checksum in the answer is corruption", "[s3][put]") {
  const auto answer = [](const std::string& checksum) {
    return headers_of({{"ETag", "\"e\""}, {"x-amz-checksum-sha256", checksum}});
  };
  CHECK(result_of(sent_abc({.sha256 = kSha256}), answer(kSha256Base64)).has_value());
  const std::string other = "AAAAv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
  CHECK(reason_of(result_of(sent_abc({.sha256 = kSha256}), answer(other))) == "checksum_mismatch");
  CHECK(reason_of(result_of(sent_abc({}, {.sha256 = kSha256}), answer(other))) == "checksum_mismatch");
  // Of parts, or nonsense: not to be compared.
  CHECK(result_of(sent_abc({.sha256 = kSha256}), answer(other + "-2")).has_value());
  CHECK(result_of(sent_abc({.sha256 = kSha256}), answer("?")).has_value());
}

TEST_CASE("the ETag is held against the MD5 only where nothing else was checked", "[s3][put]") {
  const HttpHeaders other = headers_of({{"ETag", "\"0123456789abcdef0123456789abcdef\""}});
  CHECK(reason_of(result_of(sent_abc({}, {.md5 = kMd5, .sha256 = kSha256}), other)) == "checksum_mismatch");
  CHECK(result_of(sent_abc({.sha256 = kSha256}, {.md5 = kMd5}), other).has_value());
  const HttpHeaders encrypted =
      headers_of({{"ETag", "\"0123456789abcdef0123456789abcdef\""}, {"x-amz-server-side-encryption", "aws:kms"}});
  CHECK(result_of(sent_abc({}, {.md5 = kMd5}), encrypted).has_value());
}

TEST_CASE("an ETag is an MD5 only if it is plainly one", "[s3][put]") {
  CHECK(md5_in_etag(headers_of({{"ETag", "\"900150983CD24FB0D6963F7D28E17F72\""}})) == kMd5);
  CHECK(md5_in_etag(headers_of({{"ETag", "\"" + kMd5 + "\""}, {"x-amz-server-side-encryption", "AES256"}})) == kMd5);
  CHECK(md5_in_etag(headers_of({{"ETag", "\"" + kMd5 + "-2\""}})).empty());
  CHECK(md5_in_etag(headers_of({{"ETag", "\"" + std::string(32, 'g') + "\""}})).empty());
  CHECK(md5_in_etag(headers_of({{"ETag", "\"" + kMd5 + "\""}, {"x-amz-server-side-encryption", "aws:kms:dsse"}}))
            .empty());
  CHECK(md5_in_etag(
            headers_of({{"ETag", "\"" + kMd5 + "\""}, {"x-amz-server-side-encryption-customer-algorithm", "AES256"}}))
            .empty());
  CHECK(md5_in_etag({}).empty());
}

TEST_CASE("a stored SHA-256 is taken only when it is of the whole object", "[s3][put]") {
  CHECK(sha256_in_checksum(headers_of({{"x-amz-checksum-sha256", kSha256Base64}})) == kSha256);
  CHECK(sha256_in_checksum(headers_of({{"x-amz-checksum-sha256", kSha256Base64 + "-3"}})).empty());
  CHECK(sha256_in_checksum(headers_of({{"x-amz-checksum-sha256", kSha256Base64}, {"x-amz-checksum-type", "COMPOSITE"}}))
            .empty());
  CHECK(sha256_in_checksum({}).empty());
}

}  // namespace imgimport
