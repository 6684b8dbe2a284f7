// Requests to one account of Azure Blob Storage, signed and ready to be sent. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "storage/azure/connection_string.hpp"
#include "storage/azure/shared_key.hpp"

namespace imgimport {

struct AzureRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string_view container;
  std::string_view blob;                 // its name, not encoded; empty = the container itself
  AzureQuery query;                      // decoded
  HttpHeaders headers;                   // without date, version and authorization
  std::uint64_t content_length_bytes{};  // of the body that the caller will add
};

// With the account's key: dated and signed, fresh for 15 minutes. With a shared access signature: that in the query.
HttpClientRequest make_azure_request(const AzureAccount& account, AzureRequest request, Timestamp now);

// The URL of a container, or of a blob in it, without a query.
std::string azure_url(const AzureAccount& account, std::string_view container, std::string_view blob);

}  // namespace imgimport
