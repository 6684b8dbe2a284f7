// The signature that an account's key puts on each request to Azure Blob Storage. Pure.
//
// https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imgimport/http.hpp"
#include "storage/azure/connection_string.hpp"

namespace imgimport {

using AzureQuery = std::vector<std::pair<std::string, std::string>>;  // decoded

// A request as it will be sent, all but its Authorization header.
struct AzureSignable {
  std::string_view method;        // "PUT"
  std::string_view encoded_path;  // of the URL, as sent; the emulator's begins with the account
  const AzureQuery& query;
  const HttpHeaders& headers;            // with x-ms-date, x-ms-version, and without Content-Length
  std::uint64_t content_length_bytes{};  // of the body
};

// What is signed. Signs every standard header that has a place in it, every x-ms-* header, and every parameter.
std::string azure_string_to_sign(std::string_view account, const AzureSignable& request);

// The value of the Authorization header. REQUIRES: account.has_key()
std::string azure_authorization(const AzureAccount& account, const AzureSignable& request);

}  // namespace imgimport
