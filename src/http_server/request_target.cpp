#include "http_server/request_target.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

// "http://host/path" is what clients send to a proxy; RFC 9112, 3.2.2, has every server accept it.
std::string_view without_authority(std::string_view target) noexcept {
  if (target.starts_with('/')) return target;
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const auto end = target.find_first_of("/?#", scheme + 3);
  return end == std::string_view::npos ? std::string_view("/") : target.substr(end);
}

Error bad_target(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, "The request's target " + std::string(what) + ".")
      .with_reason("bad_target")
      .with_remedy("Percent-encode what is special in the path and in the query, and begin the path with a slash.");
}

Result<std::string> decode_query_part(std::string_view raw) {
  std::string spaced(raw);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded) return bad_target("has a % without two hex digits");
  return *std::move(decoded);
}

}  // namespace

std::string_view raw_path(std::string_view target) noexcept {
  const std::string_view local = without_authority(target);
  return local.substr(0, local.find_first_of("?#"));
}

Result<void> split_target(HttpRequest& request) {
  const std::string_view local = without_authority(request.target);
  const std::string_view path = raw_path(request.target);
  if (path != "*" && !path.starts_with('/')) return bad_target("has no path");
  auto decoded = percent_decode(path);
  if (!decoded) return bad_target("has a % without two hex digits");
  if (decoded->find('\0') != std::string::npos) return bad_target("has a NUL in its path");
  request.path = *std::move(decoded);

  std::string_view rest = local.substr(path.size());
  rest = rest.substr(0, rest.find('#'));
  if (!rest.empty()) rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    IMGIMPORT_ASSIGN_OR_RETURN(std::string name, decode_query_part(pair.substr(0, equals)));
    IMGIMPORT_ASSIGN_OR_RETURN(std::string value, decode_query_part(pair.substr(std::min(equals + 1, pair.size()))));
    request.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace imgimport
