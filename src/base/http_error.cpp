#include "base/http_error.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/log.hpp"
#include "base/sentence.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kInternalSentence = "The server failed to answer this request.";
constexpr std::string_view kInternalRemedy = "Try again; if it stays, look for the request id in the server's log.";

bool is_our_fault(ErrorCode code) noexcept {
  return code == ErrorCode::kInternal || code == ErrorCode::kCorrupt;
}

// Where nobody knew anything finer.
std::string_view general_remedy(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kCancelled:
      return "Send the request again.";
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kUnavailable:
    case ErrorCode::kRateLimited:
      return "Try again in a moment.";
    case ErrorCode::kQuotaExhausted:
      return "Try again in some hours.";
    case ErrorCode::kMisconfigured:
      return "Look into the server's log for the setting that is wrong.";
    case ErrorCode::kOutOfSpace:
      return "Make room, and try again.";
    case ErrorCode::kTooLarge:
      return "Send less at once.";
    case ErrorCode::kConflict:
      return "Look at the present state, and send what fits it.";
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return "Send credentials that have the right to do this.";
    case ErrorCode::kNotFound:
      return "Check the id or the path.";
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
      return "Correct the request; the API is described at /api/openapi.json.";
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return kInternalRemedy;
  }
  return kInternalRemedy;
}

std::string retry_after_seconds(std::chrono::milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return std::to_string(std::max<std::int64_t>(seconds, 1));
}

}  // namespace

int http_status(const Error& error) noexcept {
  if (error.reason() == "range_not_satisfiable") return 416;
  if (error.reason() == "thumbnails_off") return 501;
  if (error.reason().starts_with("thumbnail_")) return 422;
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUnsupported:
      return 415;
    case ErrorCode::kRateLimited:
      return 429;
    // Only a client that has gone away, or a server that ends, cancels a request.
    case ErrorCode::kCancelled:
    case ErrorCode::kUnavailable:
    case ErrorCode::kMisconfigured:
    case ErrorCode::kOutOfSpace:
    case ErrorCode::kQuotaExhausted:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

std::string json_escape(std::string_view text) {
  static constexpr std::array<char, 17> kHex{"0123456789abcdef"};
  const std::string valid = to_valid_utf8(text);
  std::string out;
  out.reserve(valid.size() + 8);
  for (const char c : valid) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

HttpResponse error_response(const HttpErrorText& text) {
  HttpResponse response;
  response.status = text.status;
  response.headers.set("Content-Type", "application/json");
  std::string body;
  body.reserve(96 + text.code.size() + text.message.size() + text.remedy.size() + text.request_id.size());
  body.append(R"({"error":")").append(json_escape(text.message));
  body.append(R"(","code":")").append(json_escape(text.code));
  body.append(R"(","remedy":")").append(json_escape(text.remedy));
  body.append(R"(","request_id":")").append(json_escape(text.request_id)).append(R"("})");
  response.body = std::move(body);
  return response;
}

HttpResponse error_response(const Error& error, const HttpRequest& request) {
  if (is_our_fault(error.code())) {
    log_error("a request failed", {{"method", request.method_text},
                                   {"path", request.path},
                                   {"request_id", request.request_id},
                                   {"code", to_string(error.code())},
                                   {"error", error.message()}});
    return error_response(HttpErrorText{.status = 500,
                                        .code = "internal",
                                        .message = kInternalSentence,
                                        .remedy = kInternalRemedy,
                                        .request_id = request.request_id});
  }
  const int status = http_status(error);
  const std::string remedy = error.remedy().empty() ? std::string(general_remedy(error.code())) : error.remedy();
  HttpResponse response = error_response(HttpErrorText{.status = status,
                                                       .code = error.reason_or_code(),
                                                       .message = error.message(),
                                                       .remedy = sentence(with_capital(remedy)),
                                                       .request_id = request.request_id});
  if (error.retry_after() && (status == 429 || status == 503)) {
    response.headers.set("Retry-After", retry_after_seconds(*error.retry_after()));
  } else if (status == 429) {
    response.headers.set("Retry-After", "1");
  }
  if (status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

HttpResponse no_such_path(const HttpRequest& request) {
  const std::string message = "There is nothing at " + request.path + ".";
  return error_response(HttpErrorText{.status = 404,
                                      .code = "no_such_path",
                                      .message = message,
                                      .remedy = "Check the path and the port.",
                                      .request_id = request.request_id});
}

}  // namespace imgimport
