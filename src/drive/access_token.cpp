#include "drive/access_token.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/http_date.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "drive/drive_error.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds kRenewAhead{300};
// Within this of its end a token may expire on its way to Google.
constexpr seconds kTooLate{15};
// After a renewal that failed while the old token still works.
constexpr seconds kRenewAgain{20};
constexpr std::chrono::milliseconds kExchangeTime{30'000};
constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? to_valid_utf8(value->get_string().subview(0, 300)) : std::string();
}

std::optional<json::object> parse_object(std::string_view text) {
  json::error_code failure;
  json::value root = json::parse(text, failure, {}, {.allow_invalid_utf8 = true});
  if (failure || !root.is_object()) return std::nullopt;
  return std::move(root.get_object());
}

Error refused(std::string_view reason, std::string message, std::string remedy) {
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason(std::string(reason))
      .with_remedy(std::move(remedy));
}

bool mentions(std::string_view text, std::string_view word) {
  return to_lower_ascii(text).find(word) != std::string::npos;
}

}  // namespace

AccessTokens::AccessTokens(Options options, HttpClient& http, const Clock& clock)
    : options_(std::move(options)), http_(http), clock_(clock) {}

Result<std::string> AccessTokens::get(const CallContext& context) {
  std::unique_lock lock(mutex_);
  const TimePoint now = clock_.steady_now();
  const bool works = token_ && now < token_->works_until;
  if (works && (now < token_->renew_at || exchange_)) return token_->text;
  if (!works && exchange_) return wait_for_other(context, lock);

  if (!works) return fetch(context, lock);
  const std::string old = token_->text;
  auto renewed = fetch(context, lock);
  if (renewed.has_value()) return renewed;
  log_warning("the access token could not be renewed; the old one still works",
              {{"account", options_.account.email}, {"error", renewed.error().message()}});
  return old;
}

Result<std::string> AccessTokens::wait_for_other(const CallContext& context, std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<Exchange> other = exchange_;
  changed_.wait_until(lock, context.stop, context.deadline, [&] { return other->done; });
  if (!other->done) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return Error(ErrorCode::kDeadlineExceeded, "waiting for an access token took longer than allowed");
  }
  if (other->error) return *other->error;
  if (token_) return token_->text;
  // Refused by Drive in the short time since: an exchange of our own tells why.
  return exchange_ ? wait_for_other(context, lock) : fetch(context, lock);
}

Result<std::string> AccessTokens::fetch(const CallContext& context, std::unique_lock<std::mutex>& lock) {
  const auto own = std::make_shared<Exchange>();
  exchange_ = own;
  lock.unlock();
  auto fresh = exchange(context.with_timeout(kExchangeTime));
  lock.lock();
  exchange_.reset();
  own->done = true;
  changed_.notify_all();
  if (fresh.has_value()) {
    token_ = *std::move(fresh);
    return token_->text;
  }
  Error error = std::move(fresh).error();
  if (token_) token_->renew_at = clock_.steady_now() + kRenewAgain;
  // What ended this caller's wait is not the others' fate: to them, the token is just not there yet.
  const bool own_fate = error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kDeadlineExceeded;
  own->error = own_fate ? Error(ErrorCode::kUnavailable, "no access token could be had from Google in time")
                              .with_reason("no_access_token")
                        : error;
  if (error.code() == ErrorCode::kDeadlineExceeded && context.check().has_value()) return *own->error;
  return error;
}

void AccessTokens::refuse(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token_ && token_->text == token) token_.reset();
}

Result<AccessTokens::Token> AccessTokens::exchange(const CallContext& context) const {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string assertion,
                             make_assertion(options_.account, options_.subject, clock_.now()));
  HttpClientRequest request;
  request.method = HttpMethod::kPost;
  request.url = options_.account.token_url;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Accept", "application/json");
  request.body = fmt::format("grant_type={}&assertion={}", percent_encode(kGrantType), assertion);
  auto sent = http_.send(context, request);
  if (!sent.has_value()) return std::move(sent).error().with_context("getting an access token from Google");
  if (sent->status != 200) return grant_error(*sent);

  auto fresh = parse_token(sent->body, clock_.steady_now());
  if (fresh) return *std::move(fresh);
  return Error(ErrorCode::kUnavailable, "Google's answer to a request for an access token holds none")
      .with_reason("malformed_answer");
}

