#include "rest/service_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <utility>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{2'000};
constexpr milliseconds kSecondTryAfter{150};

// Ends early when the caller stops.
void wait_for(const CallContext& context, milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, context.stop, std::min(time, context.remaining()), [] { return false; });
}

bool is_of_the_caller(const Error& error) {
  return error.code() == ErrorCode::kCancelled;
}

}  // namespace

std::string ServiceClient::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

// Clients of the public API read this: where the service runs and what the line said is for the log.
Error ServiceClient::away() const {
  Error error(ErrorCode::kUnavailable, fmt::format("the {} service does not answer", address_.name));
  return std::move(error)
      .with_reason("service_away")
      .with_remedy(fmt::format("Start it, or set {} to where it runs; what was accepted goes on by itself then",
                               address_.setting))
      .with_retry_after(milliseconds(1'000));
}

Error ServiceClient::lost(const Error& why) {
  breaker_.failed(clock_.steady_now());
  const bool is_untrusted = why.reason() == "certificate_not_trusted" || why.reason() == "ca_file_unreadable";
  Error said = is_untrusted ? Error(ErrorCode::kUnavailable,
                                    fmt::format("the {} service's certificate is not trusted here", address_.name))
                                  .with_reason(std::string(why.reason()))
                                  .with_remedy(why.remedy())
                            : away();
  note(said, why.message());
  return said;
}

Error ServiceClient::unexpected_answer(std::string_view what) const {
  return Error(ErrorCode::kUnavailable,
               fmt::format("the {} service gave an answer that cannot be understood: {}", address_.name, what))
      .with_reason("unexpected_answer")
      .with_remedy("Run the same version of imgimport everywhere");
}

Error ServiceClient::refusal(int status, const HttpHeaders& headers, std::string_view body) const {
  if (auto error = decode_error(body)) return *std::move(error);
  if (status == 401 || status == 403) {
    return Error(ErrorCode::kUnavailable, fmt::format("the {} service ({}) refuses {}", address_.name, address_.setting,
                                                      address_.token.empty() ? "calls without a token" : "our token"))
        .with_reason("service_refuses_token")
        .with_remedy("Set INTERNAL_TOKEN to the same value for every service");
  }
  if (status == 404 && !headers.find(kWireVersionHeader)) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("what answers at {} is not imgimport's {} service", address_.setting, address_.name))
        .with_reason("not_the_service")
        .with_remedy(fmt::format("Set {} to where the {} service listens", address_.setting, address_.name));
  }
  if (status == 503) {
    return Error(ErrorCode::kUnavailable, fmt::format("the {} service is starting or ending", address_.name))
        .with_reason("service_away")
        .with_remedy("Wait a moment; what was accepted goes on by itself then")
        .with_retry_after(milliseconds(1'000));
  }
  return Error(ErrorCode::kUnavailable, fmt::format("the {} service answered with status {}", address_.name, status))
      .with_reason("unexpected_answer");
}

Result<void> ServiceClient::check_version(const HttpHeaders& headers) const {
  const auto version = headers.find(kWireVersionHeader);
  if (version && *version == kWireVersion) return {};
  if (!version) return refusal(404, headers, {});
  return Error(ErrorCode::kUnavailable,
               fmt::format("the {} service ({}) is another version of imgimport (its calls are of version {}, ours "
                           "of version {})",
                           address_.name, address_.setting, *version, kWireVersion))
      .with_reason("service_version")
      .with_remedy("Run the same version of imgimport everywhere");
}

HttpClientRequest ServiceClient::request_to(const CallContext& context, std::string_view target) const {
  HttpClientRequest request;
  request.url = address_.url + std::string(target);
  request.connect_timeout = kConnectTimeout;
  // A database may take its time; the call's deadline is what bounds it.
  request.stall_timeout = std::chrono::duration_cast<milliseconds>(kCallLimit);
  request.max_response_bytes = kMaxMessageBytes;
  if (!address_.token.empty()) request.headers.set("Authorization", "Bearer " + address_.token);
  if (!context.request_id.empty()) request.headers.set("X-Request-Id", context.request_id);
  request.headers.set(kWireVersionHeader, std::string(kWireVersion));
  set_deadline(request.headers, context);
  return request;
}

// Says so once when it begins and once when it ends.
void ServiceClient::note(const Result<void>& outcome, std::string_view cause) {
  const std::string text = outcome.has_value() ? std::string() : outcome.error().message();
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(trouble_, text);
    const bool is_away = outcome.has_value() || outcome.error().reason() == "service_away";
    remedy_ = is_away ? std::string() : outcome.error().remedy();
  }
  if (before.empty() == text.empty()) return;
  if (text.empty()) {
    log_info("a service answers again", {{"service", address_.name}, {"url", address_.url}});
  } else {
    log_warning("a service does not answer", {{"service", address_.name},
                                              {"url", address_.url},
                                              {"error", text},
                                              {"cause", cause},
                                              {"remedy", outcome.error().remedy()}});
  }
}

Result<void> ServiceClient::admitted() {
  if (breaker_.allows(clock_.steady_now())) return {};
  const std::lock_guard lock(mutex_);
  const std::string start_it =
      fmt::format("Start the {} service, or set {} to where it runs", address_.name, address_.setting);
  return Error(ErrorCode::kUnavailable, trouble_)
      .with_reason("service_away")
      .with_remedy(remedy_.empty() ? start_it : remedy_)
      .with_retry_after(milliseconds(1'000));
}

Result<HttpClientResponse> ServiceClient::send(const CallContext& context, const Outgoing& outgoing) {
  HttpClientRequest request = request_to(context, outgoing.path);
  request.method = HttpMethod::kPost;
  request.headers.set("Content-Type", "application/json");
  request.body = outgoing.body;
  auto answer = http_.send(context, request);
  if (answer.has_value() || is_of_the_caller(answer.error())) return answer;
  // A service that is being restarted is back in a moment.
  const bool again = is_without_connection(answer.error()) ||
                     (outgoing.repeatable && answer.error().code() == ErrorCode::kUnavailable);
  if (!again || breaker_.is_open()) return answer;
  wait_for(context, kSecondTryAfter);
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return http_.send(context, request);
}

Result<std::string> ServiceClient::exchange(const CallContext& caller, const Outgoing& outgoing) {
  const CallContext context = caller.with_timeout(kCallLimit);
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_RETURN_IF_ERROR(admitted());
  auto answer = send(context, outgoing);
  if (!answer.has_value()) {
    Error error = std::move(answer).error();
    if (is_of_the_caller(error)) return error;
    Error said = lost(error);
    return error.code() == ErrorCode::kDeadlineExceeded ? error : said;
  }
  breaker_.succeeded();
  if (answer->status != 200) {
    Error error = refusal(answer->status, answer->headers, answer->body);
    // Of an error that the service itself has written: a service behind it may be away, it is not.
    const bool has_answered = decode_error(answer->body) && check_version(answer->headers).has_value();
    const bool of_the_service = error.reason().starts_with("service_") || error.reason() == "not_the_service";
    note(of_the_service && !has_answered ? Result<void>(error) : Result<void>());
    return error;
  }
  auto understood = check_version(answer->headers);
  note(understood);
  if (!understood.has_value()) return std::move(understood).error();
  return std::move(answer->body);
}

Result<std::unique_ptr<HttpDownload>> ServiceClient::open(const CallContext& context, std::string_view target) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_RETURN_IF_ERROR(admitted());
  HttpClientRequest request = request_to(context, target);
  auto download = http_.open(context, request);
  if (!download.has_value()) {
    const Error error = std::move(download).error();
    if (is_of_the_caller(error)) return error;
    return lost(error);
  }
  breaker_.succeeded();
  if ((*download)->status() == 200) {
    IMGIMPORT_RETURN_IF_ERROR(check_version((*download)->headers()));
    return download;
  }
  std::string body;
  std::array<std::byte, 4096> piece;
  while (body.size() < (64u << 10)) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, (*download)->read(context, piece));
    if (count == 0) break;
    body.append(reinterpret_cast<const char*>(piece.data()), count);
  }
  return refusal((*download)->status(), (*download)->headers(), body);
}

Result<void> ServiceClient::greet(const CallContext& context) {
  const std::string path = fmt::format("/internal/v1/{}/hello", address_.name);
  IMGIMPORT_RETURN_IF_ERROR(exchange(context, {.path = path, .body = "{}", .repeatable = true}));
  return {};
}

}  // namespace imgimport
