#include "base/sentence.hpp"

namespace imgimport {

std::string sentence(std::string_view text) {
  const bool is_ended = text.empty() || text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  return std::string(text) + (is_ended ? "" : ".");
}

std::string sentences(std::string_view first, std::string_view second) {
  std::string text = sentence(first);
  if (!text.empty() && !second.empty()) text += ' ';
  return text + sentence(second);
}

}  // namespace imgimport
