// One PUT of a whole blob: the headers that it carries, and what its answer means. Pure. The store uses it for its own
// puts, and whoever did one with an upload ticket of an Azure store for theirs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/result.hpp"
#include "storage/azure/azure_error.hpp"

namespace imgimport {

// How the blob is to be kept.
struct AzureBlobProperties {
  std::string content_type;  // empty = application/octet-stream
  std::string access_tier;   // empty = the account's default
  ContentHashes hashes;      // those that are known when the headers leave
};

// x-ms-blob-type and all that the properties ask for. With an MD5, Azure takes the body only if it has it, and keeps
// it. A SHA-256 is kept as metadata: Azure does not check it. kInvalidArgument: a hash that is none.
Result<HttpHeaders> azure_put_headers(const AzureBlobProperties& properties);

// The same properties for the request that commits a list of blocks: that checks nothing, and keeps the MD5 as told.
Result<HttpHeaders> azure_commit_headers(const AzureBlobProperties& properties);

// The bytes that went out.
struct AzurePut {
  std::uint64_t size_bytes = 0;
  ContentHashes hashes;  // known, or computed on the way; the MD5 is held against Azure's answer
};

// What became of the PUT. The info holds size, ETag, version id, and the hashes, the MD5 among them even where only
// Azure knew it. kCorrupt, reason checksum_mismatch: Azure refused the bytes, or its answer names another MD5 than that
// of the bytes sent (possible only where the headers held no MD5: then the blob is there, and wrong). Else azure_error;
// with a ticket, reason signature_expired asks for a new one.
Result<ObjectInfo> read_azure_put_answer(const AzurePut& put, const AzureCall& call, const HttpClientResponse& answer,
                                         Timestamp now);

// The same for the request that committed a list of blocks, each checked when it came.
Result<ObjectInfo> read_azure_commit_answer(const AzurePut& put, const AzureCall& call,
                                            const HttpClientResponse& answer, Timestamp now);

// An MD5 in hex as headers hold it, and back. Empty: it is none.
std::string md5_to_base64(std::string_view hex);
std::string md5_from_base64(std::string_view base64);

}  // namespace imgimport
