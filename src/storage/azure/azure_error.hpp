// What Azure Blob Storage's refusals mean. Pure.
//
// https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
#pragma once

#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// What was asked, for the sentence about it. Names may be empty where they are not known.
struct AzureCall {
  std::string_view account;
  std::string_view container;
  std::string_view blob;
};

// Any answer but a success.
struct AzureRefusal {
  int status = 0;
  const HttpHeaders& headers;
  std::string_view body;  // XML, nothing (HEAD has none), or a stranger's page
  Timestamp now;          // for a Retry-After that is a date, and to tell a clock that is off
};

// Azure's own word: the x-ms-error-code header, else the document's <Code>; empty when there is neither.
std::string azure_error_code(const AzureRefusal& refusal);

// Decides on Azure's word first, on the status where there is none. Reasons that callers act on:
//   no_such_container (kMisconfigured), no_such_object (kNotFound), checksum_mismatch (kCorrupt),
//   range_not_satisfiable (kInvalidArgument), changed_meanwhile (kConflict: a condition was not met),
//   blocks_lost (kUnavailable: another put of the same blob threw uncommitted blocks away),
//   signature_expired (kUnauthenticated: of a shared access signature, an upload ticket's for one).
// Never fails. Shows nothing of a signature.
Error azure_error(const AzureCall& call, const AzureRefusal& refusal);

}  // namespace imgimport
