// Small text work that the standard library lacks. Pure functions.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "imgimport/clock.hpp"

namespace imgimport {

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hex.
std::string to_hex(std::span<const std::byte> bytes);
std::optional<std::string> from_hex(std::string_view hex);

// Everything but A-Z a-z 0-9 - _ . ~ becomes %XX. encode_path keeps "/" as well.
std::string percent_encode(std::string_view text);
std::string percent_encode_path(std::string_view text);
// nullopt: a % without two hex digits. "+" stays a plus.
std::optional<std::string> percent_decode(std::string_view text);

// Replaces invalid UTF-8 by U+FFFD; valid text comes back unchanged.
std::string to_valid_utf8(std::string_view text);
bool is_valid_utf8(std::string_view text) noexcept;

// Fit for one line of a message: control characters and broken UTF-8 replaced, cut off after `most` bytes.
std::string printable(std::string_view text, std::size_t most);
inline constexpr std::size_t kQuoted = 80;  // of what somebody gave, in a message about it
inline constexpr std::size_t kUncut = std::string_view::npos;

// All of the text as a decimal number, with a "-" before it where the type can be negative; nullopt for anything else,
// and for what the type cannot hold.
template <std::integral Number>
std::optional<Number> whole_number(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string to_lower_ascii(std::string_view text);
// "userRateLimitExceeded" becomes "user_rate_limit_exceeded". Of its first 64 bytes, what is no letter, digit or "_" is
// left out.
std::string snake_case(std::string_view camel);
bool equals_ignore_case(std::string_view a, std::string_view b) noexcept;
std::string_view trim(std::string_view text) noexcept;

// "2026-11-23T20:17:14.123Z"; without the fraction when it is zero.
std::string to_rfc3339(Timestamp time);
// Any offset and any number of fraction digits.
std::optional<Timestamp> from_rfc3339(std::string_view text);

// Compares secrets in a time that does not depend on where they differ.
bool equals_constant_time(std::string_view a, std::string_view b) noexcept;

// Whether it can be meant as a path, and so be shown: a key, as JSON or in base64, is longer, and JSON has braces and
// quotes.
bool is_plausible_path(std::string_view text) noexcept;

}  // namespace imgimport
