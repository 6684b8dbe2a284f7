// Values of the contracts as JSON between imgimport's own services. A struct is described once, for both directions:
//
//   template <class Wire, Described<StorePlace> T>
//   void describe(Wire& wire, T& place) {
//     wire.field("provider", place.provider);
//     …
//   }
//
// Encoding leaves out what is empty (strings, lists, nullopt); decoding leaves absent fields as the struct's defaults
// have them and passes over unknown ones, so that a field can be added between two versions. What no version of a
// struct is anything without (an id, a key, what a request is about) is required() instead of field(): decoding refuses
// a message where it is absent or empty. Encoding does not ask.
//
// Shapes: enums by their number, Timestamp and durations in milliseconds, ids as what they wrap.
// Threading: one thread at a time.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json_writer.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// T or const T.
template <class T, class Struct>
concept Described = std::same_as<std::remove_const_t<T>, Struct>;

// What a method without a request or an answer sends.
struct Nothing {};
template <class Wire, Described<Nothing> T>
void describe(Wire&, T&) {}

namespace wire_detail {

template <class T>
struct IsStrongId : std::false_type {};
template <class Tag, class Rep>
struct IsStrongId<StrongId<Tag, Rep>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::true_type {};
template <class T>
struct IsList<std::span<const T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};
template <class T>
struct IsDuration : std::false_type {};
template <class Rep, class Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {};

// Whether the wire shows it as an absent field.
template <class T>
bool is_empty(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (IsStrongId<T>::value) {
    return is_empty(value.value());
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return false;
  }
}

}  // namespace wire_detail

class WireEncoder {
 public:
  template <class T>
  void field(std::string_view name, const T& value) {
    if (wire_detail::is_empty(value)) return;
    json_.key(name);
    this->value(value);
  }
  template <class T>
  void required(std::string_view name, const T& value) {
    field(name, value);
  }

  template <class T>
  void value(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      json_.boolean(value);
    } else if constexpr (std::integral<T>) {
      json_.integer(static_cast<std::int64_t>(value));
    } else if constexpr (std::floating_point<T>) {
      json_.number(value);
    } else if constexpr (std::is_enum_v<T>) {
      json_.integer(static_cast<std::int64_t>(value));
    } else if constexpr (std::same_as<T, Timestamp>) {
      json_.integer(value.time_since_epoch().count());
    } else if constexpr (wire_detail::IsDuration<T>::value) {
      json_.integer(std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      json_.string(value);
    } else if constexpr (wire_detail::IsStrongId<T>::value) {
      this->value(value.value());
    } else if constexpr (wire_detail::IsOptional<T>::value) {
      if (value) {
        this->value(*value);
      } else {
        json_.null();
      }
    } else if constexpr (wire_detail::IsList<T>::value) {
      json_.begin_array();
      for (const auto& element : value) this->value(element);
      json_.end_array();
    } else if constexpr (wire_detail::IsMap<T>::value) {
      json_.begin_object();
      for (const auto& [key, element] : value) {
        json_.text_key(key);
        this->value(element);
      }
      json_.end_object();
    } else {
      json_.begin_object();
      describe(*this, value);
      json_.end_object();
    }
  }

  std::string take() { return json_.take(); }

 private:
  JsonWriter json_;
};

// A parsed text; WireDecoders look into it.
class WireDocument {
 public:
  // kInvalidArgument: not JSON.
  static Result<WireDocument> parse(std::string_view text);
  WireDocument(WireDocument&&) noexcept;
  WireDocument& operator=(WireDocument&&) noexcept;
  ~WireDocument();

  const void* root() const noexcept;

 private:
  struct Tree;
  explicit WireDocument(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

// Reads one value of a document. The first thing that has another shape than wanted is remembered, with its path.
class WireDecoder {
 public:
  struct Problem {
    std::string text;
  };
  WireDecoder(const void* value, Problem& problem) noexcept : value_(value), problem_(&problem) {}

  template <class T>
  void field(std::string_view name, T& out) {
    const void* const member = problem_->text.empty() ? find(name) : nullptr;
    if (member == nullptr) return;
    WireDecoder(member, *problem_).value(out);
    if (!problem_->text.empty()) add_to_path(name);
  }
  template <class T>
  void required(std::string_view name, T& out) {
    field(name, out);
    if (!problem_->text.empty() || (find(name) != nullptr && !wire_detail::is_empty(out))) return;
    complain("there");
    add_to_path(name);
  }

  template <class T>
  void value(T& out) {
    if constexpr (std::same_as<T, bool>) {
      read_boolean(out);
    } else if constexpr (std::integral<T> || std::is_enum_v<T>) {
      std::int64_t number = 0;
      if (!read_integer(number)) return;
      out = static_cast<T>(number);
      if (static_cast<std::int64_t>(out) != number) complain("a smaller number");
    } else if constexpr (std::floating_point<T>) {
      read_number(out);
    } else if constexpr (std::same_as<T, Timestamp>) {
      std::int64_t number = 0;
      if (read_integer(number)) out = Timestamp(std::chrono::milliseconds(number));
    } else if constexpr (wire_detail::IsDuration<T>::value) {
      std::int64_t number = 0;
      if (read_integer(number)) out = std::chrono::duration_cast<T>(std::chrono::milliseconds(number));
    } else if constexpr (std::same_as<T, std::string>) {
      read_string(out);
    } else if constexpr (wire_detail::IsStrongId<T>::value) {
      std::remove_cvref_t<decltype(out.value())> inner{};
      value(inner);
      out = T(std::move(inner));
    } else if constexpr (wire_detail::IsOptional<T>::value) {
      if (is_null()) {
        out.reset();
      } else {
        value(out.emplace());
      }
    } else if constexpr (wire_detail::IsList<T>::value) {
      const std::size_t count = list_size();
      out.clear();
      out.reserve(count);
      for (std::size_t i = 0; i < count && problem_->text.empty(); ++i) {
        WireDecoder(element(i), *problem_).value(out.emplace_back());
      }
    } else if constexpr (wire_detail::IsMap<T>::value) {
      out.clear();
      for (const auto& [name, member] : members()) WireDecoder(member, *problem_).value(out[std::string(name)]);
    } else {
      if (!is_object()) return complain("an object");
      describe(*this, out);
    }
  }

 private:
  void complain(std::string_view wanted);
  void add_to_path(std::string_view name);
  bool is_null() const noexcept;
  bool is_object() const noexcept;
  bool read_boolean(bool& out);
  bool read_integer(std::int64_t& out);
  bool read_number(double& out);
  bool read_string(std::string& out);
  std::size_t list_size();
  const void* element(std::size_t index) const;
  const void* find(std::string_view name) const;
  std::vector<std::pair<std::string_view, const void*>> members();

  const void* value_;
  Problem* problem_;
};

template <class T>
std::string encode(const T& value) {
  WireEncoder encoder;
  encoder.value(value);
  return encoder.take();
}

// kInvalidArgument (bad_message): not JSON, or of another shape; the message says where.
Error bad_message(std::string_view where);
template <class T>
Result<T> decode(std::string_view text) {
  IMGIMPORT_ASSIGN_OR_RETURN(const WireDocument document, WireDocument::parse(text));
  T value{};
  WireDecoder::Problem problem;
  WireDecoder(document.root(), problem).value(value);
  if (!problem.text.empty()) return bad_message(problem.text);
  return value;
}

}  // namespace imgimport
