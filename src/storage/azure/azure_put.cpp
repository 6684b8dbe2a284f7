#include "storage/azure/azure_put.hpp"

#include <utility>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "storage/content_hasher.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMd5Bytes = 16;
constexpr std::size_t kSha256Digits = 64;
constexpr int kCreated = 201;

Error no_hash(std::string_view name) {
  return Error(ErrorCode::kInvalidArgument, "what is given as the content's " + std::string(name) + " is none");
}

}  // namespace

std::string md5_to_base64(std::string_view hex) {
  const auto raw = from_hex(hex);
  return raw && raw->size() == kMd5Bytes ? base64_encode(*raw) : std::string();
}

std::string md5_from_base64(std::string_view base64) {
  const auto raw = base64_decode(trim(base64));
  return raw && raw->size() == kMd5Bytes ? to_hex(std::as_bytes(std::span(*raw))) : std::string();
}

Result<HttpHeaders> azure_commit_headers(const AzureBlobProperties& properties) {
  HttpHeaders headers;
  if (!properties.content_type.empty()) headers.set("x-ms-blob-content-type", properties.content_type);
  if (!properties.access_tier.empty()) headers.set("x-ms-access-tier", properties.access_tier);
  if (!properties.hashes.md5.empty()) {
    std::string md5 = md5_to_base64(properties.hashes.md5);
    if (md5.empty()) return no_hash("MD5");
    headers.set("x-ms-blob-content-md5", std::move(md5));
  }
  if (!properties.hashes.sha256.empty()) {
    std::string sha256 = to_lower_ascii(properties.hashes.sha256);
    if (sha256.size() != kSha256Digits || !from_hex(sha256)) return no_hash("SHA-256");
    headers.set("x-ms-meta-sha256", std::move(sha256));
  }
  return headers;
}

Result<HttpHeaders> azure_put_headers(const AzureBlobProperties& properties) {
  IMGIMPORT_ASSIGN_OR_RETURN(HttpHeaders headers, azure_commit_headers(properties));
  headers.set("x-ms-blob-type", "BlockBlob");
  // The documentation promises a check of the body by Content-MD5 alone; the service checks by the other as well, which
  // wins where both are sent.
  if (const auto md5 = headers.find("x-ms-blob-content-md5")) headers.set("Content-MD5", std::string(*md5));
  return headers;
}

Result<ObjectInfo> read_azure_commit_answer(const AzurePut& put, const AzureCall& call,
                                            const HttpClientResponse& answer, Timestamp now) {
  if (answer.status != kCreated) {
    return azure_error(call, {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = now});
  }
  ObjectInfo info;
  info.size_bytes = put.size_bytes;
  info.hashes = put.hashes;
  info.etag = etag_of(answer.headers);
  info.version_id = header_of(answer.headers, "x-ms-version-id");
  info.modified_at = parse_http_date(header_of(answer.headers, "Last-Modified"));
  return info;
}

Result<ObjectInfo> read_azure_put_answer(const AzurePut& put, const AzureCall& call, const HttpClientResponse& answer,
                                         Timestamp now) {
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectInfo info, read_azure_commit_answer(put, call, answer, now));
  // Of a commit this header would be about the list.
  const std::string theirs = md5_from_base64(header_of(answer.headers, "Content-MD5"));
  IMGIMPORT_RETURN_IF_ERROR(check_hashes({.md5 = put.hashes.md5}, {.md5 = theirs}));
  if (info.hashes.md5.empty()) info.hashes.md5 = theirs;
  return info;
}

}  // namespace imgimport
