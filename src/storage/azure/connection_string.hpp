// An Azure Storage account as its connection string describes it. Pure.
//
// https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string
#pragma once

#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

// Holds either the account's key or a shared access signature.
struct AzureAccount {
  std::string name;      // empty where only a signature and an endpoint are given
  std::string endpoint;  // of blobs, without a slash at its end; the emulator's ends in the account's name
  std::string key;       // raw bytes; secret
  std::string sas;       // a query without "?"; secret

  bool has_key() const noexcept { return !key.empty(); }
  bool uses_tls() const noexcept { return endpoint.starts_with("https://"); }
  // The account's name, else the host of the endpoint: for people.
  std::string title() const;
};

// As Microsoft's clients read it: parts between ";", each split at its first "=" (keys end in "="); names in any case,
// in any order, white space around them; parts of other services, or unknown, are passed over. A key wins over a
// signature, BlobEndpoint over what DefaultEndpointsProtocol (https), AccountName and EndpointSuffix (core.windows.net)
// make up. UseDevelopmentStorage=true is the emulator at 127.0.0.1:10000, or at DevelopmentStorageProxyUri.
// kMisconfigured, reason bad_connection_string: names what is missing or wrong, and shows no value.
Result<AzureAccount> parse_azure_connection_string(std::string_view text);

}  // namespace imgimport
