#include "base/sentence.hpp"

#include <algorithm>

namespace imgimport {

std::string sentence(std::string_view text) {
  const bool is_ended = text.empty() || text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  std::string ended(text);
  if (!is_ended) ended.push_back('.');
  return ended;
}

std::string with_capital(std::string text) {
  const std::size_t word_end = std::min(text.find_first_of(" ,;:."), text.size());
  for (std::size_t i = 0; i < word_end; ++i) {
    if (text[i] < 'a' || text[i] > 'z') return text;
  }
  if (text.empty() || word_end == 0 || text.compare(0, word_end, "imgimport") == 0) return text;
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

std::string sentences(std::string_view first, std::string_view second) {
  std::string text = sentence(first);
  if (text.empty()) return sentence(second);
  if (second.empty()) return text;
  text.push_back(' ');
  return text.append(sentence(with_capital(std::string(second))));
}

}  // namespace imgimport
