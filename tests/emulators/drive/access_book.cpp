#include "emulators/drive/access_book.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/random.hpp"
#include "base/text.hpp"
#include "emulators/drive/jwt.hpp"

namespace imgimport::emulator {
namespace {

constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr std::string_view kScopePrefix = "https://www.googleapis.com/auth/drive";

std::string form_value(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const std::size_t end = std::min(form.find('&'), form.size());
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    const std::size_t sign = pair.find('=');
    if (sign == std::string_view::npos || pair.substr(0, sign) != name) continue;
    std::string value(pair.substr(sign + 1));
    for (char& c : value) {
      if (c == '+') c = ' ';
    }
    return percent_decode(value).value_or("");
  }
  return {};
}

HttpResponse refusal(int status, std::string_view error, std::string_view description) {
  return json_response(
      status, boost::json::serialize(boost::json::value{{"error", error}, {"error_description", description}}));
}

struct Claims {
  std::string issuer, audience, scope, subject;
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
};

std::string text_claim(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t time_claim(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_number()) return 0;
  boost::system::error_code failed;
  return value->to_number<std::int64_t>(failed);
}

std::optional<Claims> read_claims(const Jwt& jwt) {
  boost::system::error_code failed;
  const boost::json::value header = boost::json::parse(jwt.header, failed);
  if (failed || !header.is_object() || text_claim(header.get_object(), "alg") != "RS256") return std::nullopt;
  const boost::json::value payload = boost::json::parse(jwt.payload, failed);
  if (failed || !payload.is_object()) return std::nullopt;
  const boost::json::object& object = payload.get_object();
  return Claims{.issuer = text_claim(object, "iss"),
                .audience = text_claim(object, "aud"),
                .scope = text_claim(object, "scope"),
                .subject = text_claim(object, "sub"),
                .issued_at = time_claim(object, "iat"),
                .expires_at = time_claim(object, "exp")};
}

bool is_timely(const Claims& claims) {
  using std::chrono::seconds;
  const auto now = std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return claims.issued_at <= now + 300 && claims.expires_at > now && claims.expires_at - claims.issued_at <= 3600;
}

bool has_drive_scope(std::string_view scopes) {
  while (!scopes.empty()) {
    const std::size_t end = std::min(scopes.find(' '), scopes.size());
    if (scopes.substr(0, end).starts_with(kScopePrefix)) return true;
    scopes.remove_prefix(std::min(end + 1, scopes.size()));
  }
  return false;
}

GoogleError bad_api_key() {
  GoogleError error = google_error("badRequest");
  error.message = "API key not valid. Please pass a valid API key.";
  return error;
}

}  // namespace

void AccessBook::add_api_key(std::string key) {
  const std::lock_guard lock(mutex_);
  api_keys_.insert(std::move(key));
}

std::string AccessBook::add_service_account(const std::string& email, const std::string& token_uri) {
  const KeyPair& keys = process_key_pair();
  const std::lock_guard lock(mutex_);
  accounts_[email].public_key_pem = keys.public_key_pem;
  audiences_.insert(token_uri);
  return boost::json::serialize(boost::json::value{{"type", "service_account"},
                                                   {"project_id", "drive-emulator"},
                                                   {"private_key_id", "0123456789abcdef0123456789abcdef01234567"},
                                                   {"private_key", keys.private_key_pem},
                                                   {"client_email", email},
                                                   {"client_id", "100000000000000000001"},
                                                   {"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
                                                   {"token_uri", token_uri}});
}

bool AccessBook::add_service_account_key(const std::string& email, const std::string& public_key_pem) {
  if (!is_public_key(public_key_pem)) return false;
  const std::lock_guard lock(mutex_);
  accounts_[email].public_key_pem = public_key_pem;
  return true;
}

void AccessBook::allow_impersonation(const std::string& service_account, const std::string& user) {
  const std::lock_guard lock(mutex_);
  accounts_[service_account].may_act_for.insert(user);
}

void AccessBook::add_audience(std::string audience) {
  const std::lock_guard lock(mutex_);
  audiences_.insert(std::move(audience));
}

void AccessBook::set_token_lifetime(std::chrono::milliseconds lifetime) {
  const std::lock_guard lock(mutex_);
  token_lifetime_ = lifetime;
}

void AccessBook::expire_access_tokens() {
  const std::lock_guard lock(mutex_);
  tokens_.clear();
}

std::string AccessBook::issue_token(const std::string& email) {
  const std::lock_guard lock(mutex_);
  return issue_token_locked(email);
}

std::string AccessBook::issue_token_locked(const std::string& email) {
  std::string token = fmt::format("ya29.{}.{}", ++tokens_issued_, random_token(24));
  tokens_[token] = {.email = email, .expires_at = std::chrono::steady_clock::now() + token_lifetime_};
  return token;
}

HttpResponse AccessBook::exchange(std::string_view form) {
  if (form_value(form, "grant_type") != kGrantType) {
    return refusal(400, "unsupported_grant_type", "Invalid grant_type: " + form_value(form, "grant_type"));
  }
  const std::lock_guard lock(mutex_);
  auto checked = check_assertion(form_value(form, "assertion"));
  if (auto* refused = std::get_if<HttpResponse>(&checked)) return std::move(*refused);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token_lifetime_).count();
  return json_response(200, boost::json::serialize(boost::json::value{
                                {"access_token", issue_token_locked(std::get<Caller>(checked).email)},
                                {"expires_in", seconds},
                                {"token_type", "Bearer"}}));
}

std::variant<Caller, HttpResponse> AccessBook::check_assertion(std::string_view assertion) const {
  const auto jwt = split_jwt(assertion);
  const auto claims = jwt ? read_claims(*jwt) : std::nullopt;
  if (!claims) return refusal(400, "invalid_grant", "Bad Request");
  const auto account = accounts_.find(claims->issuer);
  if (account == accounts_.end()) {
    return refusal(400, "invalid_grant", "Invalid grant: account not found");
  }
  if (!has_valid_rs256_signature(*jwt, account->second.public_key_pem)) {
    return refusal(400, "invalid_grant", "Invalid JWT Signature.");
  }
  if (!is_timely(*claims)) {
    return refusal(400, "invalid_grant",
                   "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check "
                   "your iat and exp values in the JWT claim.");
  }
  if (!audiences_.contains(claims->audience)) {
    return refusal(400, "invalid_grant", "Invalid JWT: Failed audience check.");
  }
  if (!has_drive_scope(claims->scope))
    return refusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.");
  if (!claims->subject.empty() && claims->subject != claims->issuer) {
    if (!account->second.may_act_for.contains(claims->subject)) {
      return refusal(401, "unauthorized_client",
                     "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
                     "for any of the scopes requested.");
    }
    return Caller{claims->subject};
  }
  return Caller{claims->issuer};
}

std::variant<Caller, GoogleError> AccessBook::authenticate(const HttpRequest& request) const {
  const auto header = request.headers.find("Authorization");
  const std::lock_guard lock(mutex_);
  if (header) {
    constexpr std::string_view kBearer = "Bearer ";
    if (!header->starts_with(kBearer)) return google_error("authError");
    const auto token = tokens_.find(trim(header->substr(kBearer.size())));
    if (token == tokens_.end() || token->second.expires_at <= std::chrono::steady_clock::now()) {
      return google_error("authError");
    }
    return Caller{token->second.email};
  }
  const auto key = request.query_value("key");
  if (!key || key->empty()) return google_error("dailyLimitExceededUnreg");
  if (!api_keys_.contains(*key)) return bad_api_key();
  return Caller{};
}

}  // namespace imgimport::emulator
