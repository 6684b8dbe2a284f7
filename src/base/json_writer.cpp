#include "base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/http_error.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

bool is_plain(std::string_view text) noexcept {
  const auto special = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F;
  };
  return std::none_of(text.begin(), text.end(), special) && is_valid_utf8(text);
}

}  // namespace

void JsonWriter::separate() {
  if (comma_due_) text_ += ',';
  comma_due_ = true;
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  comma_due_ = false;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  comma_due_ = true;
}

void JsonWriter::literal(std::string_view text) {
  separate();
  text_ += text;
}

void JsonWriter::key(std::string_view name) {
  separate();
  text_ += '"';
  text_ += name;
  text_ += "\":";
  comma_due_ = false;
}

void JsonWriter::text_key(std::string_view name) {
  string(name);
  text_ += ':';
  comma_due_ = false;
}

void JsonWriter::integer(std::int64_t value) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  literal(std::string_view(digits.data(), end));
}

void JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  literal(std::string_view(digits.data(), end));
}

void JsonWriter::string(std::string_view text) {
  separate();
  text_ += '"';
  if (is_plain(text)) {
    text_ += text;
  } else {
    text_ += json_escape(text);
  }
  text_ += '"';
}

void JsonWriter::field(std::string_view name, Timestamp time) {
  field(name, to_rfc3339(time));
}

}  // namespace imgimport
