#include "storage/s3/credentials/command_line.hpp"

#include <cstddef>
#include <utility>

namespace imgimport {

std::optional<std::vector<std::string>> split_command_line(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  constexpr std::string_view kEscapedInQuotes = "\"\\$`";
  std::vector<std::string> words;
  std::string word;
  bool begun = false;  // '' is a word
  char quote = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    const bool more = at + 1 < line.size();
    if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
      continue;
    }
    begun = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote == 0) {
      if (!more) return std::nullopt;
      word += line[++at];
    } else if (c == '\\' && quote == '"' && more && kEscapedInQuotes.find(line[at + 1]) != std::string_view::npos) {
      word += line[++at];
    } else {
      word += c;
    }
  }
  if (quote != 0) return std::nullopt;
  if (begun) words.push_back(std::move(word));
  return words;
}

}  // namespace imgimport
