#include "storage/azure/azure_request.hpp"

#include <utility>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "storage/azure/sas.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

std::string encoded(const AzureQuery& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text.append(text.empty() ? "" : "&").append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return text;
}

// What follows the host; "" of "https://account.blob.core.windows.net".
std::string_view path_of(std::string_view url) {
  const std::size_t start = url.find('/', url.find("://") + 3);
  return start == std::string_view::npos ? std::string_view() : url.substr(start);
}

}  // namespace

std::string azure_url(const AzureAccount& account, std::string_view container, std::string_view blob) {
  std::string url = account.endpoint + "/" + percent_encode(container);
  if (!blob.empty()) url += "/" + percent_encode_path(blob);
  return url;
}

HttpClientRequest make_azure_request(const AzureAccount& account, AzureRequest request, Timestamp now) {
  HttpClientRequest ready;
  ready.method = request.method;
  ready.url = azure_url(account, request.container, request.blob);
  ready.headers = std::move(request.headers);
  ready.headers.set("x-ms-version", std::string(kAzureVersion));
  if (account.has_key()) {
    ready.headers.set("x-ms-date", to_http_date(now));
    ready.headers.set("Authorization",
                      azure_authorization(account, {.method = to_string(request.method),
                                                    .encoded_path = path_of(ready.url),
                                                    .query = request.query,
                                                    .headers = ready.headers,
                                                    .content_length_bytes = request.content_length_bytes}));
  }
  std::string query = encoded(request.query);
  if (!account.has_key()) query.append(query.empty() ? "" : "&").append(account.sas);
  if (!query.empty()) ready.url.append("?").append(query);
  return ready;
}

}  // namespace imgimport
