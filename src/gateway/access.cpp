#include "gateway/access.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kCookieName = "imgimport_session";
constexpr std::string_view kCookieSeconds = "2592000";  // 30 days
constexpr std::string_view kSessionPurpose = "imgimport session cookie, version 1";

bool changes_something(HttpMethod method) noexcept {
  return method != HttpMethod::kGet && method != HttpMethod::kHead && method != HttpMethod::kOptions;
}

// The token of "Authorization: Bearer …"; nullopt where there is none or another scheme (a proxy's own, say).
std::optional<std::string_view> bearer_token(const HttpRequest& request) {
  const auto header = request.headers.find("Authorization");
  if (!header) return std::nullopt;
  constexpr std::string_view kScheme = "bearer ";
  if (header->size() < kScheme.size() || !equals_ignore_case(header->substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  return trim(header->substr(kScheme.size()));
}

std::optional<std::string_view> cookie(const HttpRequest& request, std::string_view name) {
  for (const auto& [header, value] : request.headers.all()) {
    if (!equals_ignore_case(header, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
  }
  return std::nullopt;
}

// The name in "name:port", "[::1]:port" or "name".
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

std::string_view after_scheme(std::string_view origin) {
  const std::size_t scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ? std::string_view() : origin.substr(scheme_end + 3);
}

// Whether a page of another origin may be what sent this: browsers put an Origin on every request that changes
// something, and say in Sec-Fetch-Site where it comes from ("none": the user, not a page). Programs send neither.
bool may_be_a_foreign_page(const HttpRequest& request) {
  if (request.headers.find("Origin")) return true;
  const auto site = request.headers.find("Sec-Fetch-Site");
  return site && *site != "same-origin" && *site != "none";
}

bool is_loopback(std::string_view name) {
  if (name == "localhost" || name.ends_with(".localhost") || name == "[::1]") return true;
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Access::Access(const GatewayOptions& options, const Cors& cors)
    : options_(options), cors_(cors), public_origin_(origin_of(options.public_url)) {
  if (token_needed()) session_value_ = to_hex(hmac_sha256(options.api_token, kSessionPurpose));
}

void Access::set_public_url(const std::string& public_url) {
  public_origin_ = origin_of(public_url);
}

std::optional<Error> Access::refusal(const HttpRequest& request) const {
  if (!token_needed()) return foreign_page(request);
  if (const auto token = bearer_token(request)) {
    if (is_token(*token)) return std::nullopt;
    return Error(ErrorCode::kUnauthenticated, "The bearer token is not the one of this server")
        .with_reason("wrong_token")
        .with_remedy("Send \"Authorization: Bearer TOKEN\" with the server's API_TOKEN.");
  }
  if (!has_session(request)) {
    return Error(ErrorCode::kUnauthenticated, "This server needs a token")
        .with_reason("token_needed")
        .with_remedy(
            "Send \"Authorization: Bearer TOKEN\" with the server's API_TOKEN, or sign in by POST /api/session.");
  }
  if (!changes_something(request.method) || request.headers.find("X-Requested-With")) return std::nullopt;
  if (!may_be_a_foreign_page(request)) return std::nullopt;
  const auto origin = request.headers.find("Origin");
  if (origin && from_own_page(request, *origin)) return std::nullopt;
  return Error(ErrorCode::kPermissionDenied, "A session cookie alone may not change anything for an unknown page")
      .with_reason("foreign_origin")
      .with_remedy("Send the header X-Requested-With or the bearer token, or add the page's origin to CORS_ORIGINS.");
}

std::optional<Error> Access::foreign_page(const HttpRequest& request) const {
  const auto host = request.headers.find("Host");
  if (!options_.allow_anonymous && host && !names_this_machine(*host)) {
    return Error(ErrorCode::kPermissionDenied,
                 "This server is open to this machine alone, and was called by another name")
        .with_reason("foreign_host")
        .with_remedy("Set PUBLIC_URL to the name that browsers use, or set API_TOKEN.");
  }
  if (!changes_something(request.method) || request.headers.find("X-Requested-With")) return std::nullopt;
  const auto origin = request.headers.find("Origin");
  if (!origin || cors_.any() || from_own_page(request, *origin)) return std::nullopt;
  return Error(ErrorCode::kPermissionDenied, "A page of another origin may not change anything here")
      .with_reason("foreign_origin")
      .with_remedy("Add the page's origin to CORS_ORIGINS.");
}

bool Access::from_own_page(const HttpRequest& request, std::string_view origin) const {
  const std::string normal = origin_of(origin);
  if (normal.empty()) return false;
  if (normal == public_origin_ || cors_.names(origin)) return true;
  const auto host = request.headers.find("Host");
  if (!host) return false;
  // The scheme is the page's, since a proxy in front may speak TLS for us.
  const std::string_view scheme = std::string_view(normal).substr(0, normal.find("://") + 3);
  return origin_of(std::string(scheme).append(*host)) == normal;
}

bool Access::names_this_machine(std::string_view host) const {
  const std::string lower = to_lower_ascii(trim(host));
  const std::string_view name = host_name(lower);
  return is_loopback(name) || name == host_name(after_scheme(public_origin_));
}

bool Access::has_session(const HttpRequest& request) const {
  const auto value = cookie(request, kCookieName);
  return value && equals_constant_time(*value, session_value_);
}

bool Access::is_token(std::string_view token) const {
  return token_needed() && equals_constant_time(token, options_.api_token);
}

std::string Access::session_cookie() const {
  std::string text(kCookieName);
  text.append("=").append(session_value_).append("; Path=/; Max-Age=").append(kCookieSeconds);
  text.append("; HttpOnly; SameSite=Strict");
  if (public_origin_.starts_with("https://")) text.append("; Secure");
  return text;
}

std::string Access::expired_cookie() const {
  std::string text(kCookieName);
  text.append("=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
  if (public_origin_.starts_with("https://")) text.append("; Secure");
  return text;
}

}  // namespace imgimport
