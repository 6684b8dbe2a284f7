#include "base/sentence.hpp"

#include <algorithm>
#include <cstddef>

namespace imgimport {

std::string sentence(std::string_view text) {
  const bool is_ended = text.empty() || text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  return std::string(text) + (is_ended ? "" : ".");
}

std::string with_capital(std::string text) {
  const std::size_t word_end = std::min(text.find_first_of(" ,;:."), text.size());
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  if (word_end == 0 || !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(word_end), is_small)) {
    return text;
  }
  if (text.compare(0, word_end, "imgimport") == 0) return text;
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

std::string sentences(std::string_view first, std::string_view second) {
  std::string text = sentence(first);
  if (!text.empty() && !second.empty()) text += ' ';
  return text + sentence(text.empty() ? std::string(second) : with_capital(std::string(second)));
}

}  // namespace imgimport