std::optional<AccessTokens::Token> AccessTokens::parse_token(std::string_view body, TimePoint now) {
  const auto answer = parse_object(body);
  const json::value* const token = answer ? answer->if_contains("access_token") : nullptr;
  if (token == nullptr || !token->is_string() || token->get_string().empty()) return std::nullopt;
  seconds lifetime{3600};
  if (const json::value* const stated = answer->if_contains("expires_in"); stated != nullptr && stated->is_number()) {
    json::error_code failure;
    const auto number = stated->to_number<std::int64_t>(failure);
    if (!failure && number > 0) lifetime = seconds(std::min<std::int64_t>(number, 24 * 3600));
  }
  return Token{.text = std::string(token->get_string()),
               .works_until = now + lifetime - std::min(kTooLate, lifetime / 10),
               // One of less than ten minutes is renewed at half its life.
               .renew_at = now + std::max(lifetime - kRenewAhead, lifetime / 2)};
}

// https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
Error AccessTokens::grant_error(const HttpClientResponse& response) const {
  const std::string& email = options_.account.email;
  const auto answer = parse_object(response.body);
  const std::string code = answer ? text_of(*answer, "error") : std::string();
  const std::string detail = answer ? text_of(*answer, "error_description") : std::string();
  const std::string said = detail.empty() ? code : detail;

  if (response.status == 429 || response.status >= 500 || code.empty()) {
    // Not kRateLimited: that is Drive's word, and would lower the rate of requests to Drive.
    Error error(ErrorCode::kUnavailable, fmt::format("Google answered {} to a request for an access token{}{}",
                                                     response.status, said.empty() ? "" : ": ", said));
    const auto wait = retry_after_of(response.headers, clock_.now());
    error = std::move(error).with_reason("no_access_token");
    return wait ? std::move(error).with_retry_after(*wait) : error;
  }
  if (code == "unauthorized_client" || code == "access_denied") {
    return refused("delegation_not_granted",
                   fmt::format("the service account {} may not act for {}: {}", email,
                               options_.subject.empty() ? "itself" : options_.subject, said),
                   "A Google Workspace administrator has to grant domain-wide delegation to the account's client id, "
                   "with the scope https://www.googleapis.com/auth/drive.readonly (it takes effect within minutes); or "
                   "leave GOOGLE_IMPERSONATE_USER empty and share the folder with the account.");
  }
  const std::string message = fmt::format("Google gives the service account {} no access token: {}", email, said);
  if (code != "invalid_grant") {
    return refused(code == "invalid_scope" ? "invalid_scope" : "invalid_grant", message,
                   "Check that the service account still exists and is enabled, and make a new JSON key for it.");
  }
  if (mentions(detail, "short-lived") || mentions(detail, "timeframe") || mentions(detail, "iat")) {
    return refused("invalid_grant", message + fmt::format(" (this machine's clock says {})", to_rfc3339(clock_.now())),
                   "Set this machine's clock right (NTP): it is off by minutes.");
  }
  if (!options_.subject.empty() && (mentions(detail, "email") || mentions(detail, "user id"))) {
    return refused("invalid_grant", message,
                   fmt::format("GOOGLE_IMPERSONATE_USER must be the address of a user of the Workspace domain; {} is "
                               "none, or is suspended.",
                               options_.subject));
  }
  if (mentions(detail, "signature")) {
    return refused("invalid_grant", message,
                   "The key in the JSON file was deleted or belongs to another account: make a new JSON key.");
  }
  return refused("invalid_grant", message,
                 "The account was deleted or disabled, its key was deleted, or this machine's clock is off. Check the "
                 "account in the Google Cloud console and the clock, and make a new JSON key if need be.");
}

}  // namespace imgimport
