// How a text reads behind a full stop.
#pragma once

#include <algorithm>
#include <string>

namespace imgimport {

// With a capital at its beginning, unless it begins with the program's own name or with a word that is no word of a
// sentence (a setting, a flag, a path).
inline std::string with_capital(std::string text) {
  const std::size_t word_end = std::min(text.find_first_of(" ,;:."), text.size());
  for (std::size_t i = 0; i < word_end; ++i) {
    if (text[i] < 'a' || text[i] > 'z') return text;
  }
  if (text.empty() || word_end == 0 || text.compare(0, word_end, "imgimport") == 0) return text;
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

}  // namespace imgimport
