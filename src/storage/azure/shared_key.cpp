#include "storage/azure/shared_key.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

void append_header(std::string& text, const HttpHeaders& headers, std::string_view name) {
  text += trim(headers.find(name).value_or(""));
  text += '\n';
}

void append_standard_headers(std::string& text, const AzureSignable& request) {
  append_header(text, request.headers, "Content-Encoding");
  append_header(text, request.headers, "Content-Language");
  // Empty rather than "0", since version 2015-02-21.
  if (request.content_length_bytes > 0) text += std::to_string(request.content_length_bytes);
  text += '\n';
  // "Date" stays empty where x-ms-date is sent.
  constexpr std::array<std::string_view, 2> kBeforeDate = {"Content-MD5", "Content-Type"};
  for (const std::string_view name : kBeforeDate) append_header(text, request.headers, name);
  if (!request.headers.find("x-ms-date")) text += trim(request.headers.find("Date").value_or(""));
  text += '\n';
  constexpr std::array<std::string_view, 5> kAfterDate = {"If-Modified-Since", "If-Match", "If-None-Match",
                                                          "If-Unmodified-Since", "Range"};
  for (const std::string_view name : kAfterDate) append_header(text, request.headers, name);
}

void append_ms_headers(std::string& text, const HttpHeaders& headers) {
  std::map<std::string, std::string_view> sorted;
  for (const auto& [name, value] : headers.all()) {
    std::string lower = to_lower_ascii(name);
    if (lower.starts_with("x-ms-")) sorted.emplace(std::move(lower), trim(value));
  }
  for (const auto& [name, value] : sorted) text.append(name).append(":").append(value).append("\n");
}

void append_resource(std::string& text, std::string_view account, const AzureSignable& request) {
  text.append("/").append(account).append(request.encoded_path);
  std::map<std::string, std::vector<std::string_view>> sorted;
  for (const auto& [name, value] : request.query) sorted[to_lower_ascii(name)].push_back(value);
  for (auto& [name, values] : sorted) {
    std::sort(values.begin(), values.end());
    text.append("\n").append(name).append(":");
    for (std::size_t i = 0; i < values.size(); ++i) text.append(i == 0 ? "" : ",").append(values[i]);
  }
}

}  // namespace

std::string azure_string_to_sign(std::string_view account, const AzureSignable& request) {
  std::string text;
  text.reserve(512);
  text.append(request.method).append("\n");
  append_standard_headers(text, request);
  append_ms_headers(text, request.headers);
  append_resource(text, account, request);
  return text;
}

std::string azure_authorization(const AzureAccount& account, const AzureSignable& request) {
  const auto signature = hmac_sha256(account.key, azure_string_to_sign(account.name, request));
  return "SharedKey " + account.name + ":" + base64_encode(signature);
}

}  // namespace imgimport
