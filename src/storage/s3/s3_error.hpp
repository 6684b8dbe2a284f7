// What a refusal of S3 means, in imgimport's words. Pure.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what Ceph, MinIO and R2 answer beyond it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// What the request was about, for the sentence and for what a missing body leaves open.
struct S3Request {
  HttpMethod method = HttpMethod::kGet;
  std::string key;  // empty: the bucket itself
  std::string bucket;
  std::string region;
  std::string endpoint;        // base URL
  std::string access_key_id;   // never shown whole
  bool temporary_key = false;  // came with a session token
  bool custom_endpoint = false;
};

struct S3Refusal {
  int status = 0;
  const HttpHeaders& headers;
  std::string_view body;  // empty for HEAD
  Timestamp now;          // of our clock
};

// Decides on the body's <Code>, then on the status.
// kUnauthenticated: access_key_unknown, signature_mismatch, token_expired, token_invalid, account_problem.
// kMisconfigured: access_denied, no_such_bucket, wrong_region, clock_off, redirected, bad_storage_class,
// bad_encryption, not_implemented, not_s3.
// kCorrupt: checksum_mismatch. kOutOfSpace: quota_exceeded. kRateLimited: slow_down. kNotFound: no_such_object.
// kInvalidArgument: range_not_satisfiable, bad_object_key. kTooLarge. kConflict: archived, precondition_failed.
// kUnsupported: checksum_header_unsupported: the same without x-amz-checksum headers may do.
// kUnavailable: all that may pass by itself; signature_expired where a request lay about before it was sent.
Error s3_error(const S3Request& request, const S3Refusal& refusal);

// Whether the credentials were refused for their age, so that fresh ones may do.
bool wants_fresh_credentials(const Error& error) noexcept;

// Whether this S3 knows no x-amz-checksum headers, so that the same request without them may do.
bool wants_no_checksum_headers(const Error& error) noexcept;

// "…WXYZ": tells one key from another and no more.
std::string shortened_key_id(std::string_view access_key_id);

}  // namespace imgimport
