#include "storage/azure/azure_error.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "base/http_date.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

using std::chrono::minutes;

const Timestamp kNow = *parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT");
constexpr AzureCall kCall = {.account = "photos", .container = "images", .blob = "a/b.jpg"};

struct Answer {
  int status = 403;
  std::string code;    // in the header
  std::string detail;  // <AuthenticationErrorDetail>
  std::chrono::milliseconds server_ahead{0};
  std::string retry_after;
};

Error error_for(const Answer& answer) {
  HttpHeaders headers;
  headers.set("x-ms-request-id", "4f2c");
  headers.set("Date", to_http_date(kNow + answer.server_ahead));
  if (!answer.code.empty()) headers.set("x-ms-error-code", answer.code);
  if (!answer.retry_after.empty()) headers.set("Retry-After", answer.retry_after);
  const std::string body = "<?xml version=\"1.0\"?><Error><Code>" + answer.code +
                           "</Code><Message>Azure's words.\nRequestId:4f2c</Message><AuthenticationErrorDetail>" +
                           answer.detail + "</AuthenticationErrorDetail></Error>";
  return azure_error(kCall, {.status = answer.status, .headers = headers, .body = body, .now = kNow});
}

bool mentions(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("each of Azure's words has its class and reason", "[azure]") {
  const struct {
    int status;
    const char* azure_code;
    ErrorCode code;
    const char* reason;
  } cases[] = {
      {403, "AuthenticationFailed", ErrorCode::kUnauthenticated, "authentication_failed"},
      {401, "NoAuthenticationInformation", ErrorCode::kUnauthenticated, "authentication_failed"},
      {403, "AuthorizationFailure", ErrorCode::kMisconfigured, "access_denied"},
      {403, "AuthorizationPermissionMismatch", ErrorCode::kMisconfigured, "access_denied"},
      {403, "KeyBasedAuthenticationNotPermitted", ErrorCode::kMisconfigured, "keys_not_permitted"},
      {400, "AccountRequiresHttps", ErrorCode::kMisconfigured, "https_required"},
      {403, "AccountIsDisabled", ErrorCode::kMisconfigured, "account_disabled"},
      {404, "ContainerNotFound", ErrorCode::kMisconfigured, "no_such_container"},
      {409, "ContainerBeingDeleted", ErrorCode::kUnavailable, "container_being_deleted"},
      {404, "BlobNotFound", ErrorCode::kNotFound, "no_such_object"},
      {400, "Md5Mismatch", ErrorCode::kCorrupt, "checksum_mismatch"},
      {413, "RequestBodyTooLarge", ErrorCode::kTooLarge, "too_large"},
      {416, "InvalidRange", ErrorCode::kInvalidArgument, "range_not_satisfiable"},
      {412, "ConditionNotMet", ErrorCode::kConflict, "changed_meanwhile"},
      {400, "InvalidBlockList", ErrorCode::kUnavailable, "blocks_lost"},
      {409, "BlobArchived", ErrorCode::kUnsupported, "archived"},
      {409, "BlobImmutableDueToPolicy", ErrorCode::kPermissionDenied, "immutable"},
      {503, "ServerBusy", ErrorCode::kRateLimited, "server_busy"},
      {500, "OperationTimedOut", ErrorCode::kUnavailable, "operation_timed_out"},
      {500, "InternalError", ErrorCode::kUnavailable, "internal_error"},
      {403, "SomeQuotaExceeded", ErrorCode::kOutOfSpace, "some_quota_exceeded"},
      {507, "", ErrorCode::kOutOfSpace, "account_full"},
      {429, "", ErrorCode::kRateLimited, "server_busy"},
      {503, "", ErrorCode::kUnavailable, "server_error"},
      {408, "", ErrorCode::kUnavailable, "server_error"},
      {401, "", ErrorCode::kUnauthenticated, "authentication_failed"},
      {403, "SomethingNew", ErrorCode::kMisconfigured, "something_new"},
      {404, "", ErrorCode::kNotFound, "no_such_object"},
      {412, "", ErrorCode::kConflict, "changed_meanwhile"},
      {416, "", ErrorCode::kInvalidArgument, "range_not_satisfiable"},
      {400, "InvalidQueryParameterValue", ErrorCode::kInvalidArgument, "invalid_query_parameter_value"},
      {302, "", ErrorCode::kUnavailable, "unexpected_answer"},
  };
  for (const auto& [status, azure_code, code, reason] : cases) {
    CAPTURE(status, azure_code);
    const Error error = error_for({.status = status, .code = azure_code});
    CHECK(error.code() == code);
    CHECK(error.reason() == reason);
    CHECK_FALSE(error.message().empty());
    if (error.stops_the_job()) CHECK_FALSE(error.remedy().empty());
  }
}

TEST_CASE("the word stands in the document where the header is missing", "[azure]") {
  const HttpHeaders none;
  const AzureRefusal refusal{
      .status = 404, .headers = none, .body = "<Error><Code>ContainerNotFound</Code></Error>", .now = kNow};
  CHECK(azure_error_code(refusal) == "ContainerNotFound");
  CHECK(azure_error(kCall, refusal).reason() == "no_such_container");
}

TEST_CASE("refused credentials: a wrong key, a clock that is off, an old signature", "[azure]") {
  const Error wrong_key = error_for({.code = "AuthenticationFailed", .detail = "The MAC signature 'c2lnbmF0dXJl' …"});
  CHECK(wrong_key.reason() == "authentication_failed");
  CHECK(mentions(wrong_key.message(), "photos"));
  CHECK(mentions(wrong_key.remedy(), "AZURE_STORAGE_CONNECTION_STRING"));
  CHECK(mentions(wrong_key.remedy(), "clock"));
  CHECK_FALSE(mentions(wrong_key.message() + wrong_key.remedy(), "c2lnbmF0dXJl"));

  const Error told = error_for({.code = "AuthenticationFailed", .detail = "Request date header too old: 'Fri…'"});
  CHECK(told.reason() == "clock_off");
  CHECK(error_for({.code = "AuthenticationFailed", .server_ahead = minutes(16)}).reason() == "clock_off");
  CHECK(error_for({.code = "AuthenticationFailed", .server_ahead = minutes(-16)}).reason() == "clock_off");
  CHECK(error_for({.code = "AuthenticationFailed", .server_ahead = minutes(2)}).reason() == "authentication_failed");
  CHECK(mentions(told.remedy(), "clock"));

  const Error expired = error_for(
      {.code = "AuthenticationFailed", .detail = "Signature not valid in the specified time frame: Start […]"});
  CHECK(expired.reason() == "signature_expired");
  CHECK(expired.stops_the_job());
}

TEST_CASE("Azurite's word for a wrong key is not taken for a closed door", "[azure]") {
  HttpHeaders headers;
  headers.set("x-ms-error-code", "AuthorizationFailure");
  const std::string body = "<Error><Message>Server failed to authenticate the request. Make sure…</Message></Error>";
  CHECK(azure_error(kCall, {.status = 403, .headers = headers, .body = body, .now = kNow}).reason() ==
        "authentication_failed");
}

TEST_CASE("remedies name the setting", "[azure]") {
  CHECK(mentions(error_for({.status = 404, .code = "ContainerNotFound"}).remedy(), "AZURE_STORAGE_CONTAINER_NAME"));
  CHECK(mentions(error_for({.code = "AuthorizationFailure"}).remedy(), "Networking"));
  HttpHeaders headers;
  headers.set("x-ms-error-code", "InvalidHeaderValue");
  const Error tier = azure_error(kCall, {.status = 400,
                                         .headers = headers,
                                         .body = "<Error><HeaderName>x-ms-access-tier</HeaderName></Error>",
                                         .now = kNow});
  CHECK(tier.code() == ErrorCode::kMisconfigured);
  CHECK(mentions(tier.remedy(), "STORAGE_CLASS"));
}

TEST_CASE("Azure is waited for as long as it asks", "[azure]") {
  CHECK(error_for({.status = 503, .code = "ServerBusy", .retry_after = "7"}).retry_after() == std::chrono::seconds(7));
  CHECK_FALSE(error_for({.status = 503, .code = "ServerBusy"}).retry_after().has_value());
}

TEST_CASE("what is no answer of Azure's passes for no verdict on an object", "[azure]") {
  HttpHeaders headers;
  headers.set("Content-Type", "text/html");
  for (const int status : {200, 302, 400, 403, 404}) {
    CAPTURE(status);
    const Error error = azure_error(
        kCall, {.status = status, .headers = headers, .body = "<html><title>Sign in</title></html>", .now = kNow});
    CHECK(error.code() == ErrorCode::kUnavailable);
    CHECK(error.reason() == "unexpected_answer");
  }
}

TEST_CASE("texts do not break where names are unknown", "[azure]") {
  HttpHeaders headers;
  headers.set("x-ms-error-code", "ContainerNotFound");
  CHECK(azure_error({}, {.status = 404, .headers = headers, .body = {}, .now = kNow}).message() ==
        "the container does not exist in the storage account");
}

}  // namespace imgimport
