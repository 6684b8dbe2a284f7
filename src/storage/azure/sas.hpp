// Shared access signatures: the right to do one thing with one blob for a while, in a URL's query. Pure.
//
// https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas
#pragma once

#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "storage/azure/connection_string.hpp"

namespace imgimport {

// The version of Azure's protocol that imgimport speaks: old enough for every emulator in use, new enough for all
// access tiers.
inline constexpr std::string_view kAzureVersion = "2021-12-02";

struct BlobSas {
  std::string_view container;
  std::string_view blob;         // its name, not encoded
  std::string_view permissions;  // of "racwd", in this order
  Timestamp expires_at;          // whole seconds count
  // What a reader is told in place of what was put; empty = that.
  std::string_view content_disposition;
  std::string_view content_type;
};

// The query, encoded, without "?". Valid at once, over https alone where the endpoint has it.
// REQUIRES: account.has_key()
std::string make_blob_sas(const AzureAccount& account, const BlobSas& sas);

// What is signed.
std::string blob_sas_string_to_sign(const AzureAccount& account, const BlobSas& sas);

}  // namespace imgimport
