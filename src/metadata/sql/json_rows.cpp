#include "metadata/sql/json_rows.hpp"

#include <fmt/format.h>

#include <cmath>

#include "metadata/values.hpp"

namespace imgimport {
namespace {

void append_unit(std::string& out, std::uint32_t unit) {
  fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

void append_code_point(std::string& out, std::uint32_t code) {
  if (code < 0x10000) return append_unit(out, code);
  code -= 0x10000;
  append_unit(out, 0xd800 + (code >> 10));
  append_unit(out, 0xdc00 + (code & 0x3ff));
}

// REQUIRES: valid UTF-8
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      if (lead == '"' || lead == '\\' || lead < 0x20 || lead == 0x7f) {
        append_unit(out, lead);
      } else {
        out += text[i];
      }
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    std::uint32_t code = lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    append_code_point(out, code);
    i += length;
  }
}

}  // namespace

JsonRows& JsonRows::row() {
  text_ += rows_++ == 0 ? "{" : "},{";
  row_is_empty_ = true;
  return *this;
}

void JsonRows::begin_value(std::string_view name) {
  text_ += row_is_empty_ ? "\"" : ",\"";
  text_ += name;
  text_ += "\":";
  row_is_empty_ = false;
}

JsonRows& JsonRows::add(std::string_view name, std::nullopt_t) {
  begin_value(name);
  text_ += "null";
  return *this;
}

JsonRows& JsonRows::add(std::string_view name, std::int64_t value) {
  begin_value(name);
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

JsonRows& JsonRows::add(std::string_view name, double value) {
  if (!std::isfinite(value)) return add(name, std::nullopt);
  begin_value(name);
  // The shortest form that reads back as the same number.
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

JsonRows& JsonRows::add(std::string_view name, std::string_view text) {
  begin_value(name);
  text_ += '"';
  append_escaped(text_, stored_text(text));
  text_ += '"';
  return *this;
}

std::string JsonRows::take() {
  if (rows_ > 0) text_ += '}';
  text_ += ']';
  rows_ = 0;
  std::string document(1, '[');
  document.swap(text_);
  return document;
}

}  // namespace imgimport
