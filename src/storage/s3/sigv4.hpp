// AWS Signature Version 4 for S3 (and, for roles, STS), as pure functions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html (headers)
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (presigned URLs)
//
// One HttpMethod, one path, one query: what is signed is exactly what goes into the URL, since both come from here.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"
#include "storage/s3/aws_credentials.hpp"

namespace imgimport {

// In place of a payload hash that is not known beforehand.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
// SHA-256 of nothing.
inline constexpr std::string_view kEmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// The longest that S3 lets a presigned URL live: seven days.
inline constexpr std::chrono::seconds kMaxPresignedLife{604'800};

struct SigningScope {
  AwsCredentials credentials;
  std::string region;
  Timestamp time;
  std::string_view service = "s3";
};

struct UnsignedRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string host;  // with its port where that is not the scheme's own, as in the Host header
  std::string path;  // not encoded: "/bucket/a key.jpg"; empty means "/"
  std::vector<std::pair<std::string, std::string>> query;  // not encoded
  HttpHeaders headers;                                     // all of them are signed; Host is added
  std::string payload_hash;                                // lower-case hex, or kUnsignedPayload
};

// The headers to send beside `request.headers`: Authorization, x-amz-date, x-amz-content-sha256, and the session token
// where there is one. The headers of the request must go out as they are, Host as `request.host`.
HttpHeaders sign_headers(const SigningScope& scope, const UnsignedRequest& request);

// The query of a URL that is good for `valid_for` (1 s to kMaxPresignedLife; cut where it is not), without "?". Whoever
// uses it must send the request's headers, and may send any body.
std::string presign_query(const SigningScope& scope, const UnsignedRequest& request, std::chrono::seconds valid_for);

// What is signed, for tests and for comparing with the <CanonicalRequest> of a refusal. The request's headers must hold
// everything that is signed but Host.
std::string canonical_request(const UnsignedRequest& request);

// The path as it stands in the URL and in the signature: every byte but A-Z a-z 0-9 - . _ ~ / is encoded, once.
std::string canonical_path(std::string_view path);
// Encoded, sorted by name and then by value.
std::string canonical_query(const std::vector<std::pair<std::string, std::string>>& query);

// "20130524T000000Z"
std::string amz_date(Timestamp time);

}  // namespace imgimport
