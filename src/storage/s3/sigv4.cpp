#include "storage/s3/sigv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

using NameValue = std::pair<std::string, std::string>;

// Outer spaces go, inner runs become one.
std::string collapse_spaces(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    if (c == ' ' && out.ends_with(' ')) continue;
    out += c;
  }
  return out;
}

// Lower-case names, sorted; values of one name joined in their order.
std::vector<NameValue> canonical_headers(const UnsignedRequest& request) {
  std::vector<NameValue> headers = {{"host", request.host}};
  for (const auto& [name, value] : request.headers.all()) {
    headers.emplace_back(to_lower_ascii(name), collapse_spaces(value));
  }
  std::stable_sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<NameValue> merged;
  for (auto& header : headers) {
    if (!merged.empty() && merged.back().first == header.first) {
      merged.back().second.append(",").append(header.second);
    } else {
      merged.push_back(std::move(header));
    }
  }
  return merged;
}

std::string signed_header_names(const std::vector<NameValue>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string credential_scope(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", amz_date(scope.time).substr(0, 8), scope.region, scope.service);
}

std::string signature(const SigningScope& scope, const UnsignedRequest& request) {
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date(scope.time), credential_scope(scope),
                                          sha256_hex(canonical_request(request)));
  const std::string date = amz_date(scope.time).substr(0, 8);
  auto key = hmac_sha256("AWS4" + scope.credentials.secret_access_key, date);
  for (const std::string_view part :
       {std::string_view(scope.region), scope.service, std::string_view("aws4_request"), std::string_view(to_sign)}) {
    key = hmac_sha256(key, std::as_bytes(std::span(part)));
  }
  return to_hex(key);
}

}  // namespace

std::string amz_date(Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string canonical_path(std::string_view path) {
  return path.empty() ? "/" : percent_encode_path(path);
}

std::string canonical_query(const std::vector<NameValue>& query) {
  std::vector<NameValue> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string canonical_request(const UnsignedRequest& request) {
  const std::vector<NameValue> headers = canonical_headers(request);
  std::string text = fmt::format("{}\n{}\n{}\n", to_string(request.method), canonical_path(request.path),
                                 canonical_query(request.query));
  for (const auto& [name, value] : headers) text.append(name).append(":").append(value).append("\n");
  return text.append("\n").append(signed_header_names(headers)).append("\n").append(request.payload_hash);
}

HttpHeaders sign_headers(const SigningScope& scope, const UnsignedRequest& request) {
  HttpHeaders added;
  added.set("x-amz-content-sha256", request.payload_hash);
  added.set("x-amz-date", amz_date(scope.time));
  if (!scope.credentials.session_token.empty()) added.set("x-amz-security-token", scope.credentials.session_token);
  UnsignedRequest complete = request;
  for (const auto& [name, value] : added.all()) complete.headers.set(name, value);
  added.set("Authorization", fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", kAlgorithm,
                                         scope.credentials.access_key_id, credential_scope(scope),
                                         signed_header_names(canonical_headers(complete)), signature(scope, complete)));
  return added;
}

std::string presign_query(const SigningScope& scope, const UnsignedRequest& request, std::chrono::seconds valid_for) {
  const auto life = std::clamp(valid_for, std::chrono::seconds(1), kMaxPresignedLife);
  UnsignedRequest complete = request;
  complete.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  complete.query.emplace_back("X-Amz-Credential",
                              fmt::format("{}/{}", scope.credentials.access_key_id, credential_scope(scope)));
  complete.query.emplace_back("X-Amz-Date", amz_date(scope.time));
  complete.query.emplace_back("X-Amz-Expires", fmt::format("{}", life.count()));
  complete.query.emplace_back("X-Amz-SignedHeaders", signed_header_names(canonical_headers(request)));
  if (!scope.credentials.session_token.empty()) {
    complete.query.emplace_back("X-Amz-Security-Token", scope.credentials.session_token);
  }
  // The signature itself is the one parameter that is not signed.
  return fmt::format("{}&X-Amz-Signature={}", canonical_query(complete.query), signature(scope, complete));
}

}  // namespace imgimport
