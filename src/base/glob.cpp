#include "base/glob.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMostCombinations = 1'000;
constexpr std::size_t kNowhere = std::string_view::npos;

// The first character of valid UTF-8, else the first byte. REQUIRES: not empty.
char32_t take_character(std::string_view& text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t character = length == 1 ? first : first & (0xFFU >> (length + 1));
  if (text.size() < length) {
    text.remove_prefix(1);
    return first;
  }
  for (std::size_t i = 1; i < length; ++i) character = (character << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return character;
}

char32_t lower(char32_t c) noexcept {
  return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}
char32_t upper(char32_t c) noexcept {
  return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

// Behind the "]" of the "[" that `pattern` begins with; a "]" at once after the opening means itself.
std::size_t class_end(std::string_view pattern) noexcept {
  std::size_t at = 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) return at + 1;
    at += pattern[at] == '\\' ? 2 : 1;
  }
  return kNowhere;
}

struct Range {
  char32_t from = 0;
  char32_t to = 0;
};

char32_t take_of_class(std::string_view& inside) noexcept {
  if (inside.front() == '\\' && inside.size() > 1) inside.remove_prefix(1);
  return take_character(inside);
}

Range take_range(std::string_view& inside) noexcept {
  Range range;
  range.from = range.to = take_of_class(inside);
  if (inside.size() > 1 && inside.front() == '-') {
    inside.remove_prefix(1);
    range.to = take_of_class(inside);
  }
  return range;
}

// `text`: a whole "[…]".
bool in_class(std::string_view text, char32_t character) noexcept {
  std::string_view inside = text.substr(1, text.size() - 2);
  const bool others = inside.starts_with('!') || inside.starts_with('^');
  if (others) inside.remove_prefix(1);
  bool found = false;
  while (!inside.empty()) {
    const Range range = take_range(inside);
    for (const char32_t form : {character, lower(character), upper(character)}) {
      found = found || (form >= range.from && form <= range.to);
    }
  }
  return found != others;
}

// Takes one element other than * off `pattern`, and says whether it means `character`.
bool take_element(std::string_view& pattern, char32_t character) noexcept {
  if (pattern.front() == '?') {
    pattern.remove_prefix(1);
    return true;
  }
  if (pattern.front() == '[') {
    if (const std::size_t end = class_end(pattern); end != kNowhere) {
      const bool fits = in_class(pattern.substr(0, end), character);
      pattern.remove_prefix(end);
      return fits;
    }
  }
  if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  return lower(take_character(pattern)) == lower(character);
}

// Without braces. Greedy with one step back to the last star: linear in practice, no recursion.
bool match_plain(std::string_view pattern, std::string_view text) noexcept {
  std::optional<std::string_view> after_star;
  std::string_view text_at_star;
  while (!text.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      after_star = pattern;
      text_at_star = text;
      continue;
    }
    std::string_view rest = text;
    const char32_t character = take_character(rest);
    if (!pattern.empty() && take_element(pattern, character)) {
      text = rest;
    } else if (after_star) {
      take_character(text_at_star);
      text = text_at_star;
      pattern = *after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

// The first {…} outside of a class: where it begins, the parts between its commas, and what is behind it.
struct Choice {
  std::size_t begin = kNowhere;
  std::vector<std::string_view> parts;
  std::string_view behind;
  bool closed = false;
};

Choice first_choice(std::string_view pattern) {
  Choice choice;
  std::size_t depth = 0;
  std::size_t part = 0;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      ++at;
    } else if (c == '[' && class_end(pattern.substr(at)) != kNowhere) {
      at += class_end(pattern.substr(at)) - 1;
    } else if (c == '{' && depth++ == 0) {
      choice.begin = at;
      part = at + 1;
    } else if (depth == 1 && (c == ',' || c == '}')) {
      choice.parts.push_back(pattern.substr(part, at - part));
      part = at + 1;
      if (c == ',') continue;
      choice.behind = pattern.substr(at + 1);
      choice.closed = true;
      return choice;
    } else if (c == '}' && depth > 1) {
      --depth;
    }
  }
  return choice;
}

std::string with_part(std::string_view pattern, const Choice& choice, std::string_view part) {
  return std::string(pattern.substr(0, choice.begin)).append(part).append(choice.behind);
}

std::optional<std::string> class_trouble(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == '[') {
      const std::size_t end = class_end(pattern.substr(at));
      if (end == kNowhere) return "it opens a [ that is never closed";
      std::string_view inside = pattern.substr(at + 1, end - 2);
      if (inside.starts_with('!') || inside.starts_with('^')) inside.remove_prefix(1);
      while (!inside.empty()) {
        const Range range = take_range(inside);
        if (range.from > range.to) return "a range in its [ ] runs backwards";
      }
      at += end - 1;
    }
  }
  return std::nullopt;
}

// Stops counting beyond the limit.
void count_combinations(std::string_view pattern, std::size_t& count, bool& open) {
  const Choice choice = first_choice(pattern);
  if (choice.begin == kNowhere || !choice.closed) {
    open = open || choice.begin != kNowhere;
    ++count;
    return;
  }
  for (const std::string_view part : choice.parts) {
    if (count > kMostCombinations || open) return;
    count_combinations(with_part(pattern, choice, part), count, open);
  }
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  const Choice choice = first_choice(pattern);
  if (choice.begin == kNowhere || !choice.closed) return match_plain(pattern, text);
  return std::any_of(choice.parts.begin(), choice.parts.end(),
                     [&](std::string_view part) { return glob_match(with_part(pattern, choice, part), text); });
}

std::optional<std::string> glob_trouble(std::string_view pattern) {
  if (auto trouble = class_trouble(pattern)) return trouble;
  std::size_t count = 0;
  bool open = false;
  count_combinations(pattern, count, open);
  if (open) return "it opens a { that is never closed";
  if (count > kMostCombinations) return "its { } have more than 1,000 combinations";
  return std::nullopt;
}

}  // namespace imgimport
