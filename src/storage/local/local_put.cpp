#include "storage/local/local_put.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <string>
#include <utility>

#include "base/http_error.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kClassHeader = "X-Error-Class";

constexpr std::array kClasses = {
    ErrorCode::kCancelled,     ErrorCode::kDeadlineExceeded, ErrorCode::kInvalidArgument,  ErrorCode::kNotFound,
    ErrorCode::kConflict,      ErrorCode::kUnauthenticated,  ErrorCode::kPermissionDenied, ErrorCode::kUnsupported,
    ErrorCode::kCorrupt,       ErrorCode::kRateLimited,      ErrorCode::kQuotaExhausted,   ErrorCode::kUnavailable,
    ErrorCode::kMisconfigured, ErrorCode::kOutOfSpace,       ErrorCode::kTooLarge,         ErrorCode::kInternal,
};

std::string text_of(const boost::json::object& json, std::string_view name) {
  const auto* value = json.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::optional<boost::json::object> object_in(std::string_view body) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(body, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return value.as_object();
}

Error not_the_service(int status) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("what answered the upload with {} is not the storage service", status))
      .with_reason("unexpected_answer");
}

// By the header; without it, something before the service has answered.
Error error_in(const HttpClientResponse& answer) {
  const auto json = object_in(answer.body);
  const auto name = answer.headers.find(kClassHeader);
  for (const ErrorCode code : kClasses) {
    if (!json || name != to_string(code)) continue;
    Error error(code, text_of(*json, "error"));
    std::string reason = text_of(*json, "code");
    if (reason == to_string(code)) reason.clear();
    return std::move(error).with_reason(std::move(reason)).with_remedy(text_of(*json, "remedy"));
  }
  if (answer.status == 401 || answer.status == 403 || answer.status == 404) {
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("the upload was answered with {}, not by the storage service", answer.status))
        .with_reason("not_the_storage_service")
        .with_remedy("Set STORAGE_SERVICE_URL to the storage service's own address.");
  }
  return not_the_service(answer.status);
}

}  // namespace

HttpResponse local_put_answer(const ObjectInfo& info) {
  HttpResponse response;
  response.status = 201;
  response.headers.set("Content-Type", "application/json");
  response.body = boost::json::serialize(boost::json::object{
      {"size", info.size_bytes}, {"etag", info.etag}, {"sha256", info.hashes.sha256}, {"md5", info.hashes.md5}});
  return response;
}

HttpResponse local_put_refusal(const Error& error, const HttpRequest& request) {
  HttpResponse response;
  if (error.code() == ErrorCode::kCorrupt) {
    response = error_response(HttpErrorText{.status = 400,
                                            .code = error.reason_or_code(),
                                            .message = error.message(),
                                            .remedy = error.remedy(),
                                            .request_id = request.request_id});
  } else {
    response = error_response(error, request);
  }
  response.headers.set(kClassHeader, std::string(to_string(error.code())));
  return response;
}

Result<ObjectInfo> local_put_result(const HttpClientResponse& answer) {
  if (answer.status < 200 || answer.status > 299) return error_in(answer);
  const auto json = object_in(answer.body);
  const auto* size = json ? json->if_contains("size") : nullptr;
  if (size == nullptr || !size->is_number()) return not_the_service(answer.status);
  ObjectInfo info;
  boost::system::error_code failed;
  info.size_bytes = size->to_number<std::uint64_t>(failed);
  info.etag = text_of(*json, "etag");
  info.hashes.sha256 = text_of(*json, "sha256");
  info.hashes.md5 = text_of(*json, "md5");
  if (failed || info.etag.empty() || info.hashes.sha256.empty()) return not_the_service(answer.status);
  return info;
}

}  // namespace imgimport
