// Base64 (RFC 4648): the standard alphabet with padding, and the URL alphabet without. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace imgimport {

std::string base64_encode(std::span<const std::byte> bytes);
inline std::string base64_encode(std::string_view text) {
  return base64_encode(std::as_bytes(std::span(text)));
}
// For tokens and URLs: "-" and "_", no padding.
std::string base64url_encode(std::span<const std::byte> bytes);
inline std::string base64url_encode(std::string_view text) {
  return base64url_encode(std::as_bytes(std::span(text)));
}

// The raw bytes; nullopt where the text is not Base64. Takes either alphabet; padding may be missing, but what is there
// must be right. White space is not skipped.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace imgimport
