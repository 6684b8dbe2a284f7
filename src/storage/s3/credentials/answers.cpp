#include "storage/s3/credentials/answers.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <utility>

#include "base/text.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShown = 300;

Error malformed(std::string message) {
  return Error(ErrorCode::kUnavailable, std::move(message)).with_reason("malformed_answer");
}

// Containers' error documents have lower-case keys, instances' have not.
std::string text_of(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const json::value* const value = object.if_contains(name);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
  }
  return {};
}

}  // namespace

Result<CredentialsDocument> parse_credentials_document(std::string_view text) {
  json::error_code failure;
  const json::value root = json::parse(text, failure);
  if (failure || !root.is_object()) return malformed("it is no JSON object");
  const json::object& object = root.get_object();
  CredentialsDocument document;
  document.credentials.access_key_id = text_of(object, {"AccessKeyId"});
  document.credentials.secret_access_key = text_of(object, {"SecretAccessKey"});
  document.credentials.session_token = text_of(object, {"Token", "SessionToken"});
  document.code = text_of(object, {"Code", "code"});
  document.message = text_of(object, {"Message", "message"});
  if (const json::value* const version = object.if_contains("Version"); version != nullptr && version->is_number()) {
    json::error_code no_integer;
    const auto number = version->to_number<std::int64_t>(no_integer);
    if (!no_integer) document.version = number;
  }
  if (const std::string expiration = text_of(object, {"Expiration"}); !expiration.empty()) {
    document.credentials.expires_at = from_rfc3339(expiration);
    if (!document.credentials.expires_at)
      return malformed("its Expiration is no time of the form 2026-01-02T03:04:05Z");
  }
  return document;
}

Result<AwsCredentials> parse_sts_credentials(std::string_view xml) {
  const auto text = [xml](std::string_view name) { return xml_element(xml, name).value_or(""); };
  AwsCredentials credentials{.access_key_id = text("AccessKeyId"),
                             .secret_access_key = text("SecretAccessKey"),
                             .session_token = text("SessionToken"),
                             .expires_at = from_rfc3339(text("Expiration"))};
  const bool complete = !credentials.access_key_id.empty() && !credentials.secret_access_key.empty() &&
                        !credentials.session_token.empty() && credentials.expires_at;
  if (!complete) return malformed("the answer holds no credentials");
  return credentials;
}

std::string printable(std::string_view text, const std::vector<std::string_view>& secrets) {
  std::string shown(text);
  for (const std::string_view secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = shown.find(secret); at != std::string::npos; at = shown.find(secret, at)) {
      shown.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (shown.size() > kMaxShown) {
    shown.resize(kMaxShown);
    // Not in the middle of a character.
    while (!is_valid_utf8(shown) && shown.size() > kMaxShown - 4) shown.pop_back();
    shown += "…";
  }
  return to_valid_utf8(trim(shown));
}

}  // namespace imgimport
