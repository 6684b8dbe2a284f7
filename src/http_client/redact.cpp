#include "http_client/redact.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::array<std::string_view, 9> kSecretParameters = {
    "key",           "sig",       "access_token", "x-amz-signature", "x-amz-security-token", "x-amz-credential",
    "client_secret", "assertion", "token"};

bool ends_value(char c) {
  return c == '&' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' || c <= ' ';
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_secret(std::string_view name) {
  return std::any_of(kSecretParameters.begin(), kSecretParameters.end(),
                     [&](std::string_view secret) { return equals_ignore_case(secret, name); });
}

// "scheme://user:password@host" loses its user part.
std::string without_user(std::string_view text) {
  std::string clean;
  std::size_t done = 0;
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::size_t authority = at + 3;
    const std::size_t end = std::min(text.find_first_of("/?# \"'", authority), text.size());
    const std::size_t user = text.substr(authority, end - authority).rfind('@');
    if (user == std::string_view::npos) continue;
    clean.append(text.substr(done, authority - done)).append("***");
    done = authority + user;
  }
  return clean.append(text.substr(done));
}

}  // namespace

std::string redact_secrets(std::string_view original) {
  const std::string text = without_user(original);
  std::string clean;
  clean.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string::npos) break;
    std::size_t name = equals;
    while (name > at && is_name_char(text[name - 1])) --name;
    clean.append(text, at, equals + 1 - at);
    at = equals + 1;
    if (!is_secret(std::string_view(text).substr(name, equals - name))) continue;
    clean += "***";
    while (at < text.size() && !ends_value(text[at])) ++at;
  }
  if (at < text.size()) clean.append(text, at);
  return clean;
}

}  // namespace imgimport
