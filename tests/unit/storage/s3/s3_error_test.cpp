#include "storage/s3/s3_error.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "base/text.hpp"

namespace imgimport {
namespace {

const Timestamp kNow = from_rfc3339("2026-01-02T03:04:05Z").value();

S3Request put_to_aws() {
  return {.method = HttpMethod::kPut,
          .key = "p/id/v/a.jpg",
          .bucket = "my-images",
          .region = "us-east-1",
          .endpoint = "https://my-images.s3.us-east-1.amazonaws.com",
          .access_key_id = "AKIAIOSFODNN7EXAMPLE"};
}

S3Request with_method(HttpMethod method) {
  S3Request request = put_to_aws();
  request.method = method;
  return request;
}

std::string document(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code>" + more +
         "<RequestId>tx01</RequestId></Error>";
}

Error error_of(const S3Request& request, int status, const std::string& body, const HttpHeaders& headers = {}) {
  return s3_error(request, {.status = status, .headers = headers, .body = body, .now = kNow});
}

Error put_error(int status, const std::string& code, const std::string& more = "") {
  return error_of(put_to_aws(), status, document(code, more));
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each code of S3 has its class and its word", "[s3][error]") {
  struct Row {
    int status;
    std::string code;
    ErrorCode error;
    std::string reason;
  };
  const Row rows[] = {
      {403, "InvalidAccessKeyId", ErrorCode::kUnauthenticated, "access_key_unknown"},
      {403, "SignatureDoesNotMatch", ErrorCode::kUnauthenticated, "signature_mismatch"},
      {400, "ExpiredToken", ErrorCode::kUnauthenticated, "token_expired"},
      {400, "TokenRefreshRequired", ErrorCode::kUnauthenticated, "token_expired"},
      {400, "InvalidToken", ErrorCode::kUnauthenticated, "token_invalid"},
      {403, "AllAccessDisabled", ErrorCode::kUnauthenticated, "account_problem"},
      {403, "UserSuspended", ErrorCode::kUnauthenticated, "account_problem"},
      {403, "AccessDenied", ErrorCode::kMisconfigured, "access_denied"},
      {400, "KMS.NotFoundException", ErrorCode::kMisconfigured, "bad_encryption"},
      {404, "NoSuchBucket", ErrorCode::kMisconfigured, "no_such_bucket"},
      {301, "PermanentRedirect", ErrorCode::kMisconfigured, "wrong_region"},
      {400, "AuthorizationHeaderMalformed", ErrorCode::kMisconfigured, "wrong_region"},
      {403, "RequestTimeTooSkewed", ErrorCode::kMisconfigured, "clock_off"},
      {307, "TemporaryRedirect", ErrorCode::kUnavailable, "redirected"},
      {400, "InvalidStorageClass", ErrorCode::kMisconfigured, "bad_storage_class"},
      {501, "NotImplemented", ErrorCode::kMisconfigured, "not_implemented"},
      {400, "BadDigest", ErrorCode::kCorrupt, "checksum_mismatch"},
      {400, "InvalidDigest", ErrorCode::kCorrupt, "checksum_mismatch"},
      {400, "XAmzContentSHA256Mismatch", ErrorCode::kCorrupt, "checksum_mismatch"},
      {400, "XAmzContentChecksumMismatch", ErrorCode::kCorrupt, "checksum_mismatch"},
      {403, "QuotaExceeded", ErrorCode::kOutOfSpace, "quota_exceeded"},
      {507, "XMinioStorageFull", ErrorCode::kOutOfSpace, "quota_exceeded"},
      {503, "SlowDown", ErrorCode::kRateLimited, "slow_down"},
      {503, "SlowDownWrite", ErrorCode::kRateLimited, "slow_down"},
      {400, "KMS.ThrottlingException", ErrorCode::kRateLimited, "slow_down"},
      {503, "ServiceUnavailable", ErrorCode::kUnavailable, "store_unavailable"},
      {500, "InternalError", ErrorCode::kUnavailable, "internal_error"},
      {400, "RequestTimeout", ErrorCode::kUnavailable, "request_timeout"},
      {400, "IncompleteBody", ErrorCode::kUnavailable, "body_cut_short"},
      {409, "OperationAborted", ErrorCode::kUnavailable, "store_unavailable"},
      {409, "ConditionalRequestConflict", ErrorCode::kUnavailable, "store_unavailable"},
      {503, "PriorRequestNotComplete", ErrorCode::kUnavailable, "store_unavailable"},
      {416, "InvalidRange", ErrorCode::kInvalidArgument, "range_not_satisfiable"},
      {400, "KeyTooLongError", ErrorCode::kInvalidArgument, "bad_object_key"},
      {400, "EntityTooLarge", ErrorCode::kTooLarge, "too_large"},
      {403, "InvalidObjectState", ErrorCode::kConflict, "archived"},
      {412, "PreconditionFailed", ErrorCode::kConflict, "precondition_failed"},
      {404, "NoSuchKey", ErrorCode::kNotFound, "no_such_object"},
      {400, "InvalidArgument", ErrorCode::kInvalidArgument, "refused_by_store"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.code);
    const Error error = put_error(row.status, row.code);
    CHECK(to_string(error.code()) == to_string(row.error));
    CHECK(error.reason() == row.reason);
    CHECK_FALSE(error.message().empty());
    if (error.stops_the_job()) CHECK_FALSE(error.remedy().empty());
  }
}

TEST_CASE("the code decides before the status", "[s3][error]") {
  CHECK(put_error(503, "AccessDenied").reason() == "access_denied");
  CHECK(put_error(403, "SlowDown").reason() == "slow_down");
  CHECK(put_error(200, "InternalError").code() == ErrorCode::kUnavailable);
}

TEST_CASE("an S3 that knows no checksum headers is recognised", "[s3][error]") {
  const std::string said = "<Message>Unsupported header 'x-amz-checksum-sha256' received for this API call.</Message>";
  CHECK(wants_no_checksum_headers(put_error(400, "InvalidArgument", said)));
  CHECK(wants_no_checksum_headers(put_error(
      501, "NotImplemented", "<Message>Header 'x-amz-checksum-sha256' with value 'x' not implemented</Message>")));
  CHECK_FALSE(wants_no_checksum_headers(put_error(400, "InvalidArgument", "<Message>Bad</Message>")));
  CHECK_FALSE(wants_no_checksum_headers(put_error(400, "BadDigest", said)));
}

TEST_CASE("without a code the status decides", "[s3][error]") {
  const auto reason = [](HttpMethod method, int status) {
    return error_of(with_method(method), status, "<html>no S3</html>").reason();
  };
  CHECK(reason(HttpMethod::kPut, 400) == "not_s3");
  CHECK(reason(HttpMethod::kPut, 401) == "access_denied");
  CHECK(reason(HttpMethod::kPut, 403) == "access_denied");
  CHECK(reason(HttpMethod::kPut, 404) == "not_s3");
  CHECK(reason(HttpMethod::kPut, 405) == "not_s3");
  CHECK(reason(HttpMethod::kPut, 408) == "store_unavailable");
  CHECK(reason(HttpMethod::kPut, 413) == "too_large");
  CHECK(reason(HttpMethod::kPut, 429) == "slow_down");
  CHECK(reason(HttpMethod::kPut, 500) == "internal_error");
  CHECK(reason(HttpMethod::kPut, 502) == "internal_error");
  CHECK(reason(HttpMethod::kPut, 503) == "store_unavailable");
  CHECK(reason(HttpMethod::kPut, 504) == "store_unavailable");
  CHECK(reason(HttpMethod::kPut, 507) == "quota_exceeded");
  CHECK(reason(HttpMethod::kPut, 418) == "refused_by_store");
  CHECK(reason(HttpMethod::kPut, 200) == "not_s3");
  CHECK(reason(HttpMethod::kHead, 404) == "no_such_object");
  CHECK(reason(HttpMethod::kDelete, 404) == "no_such_object");
  CHECK(reason(HttpMethod::kGet, 416) == "range_not_satisfiable");
  CHECK(reason(HttpMethod::kHead, 400) == "refused_by_store");
  S3Request bucket = with_method(HttpMethod::kHead);
  bucket.key.clear();
  CHECK(error_of(bucket, 404, "").reason() == "no_such_bucket");
}

TEST_CASE("a HEAD with a session token takes a bare 400 for an expired one", "[s3][error]") {
  S3Request request = with_method(HttpMethod::kHead);
  request.temporary_key = true;
  const Error error = error_of(request, 400, "");
  CHECK(error.reason() == "token_expired");
  CHECK(wants_fresh_credentials(error));
  CHECK(wants_fresh_credentials(put_error(400, "InvalidToken")));
  CHECK_FALSE(wants_fresh_credentials(put_error(403, "SignatureDoesNotMatch")));
}

TEST_CASE("a wrong region is answered with the region to set, wherever the answer names it", "[s3][error]") {
  const auto check = [](const Error& error) {
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(error.reason() == "wrong_region");
    CHECK(says(error.message(), "my-images is in the region eu-central-1, not in us-east-1"));
    CHECK(error.remedy() == "Set AWS_REGION=eu-central-1.");
  };
  check(put_error(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>"));
  check(put_error(301, "PermanentRedirect", "<Endpoint>my-images.s3.eu-central-1.amazonaws.com</Endpoint>"));
  check(put_error(301, "PermanentRedirect", "<Endpoint>my-images.s3-eu-central-1.amazonaws.com</Endpoint>"));
  check(put_error(307, "TemporaryRedirect", "<Endpoint>my-images.s3.eu-central-1.amazonaws.com</Endpoint>"));
  HttpHeaders headers;
  headers.set("X-Amz-Bucket-Region", "eu-central-1");
  check(error_of(with_method(HttpMethod::kHead), 301, "", headers));
  check(error_of(with_method(HttpMethod::kHead), 400, "", headers));
  HttpHeaders location;
  location.set("Location", "https://my-images.s3.eu-central-1.amazonaws.com/p/id?X-Amz-Signature=5");
  check(error_of(put_to_aws(), 307, "", location));
}

TEST_CASE("a wrong region that the answer does not name still names the setting", "[s3][error]") {
  for (const Error& error : {put_error(301, "PermanentRedirect"), error_of(with_method(HttpMethod::kHead), 301, "")}) {
    CHECK(error.reason() == "wrong_region");
    CHECK(says(error.remedy(), "AWS_REGION"));
  }
}

TEST_CASE("the redirect of a proxy before another S3 says where to, and no more of the URL", "[s3][error]") {
  S3Request request = put_to_aws();
  request.custom_endpoint = true;
  HttpHeaders headers;
  headers.set("Location", "https://user:secret@s3.example.com/p?X-Amz-Signature=5");
  const Error error = error_of(request, 301, "", headers);
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "redirected");
  CHECK(says(error.message(), "s3.example.com, which is not followed"));
  CHECK_FALSE(says(error.message(), "secret"));
  CHECK_FALSE(says(error.message(), "Signature"));
  CHECK(says(error.remedy(), "AWS_ENDPOINT_URL_S3"));
}

TEST_CASE("a clock that is off is told with the difference", "[s3][error]") {
  const Error by_body = put_error(403, "RequestTimeTooSkewed",
                                  "<RequestTime>20260102T030405Z</RequestTime><ServerTime>2026-01-02T03:44:06Z"
                                  "</ServerTime>");
  CHECK(says(by_body.message(), "clock is 40 minutes behind that of S3"));
  CHECK(by_body.code() == ErrorCode::kMisconfigured);
  HttpHeaders headers;
  headers.set("Date", "Fri, 02 Jan 2026 02:04:05 GMT");
  const Error by_header = error_of(put_to_aws(), 403, document("RequestTimeTooSkewed"), headers);
  CHECK(says(by_header.message(), "clock is 60 minutes ahead of that of S3"));
  CHECK(says(by_header.remedy(), "NTP"));
}

TEST_CASE("a request that lay about until its signature was old is no matter of the clock", "[s3][error]") {
  HttpHeaders headers;
  headers.set("Date", "Fri, 02 Jan 2026 03:04:09 GMT");
  const Error error = error_of(put_to_aws(), 403, document("RequestTimeTooSkewed"), headers);
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.reason() == "signature_expired");
}

TEST_CASE("SlowDown takes the wait that the answer asks for", "[s3][error]") {
  HttpHeaders headers;
  headers.set("Retry-After", "7");
  CHECK(error_of(put_to_aws(), 503, document("SlowDown"), headers).retry_after() == std::chrono::seconds(7));
  CHECK_FALSE(put_error(503, "SlowDown").retry_after().has_value());
}

TEST_CASE("texts name the bucket and what to allow, and show no key whole", "[s3][error]") {
  const Error denied = put_error(403, "AccessDenied", "<Message>User is not authorized &amp; more</Message>");
  CHECK(says(denied.message(), "access key …MPLE to write objects in the bucket my-images"));
  CHECK(says(denied.message(), "(AccessDenied: User is not authorized & more)"));
  CHECK(says(denied.remedy(), "s3:PutObject on arn:aws:s3:::my-images/*"));
  CHECK(says(error_of(with_method(HttpMethod::kGet), 403, document("AccessDenied")).remedy(), "s3:GetObject"));
  CHECK(says(error_of(with_method(HttpMethod::kDelete), 403, document("AccessDenied")).remedy(), "s3:DeleteObject"));
  CHECK(says(put_error(404, "NoSuchBucket").message(), "no bucket my-images at my-images.s3.us-east-1.amazonaws.com"));
  CHECK(says(put_error(404, "NoSuchBucket").remedy(), "AWS_BUCKET_NAME"));
  for (const char* code : {"AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken"}) {
    CHECK_FALSE(says(put_error(403, code).message(), "AKIAIOSFODNN7EXAMPLE"));
  }
  CHECK(shortened_key_id("short") == "that is set");
}

TEST_CASE("a server's message is cut and made valid UTF-8", "[s3][error]") {
  const Error error = put_error(400, "InvalidArgument", "<Message>" + std::string(5000, 'x') + "\xff</Message>");
  CHECK(error.message().size() < 500);
  CHECK(is_valid_utf8(put_error(400, "InvalidArgument", "<Message>\xff\xfe</Message>").message()));
}

}  // namespace imgimport
