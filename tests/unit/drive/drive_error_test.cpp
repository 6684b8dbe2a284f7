#include "drive/drive_error.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "base/text.hpp"

namespace imgimport {
namespace {

using std::chrono::seconds;

std::string document(int status, const std::vector<std::string>& reasons, const std::string& message = "Said so.",
                     const std::string& location = "x") {
  std::string errors;
  for (const std::string& reason : reasons) {
    if (!errors.empty()) errors += ',';
    errors += R"({"domain":"global","reason":")" + reason + R"(","message":"m","location":")" + location + R"("})";
  }
  return R"({"error":{"code":)" + std::to_string(status) + R"(,"message":")" + message + R"(","errors":[)" + errors +
         "]}}";
}

Error classify(int status, std::string_view body, DriveCall::Kind kind = DriveCall::Kind::kDownload) {
  const HttpHeaders headers;
  return drive_error({.kind = kind, .id = "1AbC", .account = {}},
                     {.status = status, .headers = headers, .body = body, .now = Timestamp()});
}

struct Row {
  int status;
  std::vector<std::string> reasons;
  ErrorCode code;
  std::string reason;
};

TEST_CASE("each reason of Drive's has its class", "[drive]") {
  const Row row = GENERATE(values<Row>({
      {403, {"rateLimitExceeded"}, ErrorCode::kRateLimited, "rate_limit_exceeded"},
      {429, {"rateLimitExceeded"}, ErrorCode::kRateLimited, "rate_limit_exceeded"},
      {403, {"userRateLimitExceeded"}, ErrorCode::kRateLimited, "user_rate_limit_exceeded"},
      {403, {"sharingRateLimitExceeded"}, ErrorCode::kRateLimited, "rate_limit_exceeded"},
      {500, {"internalError"}, ErrorCode::kUnavailable, "internal_error"},
      {500, {"backendError"}, ErrorCode::kUnavailable, "backend_error"},
      {502, {"badGateway"}, ErrorCode::kUnavailable, "bad_gateway"},
      {503, {"backendError"}, ErrorCode::kUnavailable, "backend_error"},
      {504, {"gatewayTimeout"}, ErrorCode::kUnavailable, "gateway_timeout"},
      {401, {"authError"}, ErrorCode::kUnauthenticated, "auth_error"},
      {401, {"required"}, ErrorCode::kUnauthenticated, "auth_error"},
      {403, {"downloadQuotaExceeded"}, ErrorCode::kQuotaExhausted, "download_quota_exceeded"},
      {403, {"quotaExceeded"}, ErrorCode::kQuotaExhausted, "download_quota_exceeded"},
      {403, {"cannotDownloadAbusiveFile"}, ErrorCode::kPermissionDenied, "cannot_download_abusive_file"},
      {403, {"invalidAbuseAcknowledgment"}, ErrorCode::kPermissionDenied, "invalid_abuse_acknowledgment"},
      {403, {"cannotDownloadFile"}, ErrorCode::kPermissionDenied, "cannot_download_file"},
      {403, {"fileNotDownloadable"}, ErrorCode::kUnsupported, "file_not_downloadable"},
      {403, {"insufficientFilePermissions"}, ErrorCode::kPermissionDenied, "insufficient_file_permissions"},
      {403, {"appNotAuthorizedToFile"}, ErrorCode::kPermissionDenied, "app_not_authorized_to_file"},
      {403, {"forbidden"}, ErrorCode::kPermissionDenied, "forbidden"},
      {404, {"notFound"}, ErrorCode::kNotFound, "not_found"},
      {400, {"badRequest"}, ErrorCode::kInvalidArgument, "bad_request"},
      {400, {"keyInvalid"}, ErrorCode::kMisconfigured, "key_invalid"},
      {403, {"accessNotConfigured"}, ErrorCode::kMisconfigured, "access_not_configured"},
      {403, {"dailyLimitExceeded"}, ErrorCode::kMisconfigured, "daily_limit_exceeded"},
      {403, {"dailyLimitExceededUnreg"}, ErrorCode::kMisconfigured, "daily_limit_exceeded_unreg"},
      {403, {"domainPolicy"}, ErrorCode::kMisconfigured, "domain_policy"},
      {403, {"teamDriveMembershipRequired"}, ErrorCode::kMisconfigured, "team_drive_membership_required"},
      {403, {"insufficientPermissions"}, ErrorCode::kMisconfigured, "insufficient_scopes"},
      {403, {"ipRefererBlocked"}, ErrorCode::kMisconfigured, "key_restricted"},
      // Reasons that nobody has heard of go by the status.
      {403, {"somethingNew"}, ErrorCode::kPermissionDenied, "something_new"},
      {429, {"somethingNew"}, ErrorCode::kRateLimited, "something_new"},
      {400, {"somethingNew"}, ErrorCode::kInvalidArgument, "something_new"},
      {503, {"somethingNew"}, ErrorCode::kUnavailable, "something_new"},
      // The strongest of several, wherever it stands.
      {403, {"backendError", "rateLimitExceeded"}, ErrorCode::kRateLimited, "rate_limit_exceeded"},
      {403, {"rateLimitExceeded", "downloadQuotaExceeded"}, ErrorCode::kQuotaExhausted, "download_quota_exceeded"},
      {403, {"downloadQuotaExceeded", "cannotDownloadFile"}, ErrorCode::kPermissionDenied, "cannot_download_file"},
      {403, {"cannotDownloadFile", "accessNotConfigured"}, ErrorCode::kMisconfigured, "access_not_configured"},
      {403, {"accessNotConfigured", "cannotDownloadFile"}, ErrorCode::kMisconfigured, "access_not_configured"},
      {403, {"unheardOf", "userRateLimitExceeded"}, ErrorCode::kRateLimited, "user_rate_limit_exceeded"},
      {401, {"authError", "keyInvalid"}, ErrorCode::kMisconfigured, "key_invalid"},
  }));
  CAPTURE(row.status, row.reasons);
  const Error error = classify(row.status, document(row.status, row.reasons));
  CHECK(error.code() == row.code);
  CHECK(error.reason() == row.reason);
  CHECK_FALSE(error.message().empty());
  CHECK(error.message().find("{}") == std::string::npos);
  if (error.stops_the_job()) CHECK_FALSE(error.remedy().empty());
}

TEST_CASE("without a readable reason the status decides", "[drive]") {
  const std::string html = "<html><head><title> Error 5 </title></head></html>";
  const std::string body =
      GENERATE_COPY(values<std::string>({"", html, "{", "[]", R"({"error":"x"})", R"({"error":{"errors":7}})"}));
  CAPTURE(body);
  CHECK(classify(500, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(502, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(503, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(504, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(408, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(429, body).code() == ErrorCode::kRateLimited);
  CHECK(classify(404, body).code() == ErrorCode::kNotFound);
  CHECK(classify(410, body).code() == ErrorCode::kNotFound);
  CHECK(classify(401, body).code() == ErrorCode::kUnauthenticated);
  CHECK(classify(302, body).code() == ErrorCode::kUnavailable);
  CHECK(classify(400, body).code() == ErrorCode::kInvalidArgument);
  CHECK(classify(403, body).is_transient() == (body != R"({"error":{"errors":7}})"));
}

TEST_CASE("Google's page against robots asks to slow down, whatever its status", "[drive]") {
  const std::string page = "<html>... your computer or network may be sending automated queries ...</html>";
  for (const int status : {403, 429, 503}) CHECK(classify(status, page).code() == ErrorCode::kRateLimited);
}

TEST_CASE("a wrong API key is told by the new error format too", "[drive]") {
  const std::string body = GENERATE(values<std::string>({
      R"({"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","errors":[{"reason":"badRequest"}],"status":"INVALID_ARGUMENT"}})",
      R"({"error":{"code":400,"message":"x","errors":[{"reason":"badRequest"}],"details":[{"@type":"t","reason":"API_KEY_INVALID"}]}})",
  }));
  const Error error = classify(400, body, DriveCall::Kind::kRoot);
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "key_invalid");
  CHECK_THAT(error.remedy(), Catch::Contains("GOOGLE_API_KEY"));
}

TEST_CASE("a refused page token is a conflict, other wrong parameters are not", "[drive]") {
  const std::string body = document(400, {"invalid"}, "Invalid Value", "pageToken");
  CHECK(classify(400, body, DriveCall::Kind::kList).code() == ErrorCode::kConflict);
  CHECK(classify(400, body, DriveCall::Kind::kList).reason() == "page_token_rejected");
  CHECK(classify(400, document(400, {"invalidPageToken"}), DriveCall::Kind::kList).reason() == "page_token_rejected");
  CHECK(classify(400, document(400, {"invalid"}, "Invalid Value", "q"), DriveCall::Kind::kList).code() ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("not found names all four causes, and whom to share with", "[drive]") {
  const HttpHeaders headers;
  const std::string body = document(404, {"notFound"});
  const DriveRefusal refusal{.status = 404, .headers = headers, .body = body, .now = {}};
  const Error by_key = drive_error({.kind = DriveCall::Kind::kRoot, .id = "1AbC", .account = {}}, refusal);
  for (const char* const cause : {"1AbC", "deleted", "no right", "not shared", "API key", "resource key"}) {
    CHECK_THAT(by_key.message(), Catch::Contains(cause));
  }
  const Error by_account = drive_error(
      {.kind = DriveCall::Kind::kRoot, .id = "1AbC", .account = "robot@p.iam.gserviceaccount.com"}, refusal);
  CHECK_THAT(by_account.message(), Catch::Contains("robot@p.iam.gserviceaccount.com"));
  CHECK_THAT(by_account.remedy(), Catch::Contains("robot@p.iam.gserviceaccount.com"));
}

TEST_CASE("a root that is closed to the account is not found either, with all four causes", "[drive]") {
  const auto [google, ours] = GENERATE(table<std::string, std::string>({
      {"insufficientFilePermissions", "insufficient_file_permissions"},
      {"forbidden", "forbidden"},
      {"appNotAuthorizedToFile", "app_not_authorized_to_file"},
  }));
  const Error error = classify(403, document(403, {google}), DriveCall::Kind::kRoot);
  CHECK(error.code() == ErrorCode::kNotFound);
  CHECK(error.reason() == ours);
  for (const char* const cause : {"deleted", "no right", "not shared", "resource key"}) {
    CHECK_THAT(error.message(), Catch::Contains(cause));
  }
}

TEST_CASE("Retry-After goes with what may pass by itself", "[drive]") {
  const Timestamp now;
  HttpHeaders headers;
  headers.set("Retry-After", "12");
  const auto with_header = [&](int status, const std::string& body) {
    return drive_error({.kind = DriveCall::Kind::kDownload, .id = "1", .account = {}},
                       {.status = status, .headers = headers, .body = body, .now = now});
  };
  CHECK(with_header(429, "").retry_after() == seconds(12));
  CHECK(with_header(503, "<html>").retry_after() == seconds(12));
  CHECK(with_header(403, document(403, {"userRateLimitExceeded"})).retry_after() == seconds(12));
  CHECK_FALSE(with_header(404, "").retry_after().has_value());
}

TEST_CASE("what Google says is cut at a whole character", "[drive]") {
  std::string message;
  for (int i = 0; i < 300; ++i) message += "é";
  const Error error = classify(403, document(403, {"accessNotConfigured"}, "a" + message));
  CHECK(error.message().size() < 500);
  CHECK(is_valid_utf8(error.message()));
}

}  // namespace
}  // namespace imgimport
