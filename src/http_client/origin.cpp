#include "http_client/origin.hpp"

#include "base/text.hpp"
#include "http_client/redact.hpp"

namespace imgimport {
namespace {

Error bad_url(std::string_view url) {
  return Error(ErrorCode::kInvalidArgument, "not an http or https URL: " + redact_secrets(url.substr(0, 200)))
      .with_reason("bad_url");
}

}  // namespace

Result<Origin> origin_of(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return bad_url(url);
  const std::string scheme = to_lower_ascii(url.substr(0, colon));
  if (scheme != "http" && scheme != "https") return bad_url(url);

  std::string_view authority = url.substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t user = authority.rfind('@');
  if (user != std::string_view::npos) authority.remove_prefix(user + 1);
  if (authority.empty() || authority.front() == ':') return bad_url(url);

  Origin origin;
  origin.tls = scheme == "https";
  origin.host_port = to_lower_ascii(authority);
  const std::size_t port = authority.rfind(':');
  const bool has_port = port != std::string_view::npos && authority.find(']', port) == std::string_view::npos;
  if (!has_port) origin.host_port += origin.tls ? ":443" : ":80";
  origin.key = scheme + "://" + origin.host_port;
  return origin;
}

}  // namespace imgimport
