// Patterns of names as rclone has them (https://rclone.org/filtering/#patterns): * any run of characters, ? one
// character, [a-z] one of these, [!a-z] or [^a-z] one of the others, {jpg,png} one of these parts, \ before a character
// that means itself. Without regard to the case of A to Z.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgimport {

// What is wrong in a pattern means itself.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

// Why a pattern cannot be meant: a bracket or brace that is never closed, a range that runs backwards, more than 1,000
// combinations. nullopt: it is well. Pure.
std::optional<std::string> glob_trouble(std::string_view pattern);

}  // namespace imgimport
