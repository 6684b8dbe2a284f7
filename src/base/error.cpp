#include "imgimport/error.hpp"

namespace imgimport {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kQuotaExhausted:
      return "quota_exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kMisconfigured:
      return "misconfigured";
    case ErrorCode::kOutOfSpace:
      return "out_of_space";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error Error::with_reason(std::string reason) && {
  reason_ = std::move(reason);
  return std::move(*this);
}

Error Error::with_remedy(std::string remedy) && {
  remedy_ = std::move(remedy);
  return std::move(*this);
}

Error Error::with_retry_after(std::chrono::milliseconds wait) && {
  retry_after_ = wait;
  return std::move(*this);
}

Error Error::with_context(std::string_view context) && {
  message_.insert(0, ": ").insert(0, context);
  return std::move(*this);
}

bool Error::is_transient() const noexcept {
  switch (code_) {
    case ErrorCode::kCorrupt:
    case ErrorCode::kRateLimited:
    case ErrorCode::kQuotaExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

}  // namespace imgimport
