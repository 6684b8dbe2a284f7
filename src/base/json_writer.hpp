// JSON straight into a string, for answers of many records: no tree in memory, commas and escapes taken care of. What
// is not valid UTF-8 is replaced by U+FFFD. The caller keeps the order right (a key before each value of an object).
//
// Threading: one thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "imgimport/clock.hpp"

namespace imgimport {

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  // REQUIRES: a plain ASCII name that needs no escape.
  void key(std::string_view name);
  // Any name.
  void text_key(std::string_view name);

  void null() { literal("null"); }
  void boolean(bool value) { literal(value ? "true" : "false"); }
  void integer(std::int64_t value);
  void number(double value);  // shortest form that reads back the same; null when it is not finite
  void string(std::string_view text);

  void field(std::string_view name, std::string_view text) { key(name), string(text); }
  void field(std::string_view name, const std::string& text) { field(name, std::string_view(text)); }
  void field(std::string_view name, const char* text) { field(name, std::string_view(text)); }
  void field(std::string_view name, std::same_as<bool> auto value) { key(name), boolean(value); }
  void field(std::string_view name, double value) { key(name), number(value); }
  void field(std::string_view name, Timestamp time);
  template <class Integer>
  requires(std::integral<Integer> && !std::same_as<Integer, bool>) void field(std::string_view name, Integer value) {
    key(name);
    integer(static_cast<std::int64_t>(value));
  }
  template <class Value>
  void field(std::string_view name, const std::optional<Value>& value) {
    value ? field(name, *value) : null_field(name);
  }
  void null_field(std::string_view name) { key(name), null(); }
  // null where the text is empty, which stands for "not known".
  void known_field(std::string_view name, std::string_view text) {
    text.empty() ? null_field(name) : field(name, text);
  }

  std::size_t size() const noexcept { return text_.size(); }
  // The text so far; writing may go on, in the middle of an array as well.
  std::string take() { return std::exchange(text_, {}); }

 private:
  void open(char bracket);
  void close(char bracket);
  void literal(std::string_view text);
  void separate();

  std::string text_;
  bool comma_due_ = false;
};

}  // namespace imgimport
