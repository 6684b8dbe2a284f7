// The values of many rows as one JSON document in pure ASCII, for a statement's :rows.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imgimport {

class JsonRows {
 public:
  // A new row; the values that follow belong to it.
  JsonRows& row();
  JsonRows& add(std::string_view name, std::nullopt_t);
  JsonRows& add(std::string_view name, std::int64_t value);
  JsonRows& add(std::string_view name, double value);
  // Made fit to be stored (stored_text).
  JsonRows& add(std::string_view name, std::string_view text);
  JsonRows& add(std::string_view name, const std::string& text) { return add(name, std::string_view(text)); }
  JsonRows& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  template <std::integral Integer>
  JsonRows& add(std::string_view name, Integer value) {
    return add(name, static_cast<std::int64_t>(value));
  }
  template <class Value>
  JsonRows& add(std::string_view name, const std::optional<Value>& value) {
    return value ? add(name, *value) : add(name, std::nullopt);
  }

  std::size_t size() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_ == 0; }
  // The document; the rows are gone then.
  std::string take();

 private:
  void begin_value(std::string_view name);

  std::string text_ = "[";
  std::size_t rows_ = 0;
  bool row_is_empty_ = true;
};

}  // namespace imgimport
