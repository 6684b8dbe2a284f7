#include "config/dotenv.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

bool is_name_start(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}
// In $NAME without braces a dot or dash ends the name.
bool is_variable_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

class DotenvParser {
 public:
  DotenvParser(std::string_view text, const Environment& environment) : text_(text), environment_(environment) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  Result<std::vector<DotenvEntry>> parse() {
    while (!at_end()) {
      IMGIMPORT_RETURN_IF_ERROR(statement());
    }
    return std::move(entries_);
  }

 private:
  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  char take() {
    const char c = text_[position_++];
    if (c == '\n') ++line_;
    return c;
  }
  bool at_line_end() const { return at_end() || peek() == '\n'; }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') take();
  }
  void skip_line() {
    while (!at_line_end()) take();
    if (!at_end()) take();
  }

  Error broken(std::size_t line, std::string_view what) const {
    return Error(ErrorCode::kInvalidArgument, "line " + std::to_string(line) + " " + std::string(what));
  }

  Result<void> statement() {
    skip_blanks();
    if (at_line_end() || peek() == '#') {
      skip_line();
      return {};
    }
    const std::size_t line = line_;
    std::string name = take_name();
    if (name == "export" && (peek() == ' ' || peek() == '\t')) {
      skip_blanks();
      name = take_name();
    }
    skip_blanks();
    if (name.empty() || (!at_line_end() && peek() != '=' && peek() != '#')) return broken(line, "is not KEY=VALUE");
    if (peek() != '=') {
      skip_line();
      return {};
    }
    take();
    skip_blanks();
    refers_to_nothing_ = false;
    IMGIMPORT_ASSIGN_OR_RETURN(std::string value, take_value());
    entries_.push_back({std::move(name), std::move(value), line, refers_to_nothing_});
    return {};
  }

  std::string take_name() {
    std::string name;
    if (!is_name_start(peek())) return name;
    while (is_name_part(peek())) name += take();
    return name;
  }

  Result<std::string> take_value() {
    const char quote = peek();
    if (quote != '"' && quote != '\'') return take_bare();
    const std::size_t line = line_;
    take();
    std::string raw;
    while (!at_end() && peek() != quote) {
      const char c = take();
      raw += c;
      if (c == '\\' && !at_end()) raw += take();
    }
    if (at_end()) return broken(line, "opens a quote that is never closed");
    take();
    skip_blanks();
    if (!at_line_end() && peek() != '#') return broken(line_, "goes on after the closing quote");
    skip_line();
    return quote == '\'' ? Result<std::string>(unescape_single(raw)) : interpolate(raw, line, Escapes::kResolved);
  }

  Result<std::string> take_bare() {
    const std::size_t line = line_;
    std::string raw;
    while (!at_line_end()) {
      const bool after_blank = raw.empty() || raw.back() == ' ' || raw.back() == '\t';
      if (peek() == '#' && after_blank) break;
      raw += take();
    }
    skip_line();
    return interpolate(trim(raw), line, Escapes::kLiteral);
  }

  static std::string unescape_single(std::string_view raw) {
    std::string value;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && i + 1 < raw.size() && raw[i + 1] == '\'') ++i;
      value += raw[i];
    }
    return value;
  }

  static std::string unescape(char c) {
    switch (c) {
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 't':
        return "\t";
      case '\\':
      case '"':
      case '$':
        return std::string(1, c);
      default:
        return std::string("\\") + c;
    }
  }

  // Only double quotes know escapes: a bare Windows path keeps its backslashes.
  enum class Escapes : std::uint8_t { kLiteral = 1, kResolved };

  Result<std::string> interpolate(std::string_view raw, std::size_t line, Escapes escapes) {
    std::string value;
    while (!raw.empty()) {
      if (raw.front() == '\\' && raw.size() > 1 && escapes == Escapes::kResolved) {
        value += unescape(raw[1]);
        raw.remove_prefix(2);
      } else if (raw.front() == '$') {
        IMGIMPORT_ASSIGN_OR_RETURN(const Substitution substitution, substitute(raw, line, escapes));
        value += substitution.value;
        raw.remove_prefix(substitution.length);
      } else {
        value += raw.front();
        raw.remove_prefix(1);
      }
    }
    return value;
  }

  struct Substitution {
    std::string value;
    std::size_t length = 0;  // of the text that it stands for
  };

  // `raw` begins with the dollar sign.
  Result<Substitution> substitute(std::string_view raw, std::size_t line, Escapes escapes) {
    if (raw.starts_with("$$")) return Substitution{"$", 2};
    if (raw.starts_with("${")) return substitute_braces(raw, line, escapes);
    std::size_t end = 1;
    while (end < raw.size() && (end == 1 ? is_name_start(raw[end]) : is_variable_part(raw[end]))) ++end;
    if (end == 1) return Substitution{"$", 1};
    return Substitution{look_up_or_nothing(raw.substr(1, end - 1)), end};
  }

  Result<Substitution> substitute_braces(std::string_view raw, std::size_t line, Escapes escapes) {
    const std::size_t end = closing_brace(raw);
    if (end == std::string_view::npos) return broken(line, "opens ${ without closing it");
    const std::string_view inside = raw.substr(2, end - 2);
    const auto name_end = std::find_if_not(inside.begin(), inside.end(), is_variable_part);
    const std::string_view name(inside.begin(), name_end);
    std::string_view rest(name_end, inside.end());
    if (name.empty() || !is_name_start(name.front())) return broken(line, "has ${…} without a variable's name");

    std::optional<std::string> value = look_up(name);
    if (rest.empty()) return Substitution{look_up_or_nothing(name), end + 1};
    // With a colon, an empty variable counts as one that is not set.
    if (rest.front() == ':') {
      if (value && value->empty()) value.reset();
      rest.remove_prefix(1);
    }
    const char form = rest.empty() ? '\0' : rest.front();
    if (form != '-' && form != '+') return broken(line, "has a form of ${…} other than :-, -, :+ and +");
    if ((form == '-') == value.has_value()) return Substitution{value.value_or(""), end + 1};
    IMGIMPORT_ASSIGN_OR_RETURN(std::string word, interpolate(rest.substr(1), line, escapes));
    return Substitution{std::move(word), end + 1};
  }

  // Of the ${ that `raw` begins with; npos when there is none.
  static std::size_t closing_brace(std::string_view raw) {
    std::size_t depth = 0;
    for (std::size_t i = 1; i < raw.size(); ++i) {
      if (raw[i] == '{' && raw[i - 1] == '$') ++depth;
      if (raw[i] == '}' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  std::string look_up_or_nothing(std::string_view name) {
    const auto value = look_up(name);
    if (!value) refers_to_nothing_ = true;
    return value.value_or("");
  }

  std::optional<std::string> look_up(std::string_view name) const {
    if (const auto found = environment_.find(name); found != environment_.end()) return found->second;
    const auto earlier =
        std::find_if(entries_.rbegin(), entries_.rend(), [&](const DotenvEntry& entry) { return entry.name == name; });
    return earlier == entries_.rend() ? std::nullopt : std::optional(earlier->value);
  }

  std::string_view text_;
  const Environment& environment_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
  bool refers_to_nothing_ = false;  // the entry under way
  std::vector<DotenvEntry> entries_;
};

}  // namespace

Result<std::vector<DotenvEntry>> parse_dotenv(std::string_view text, const Environment& environment) {
  return DotenvParser(text, environment).parse();
}

}  // namespace imgimport
