#include "redis/redis_url.hpp"

#include <optional>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::int32_t kHighestDatabase = 1'000'000;  // servers have 16 unless told otherwise

Error wrong(std::string_view what) {
  return Error(ErrorCode::kMisconfigured, "REDIS_URL " + std::string(what))
      .with_remedy(
          "REDIS_URL is redis://[:password@]host[:port][/db] (rediss:// for TLS); %-encode characters of the password "
          "that mean something in a URL, such as @ / ? # %");
}

std::optional<std::int32_t> number(std::string_view text, std::int32_t highest) {
  const auto value = whole_number<std::int32_t>(text);
  return value && *value >= 0 && *value <= highest ? value : std::nullopt;
}

Result<void> read_credentials(std::string_view text, RedisAddress& address) {
  const std::size_t colon = text.find(':');
  const auto password = percent_decode(colon == std::string_view::npos ? text : text.substr(colon + 1));
  const auto user = percent_decode(colon == std::string_view::npos ? std::string_view() : text.substr(0, colon));
  if (!password || !user) return wrong("has a % in its user or password that two hex digits do not follow");
  if (password->empty() && !user->empty()) return wrong("names a user, but no password");
  address.password = *password;
  address.user = *user;
  return {};
}

Result<void> read_host(std::string_view text, RedisAddress& address) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("has an opening bracket in its host without a closing one");
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return wrong("has something other than a port behind its host");
  } else {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (address.host.empty()) return wrong("names no host");
  if (port.empty()) return {};
  const auto value = number(port.substr(1), 65'535);
  if (!value || *value == 0) return wrong("has a port that is not a number from 1 to 65535");
  address.port = static_cast<std::uint16_t>(*value);
  return {};
}

}  // namespace

std::string RedisAddress::text() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/" + std::to_string(database);
}

Result<RedisAddress> parse_redis_url(std::string_view url) {
  RedisAddress address;
  url = trim(url);
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return wrong("is no URL");
  const std::string scheme = to_lower_ascii(url.substr(0, scheme_end));
  if (scheme != "redis" && scheme != "rediss") return wrong("begins neither with redis:// nor with rediss://");
  address.tls = scheme == "rediss";
  std::string_view rest = url.substr(scheme_end + 3);

  // The last @: a host, port or database holds none, and some services hand out passwords with a bare one in it.
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    IMGIMPORT_RETURN_IF_ERROR(read_credentials(rest.substr(0, at), address));
    rest.remove_prefix(at + 1);
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return wrong("has options (? or #), which mean nothing here");
  const std::size_t slash = rest.find('/');
  IMGIMPORT_RETURN_IF_ERROR(read_host(rest.substr(0, slash), address));
  if (slash == std::string_view::npos || slash + 1 == rest.size()) return address;
  const auto database = number(rest.substr(slash + 1), kHighestDatabase);
  if (!database) return wrong("has something other than the number of a database behind its host");
  address.database = *database;
  return address;
}

}  // namespace imgimport
