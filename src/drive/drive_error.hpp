// What Drive's refusals mean. Pure.
//
// https://developers.google.com/workspace/drive/api/guides/handle-errors
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// What was asked of Drive, for the sentence about it.
struct DriveCall {
  enum class Kind : std::uint8_t { kRoot = 1, kLookUp, kList, kDownload };
  Kind kind = Kind::kLookUp;
  std::string_view id;
  std::string_view account;  // the service account's address; empty with an API key
};

// Any answer but a success.
struct DriveRefusal {
  int status = 0;
  const HttpHeaders& headers;
  std::string_view body;  // JSON, HTML or nothing
  Timestamp now;          // for a Retry-After that is a date
};

// Looks at every errors[].reason; the strongest class wins: what stops the job, then what fails the item, then what
// defers it for hours, then what slows down, then what may pass by itself. Never fails.
Error drive_error(const DriveCall& call, const DriveRefusal& refusal);

// The same of a document that came under a status of success: nullopt where it says nothing of its own, no reason that
// is known and no word of a machine that asks too much.
std::optional<Error> stated_drive_error(const DriveCall& call, const DriveRefusal& refusal);

// For people: what a document that came in place of the bytes says of itself (an error's message, a page's title).
std::string document_summary(std::string_view body);

}  // namespace imgimport
