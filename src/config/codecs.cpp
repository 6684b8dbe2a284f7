#include "config/codecs.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>

#include "base/object_key.hpp"
#include "config/suggest.hpp"

namespace imgimport {
namespace {

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

struct HttpUrl {
  std::string scheme;
  std::string_view authority;
  std::string_view path;  // from its slash; empty when there is none
};

bool is_port(std::string_view text) {
  const auto number = parse_whole_number(text);
  return number && *number >= 1 && *number <= 65535;
}

bool is_host(std::string_view text) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), in_name);
}

// host, host:port, [v6] or [v6]:port; a user name is refused, for it would end up in logs.
bool is_authority(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    in6_addr ignored{};
    if (inet_pton(AF_INET6, std::string(text.substr(1, end - 1)).c_str(), &ignored) != 1) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_host(text);
  return is_host(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

std::optional<HttpUrl> split_http_url(std::string_view text) {
  if (!is_visible_ascii(text) || text.find_first_of("?#\"'<>\\") != std::string_view::npos) return std::nullopt;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  HttpUrl url;
  url.scheme = to_lower_ascii(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.authority = rest.substr(0, slash);
  url.path = rest.substr(slash);
  return is_authority(url.authority) ? std::optional(url) : std::nullopt;
}

// scheme://something, the scheme being one of `schemes`.
std::optional<std::string> parse_url_of(std::string_view text, std::initializer_list<std::string_view> schemes) {
  const std::string_view url = trim(text);
  if (!is_visible_ascii(url)) return std::nullopt;
  for (std::string_view scheme : schemes) {
    const std::string start = std::string(scheme) + "://";
    if (url.size() > start.size() && to_lower_ascii(url.substr(0, start.size())) == start) {
      return start + std::string(url.substr(start.size()));
    }
  }
  return std::nullopt;
}

struct TimeUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array kTimeUnits = {TimeUnit{"d", 86'400'000}, TimeUnit{"h", 3'600'000}, TimeUnit{"m", 60'000},
                                   TimeUnit{"s", 1'000}, TimeUnit{"ms", 1}};

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kSizeUnits = {SizeUnit{"", 1},
                                   SizeUnit{"b", 1},
                                   SizeUnit{"kb", 1'000},
                                   SizeUnit{"mb", 1'000'000},
                                   SizeUnit{"gb", 1'000'000'000},
                                   SizeUnit{"kib", 1 << 10},
                                   SizeUnit{"mib", 1 << 20},
                                   SizeUnit{"gib", 1 << 30}};

std::size_t count_digits(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  return end == std::string_view::npos ? text.size() : end;
}

}  // namespace

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
  if (text.empty() || count_digits(text) != text.size()) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::string_view size = trim(text);
  const std::size_t digits = count_digits(size);
  const auto number = parse_whole_number(size.substr(0, digits));
  if (!number) return std::nullopt;
  for (const SizeUnit& unit : kSizeUnits) {
    if (!equals_ignore_case(unit.name, trim(size.substr(digits)))) continue;
    const auto count = static_cast<std::uint64_t>(*number);
    if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.bytes) return std::nullopt;
    return count * unit.bytes;
  }
  return std::nullopt;
}

std::optional<std::string> TextCodec::parse(std::string_view text) {
  const std::string_view value = trim(text);
  if (has_control_characters(value) || !is_valid_utf8(value)) return std::nullopt;
  return std::string(value);
}

std::optional<std::string> TokenCodec::parse(std::string_view text) {
  const std::string_view value = trim(text);
  return is_visible_ascii(value) ? std::optional(std::string(value)) : std::nullopt;
}

std::optional<std::filesystem::path> PathCodec::parse(std::string_view text) {
  if (has_control_characters(text)) return std::nullopt;
  return std::filesystem::path(text);
}

std::optional<std::string> HttpUrlCodec::parse(std::string_view text) {
  const auto url = split_http_url(trim(text));
  if (!url) return std::nullopt;
  std::string base = url->scheme + "://" + std::string(url->authority) + std::string(url->path);
  while (base.ends_with('/')) base.pop_back();
  return base;
}

std::optional<std::string> DatabaseUrlCodec::parse(std::string_view text) {
  return parse_url_of(text, {"sqlite", "postgresql", "postgres", "postgresql+odbc", "mssql", "mssql+odbc"});
}

std::optional<std::string> RedisUrlCodec::parse(std::string_view text) {
  return parse_url_of(text, {"redis", "rediss"});
}

std::optional<std::vector<std::string>> OriginsCodec::parse(std::string_view text) {
  std::vector<std::string> origins;
  for (std::string_view part : split_list(text)) {
    const auto url = split_http_url(part);
    if (!url || (!url->path.empty() && url->path != "/")) return std::nullopt;
    origins.push_back(url->scheme + "://" + to_lower_ascii(url->authority));
  }
  return origins.empty() ? std::nullopt : std::optional(std::move(origins));
}

std::string OriginsCodec::format(const Value& value) {
  std::string list;
  for (const std::string& origin : value) list.append(list.empty() ? "" : ",").append(origin);
  return list;
}

std::optional<std::string> AddressCodec::parse(std::string_view text) {
  std::string address(trim(text));
  if (equals_ignore_case(address, "localhost")) return "127.0.0.1";
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  in_addr v4{};
  in6_addr v6{};
  const bool valid = inet_pton(AF_INET, address.c_str(), &v4) == 1 || inet_pton(AF_INET6, address.c_str(), &v6) == 1;
  return valid ? std::optional(address) : std::nullopt;
}

std::optional<std::string> KeyPrefixCodec::parse(std::string_view text) {
  std::string_view prefix = trim(text);
  while (prefix.starts_with('/')) prefix.remove_prefix(1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!prefix.empty() && !is_valid_key_prefix(prefix)) return std::nullopt;
  return std::string(prefix);
}

std::optional<bool> FlagCodec::parse(std::string_view text) {
  const std::string word = to_lower_ascii(trim(text));
  if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> DurationCodec::parse(std::string_view text) {
  constexpr std::int64_t kMost = 30 * 86'400'000LL;
  std::string_view rest = trim(text);
  if (rest.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!rest.empty()) {
    const std::size_t digits = count_digits(rest);
    const auto number = parse_whole_number(rest.substr(0, digits));
    if (!number || *number > kMost) return std::nullopt;
    rest.remove_prefix(digits);
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    // A bare number is seconds, but only alone: "1h30" leaves open what the 30 are.
    const bool bare = digits == trim(text).size();
    const std::string unit_name = bare ? "s" : to_lower_ascii(trim(rest.substr(0, letters)));
    const auto unit = std::find_if(kTimeUnits.begin(), kTimeUnits.end(),
                                   [&](const TimeUnit& candidate) { return candidate.name == unit_name; });
    if (unit == kTimeUnits.end()) return std::nullopt;
    total += *number * unit->milliseconds;
    if (total > kMost) return std::nullopt;
    rest.remove_prefix(letters);
  }
  return std::chrono::milliseconds(total);
}

std::string DurationCodec::format(Value value) {
  for (const TimeUnit& unit : kTimeUnits) {
    const std::int64_t count = value.count();
    if (count != 0 && count % unit.milliseconds == 0) {
      return std::to_string(count / unit.milliseconds) + std::string(unit.name);
    }
  }
  return "0s";
}

}  // namespace imgimport
