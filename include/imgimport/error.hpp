// What went wrong, as a value. Every fallible function of imgimport returns Result<T> (result.hpp); exceptions of
// libraries are caught once, in the adapter that wraps the library, and become an Error there.
//
// An Error answers four questions: what class of trouble it is (code; decides retries and the HTTP status), which
// trouble exactly (reason; a stable snake_case word that clients may match on), what a person should read (message) and
// what they can do about it (remedy).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace imgimport {

// The canonical classes. A vendor's own codes are translated into these in the vendor's folder and seen nowhere else.
enum class ErrorCode : std::uint8_t {
  kCancelled = 1,     // the caller asked to stop
  kDeadlineExceeded,  // the caller's time ran out; it is not known whether the work was done
  kInvalidArgument,   // the request itself is wrong; never works again
  kNotFound,          // no such thing, or no right to know of it
  kPermissionDenied,  // it exists, and we may not
  kUnauthenticated,   // no credentials, or refused ones
  kConflict,          // somebody changed it first: a stale epoch, a lost compare-and-set
  kUnsupported,       // not an image, a Google document: will never be importable as it is
  kCorrupt,           // wrong bytes, a short body: a fault of this one file; counts as an attempt
  kRateLimited,       // asked to slow down; retry_after() if the other side said for how long
  kQuotaExhausted,    // refused for hours (Drive's downloadQuotaExceeded): defer, do not hammer
  kUnavailable,       // network, 5xx, database or store away: the surroundings, not the file
  kMisconfigured,     // a setting or credential is wrong: nothing else of this kind can work until a person mends it
  kOutOfSpace,        // the disk or bucket is full
  kTooLarge,          // beyond a limit of ours or of the other side
  kInternal,          // a bug, or something nobody foresaw
};

// The snake_case name of a code, e.g. "rate_limited"; what the REST API shows where there is no finer reason.
std::string_view to_string(ErrorCode code) noexcept;

class [[nodiscard]] Error {
 public:
  Error() = default;
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const noexcept { return code_; }
  // One sentence for a person; names the thing concerned. Holds no secret.
  const std::string& message() const noexcept { return message_; }
  // A stable snake_case word finer than code(), e.g. "download_quota_exceeded"; empty when there is none.
  const std::string& reason() const noexcept { return reason_; }
  // The finest word there is: reason(), else the code's name.
  std::string_view reason_or_code() const noexcept { return reason_.empty() ? to_string(code_) : reason_; }
  // What the reader can do; empty when nothing is known.
  const std::string& remedy() const noexcept { return remedy_; }
  // How long the other side asked us to wait (a Retry-After header).
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }

  Error with_reason(std::string reason) &&;
  Error with_remedy(std::string remedy) &&;
  Error with_retry_after(std::chrono::milliseconds wait) &&;
  // Prepends "context: " to the message. Add context once per level.
  Error with_context(std::string_view context) &&;

  // Whether the same call may succeed later. The only place that decides it.
  bool is_transient() const noexcept;
  // Whether nothing else of the same job can work either, until a person mends it.
  bool stops_the_job() const noexcept {
    return code_ == ErrorCode::kMisconfigured || code_ == ErrorCode::kUnauthenticated ||
           code_ == ErrorCode::kOutOfSpace;
  }
  // Whether it counts against the item's attempts (setting MAX_ATTEMPTS) rather than against its surroundings.
  bool blames_the_file() const noexcept { return code_ == ErrorCode::kCorrupt; }

 private:
  ErrorCode code_ = ErrorCode::kInternal;
  std::string message_;
  std::string reason_;
  std::string remedy_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace imgimport
