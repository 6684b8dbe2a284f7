#include "storage/s3/s3_put.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "storage/http_answer.hpp"
#include "storage/s3/sigv4.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMd5HexLength = 32;
constexpr std::size_t kSha256Bytes = 32;

// "" where it is no hex.
std::string base64_of_hex(std::string_view hex) {
  const auto raw = from_hex(hex);
  return raw ? base64_encode(*raw) : std::string();
}

void set_unless_empty(HttpHeaders& headers, std::string_view name, std::string value) {
  if (!value.empty()) headers.set(name, std::move(value));
}

ContentHashes merged(ContentHashes first, const ContentHashes& second) {
  if (first.md5.empty()) first.md5 = second.md5;
  if (first.sha1.empty()) first.sha1 = second.sha1;
  if (first.sha256.empty()) first.sha256 = second.sha256;
  return first;
}

Error stored_otherwise(const S3PutSent& sent, std::string_view name) {
  return Error(ErrorCode::kCorrupt,
               fmt::format("S3 has stored other bytes under {} than were sent: the {} differs", sent.request.key, name))
      .with_reason("checksum_mismatch");
}

}  // namespace

HttpHeaders s3_put_headers(const S3ObjectSettings& settings, const PutOptions& options, S3ChecksumHeader checksum) {
  HttpHeaders headers;
  set_unless_empty(headers, "Content-Type", options.content_type);
  if (checksum == S3ChecksumHeader::kSha256 && !options.expected.sha256.empty()) {
    set_unless_empty(headers, "x-amz-checksum-sha256", base64_of_hex(options.expected.sha256));
  } else {
    set_unless_empty(headers, "Content-MD5", base64_of_hex(options.expected.md5));
  }
  set_unless_empty(headers, "x-amz-storage-class", settings.storage_class);
  set_unless_empty(headers, "x-amz-server-side-encryption", settings.encryption);
  set_unless_empty(headers, "x-amz-server-side-encryption-aws-kms-key-id", settings.encryption_key_id);
  return headers;
}

std::string s3_payload_hash(const ContentHashes& promised) {
  return promised.sha256.empty() ? std::string(kUnsignedPayload) : to_lower_ascii(promised.sha256);
}

Result<ObjectInfo> s3_put_result(const S3PutSent& sent, const S3Refusal& answer) {
  if (answer.status < 200 || answer.status > 299) return s3_error(sent.request, answer);
  // S3 may have sent its head before it met the trouble.
  if (answer.body.find("<Error>") != std::string_view::npos) {
    return s3_error(sent.request, {.status = 500, .headers = answer.headers, .body = answer.body, .now = answer.now});
  }
  ObjectInfo info;
  info.etag = etag_of(answer.headers);
  if (info.etag.empty()) {
    return s3_error(sent.request, {.status = answer.status, .headers = answer.headers, .body = {}, .now = answer.now});
  }
  info.size_bytes = sent.size_bytes;
  info.version_id = header_of(answer.headers, "x-amz-version-id");
  info.hashes = merged(sent.promised, sent.computed);
  const std::string stored_sha256 = sha256_in_checksum(answer.headers);
  if (!stored_sha256.empty() && !info.hashes.sha256.empty() && !equals_ignore_case(stored_sha256, info.hashes.sha256)) {
    return stored_otherwise(sent, "SHA-256");
  }
  const bool unchecked = sent.promised.sha256.empty() && sent.promised.md5.empty();
  const std::string stored_md5 = md5_in_etag(answer.headers);
  if (unchecked && !stored_md5.empty() && !sent.computed.md5.empty() && stored_md5 != sent.computed.md5) {
    return stored_otherwise(sent, "MD5");
  }
  return info;
}

std::string md5_in_etag(const HttpHeaders& headers) {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: an MD5 for plain text and AES256 only.
  const std::string encryption = header_of(headers, "x-amz-server-side-encryption");
  if (!encryption.empty() && encryption != "AES256") return {};
  if (headers.find("x-amz-server-side-encryption-customer-algorithm")) return {};
  const std::string etag = to_lower_ascii(etag_of(headers));
  const bool is_hex = etag.find_first_not_of("0123456789abcdef") == std::string::npos;
  return etag.size() == kMd5HexLength && is_hex ? etag : std::string();
}

std::string sha256_in_checksum(const HttpHeaders& headers) {
  if (equals_ignore_case(header_of(headers, "x-amz-checksum-type"), "COMPOSITE")) return {};
  const auto raw = base64_decode(header_of(headers, "x-amz-checksum-sha256"));
  if (!raw || raw->size() != kSha256Bytes) return {};
  return to_hex(std::as_bytes(std::span(*raw)));
}

}  // namespace imgimport
