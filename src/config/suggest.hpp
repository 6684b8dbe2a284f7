// Wording that the messages about settings and arguments share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imgimport {

// The candidate nearest to `word`, if it is near enough to be a slip of the fingers; empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
// " (did you mean NEAREST?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// The parts between commas, trimmed, without empty ones.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace imgimport
