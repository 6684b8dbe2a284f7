#include "gateway/cors.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kAllowedHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Last-Event-ID, Range, X-Request-Id, "
    "X-Requested-With";
constexpr std::string_view kExposedHeaders =
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After, X-Request-Id";
constexpr std::string_view kPreflightSeconds = "600";

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

}  // namespace

std::string origin_of(std::string_view url) {
  const std::string lower = to_lower_ascii(trim(url));
  const std::string_view text = lower;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) return {};
  const std::string_view scheme = text.substr(0, scheme_end);
  std::string_view host = text.substr(scheme_end + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (scheme == "http") host = without_suffix(host, ":80");
  if (scheme == "https") host = without_suffix(host, ":443");
  if (host.empty()) return {};
  return std::string(scheme) + "://" + std::string(host);
}

Cors::Cors(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (trim(origin) == "*") any_ = true;
    if (std::string normal = origin_of(origin); !normal.empty()) origins_.push_back(std::move(normal));
  }
}

bool Cors::names(std::string_view origin) const {
  return std::find(origins_.begin(), origins_.end(), origin_of(origin)) != origins_.end();
}

void Cors::allow(const HttpRequest& request, HttpResponse& response) const {
  if (origins_.empty() && !any_) return;
  // Also without an Origin: a cache must not hand this answer to a page whose request has one.
  response.headers.add("Vary", "Origin");
  const auto origin = request.headers.find("Origin");
  if (!origin) return;
  if (names(*origin)) {
    response.headers.set("Access-Control-Allow-Origin", std::string(*origin));
    response.headers.set("Access-Control-Allow-Credentials", "true");
  } else if (any_) {
    response.headers.set("Access-Control-Allow-Origin", "*");
  } else {
    return;
  }
  response.headers.set("Access-Control-Expose-Headers", std::string(kExposedHeaders));
}

HttpResponse Cors::preflight(const HttpRequest& request, const std::vector<HttpMethod>& methods) const {
  HttpResponse response;
  response.status = 204;
  std::string list;
  for (const HttpMethod method : methods) {
    list.append(list.empty() ? "" : ", ").append(to_string(method));
    if (method == HttpMethod::kGet) list.append(", HEAD");
  }
  response.headers.set("Allow", list + ", OPTIONS");
  allow(request, response);
  response.headers.add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
  if (response.headers.find("Access-Control-Allow-Origin")) {
    response.headers.set("Access-Control-Allow-Methods", std::move(list));
    response.headers.set("Access-Control-Allow-Headers", std::string(kAllowedHeaders));
    response.headers.set("Access-Control-Max-Age", std::string(kPreflightSeconds));
  }
  return response;
}

}  // namespace imgimport
