#include "emulators/drive/field_mask.hpp"

#include <cctype>

#include "base/text.hpp"

namespace imgimport::emulator {
namespace {

std::string take_name(std::string_view& text) {
  text = trim(text);
  std::size_t length = 0;
  while (length < text.size() && (std::isalnum(static_cast<unsigned char>(text[length])) || text[length] == '*'))
    ++length;
  std::string name(text.substr(0, length));
  text = trim(text.substr(length));
  return name;
}

bool take(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

// One entry: name, name(list), name/entry.
bool FieldMask::parse_field(std::string_view& text) {
  const std::string name = take_name(text);
  if (name.empty()) return false;
  const bool known_whole = fields_.contains(name) && fields_[name].fields_.empty();
  FieldMask& inner = fields_[name];
  if (take(text, '/')) {
    if (!inner.parse_field(text)) return false;
  } else if (take(text, '(')) {
    if (!inner.parse_list(text) || !take(text, ')')) return false;
    text = trim(text);
  } else {
    inner.fields_.clear();
  }
  if (known_whole) inner.fields_.clear();
  return true;
}

bool FieldMask::parse_list(std::string_view& text) {
  do {
    if (!parse_field(text)) return false;
  } while (take(text, ','));
  return true;
}

std::optional<FieldMask> FieldMask::parse(std::string_view text) {
  FieldMask mask;
  if (!mask.parse_list(text) || !text.empty()) return std::nullopt;
  return mask;
}

const FieldMask* FieldMask::find(std::string_view name) const {
  static const FieldMask everything;
  if (fields_.empty()) return &everything;
  if (const auto exact = fields_.find(name); exact != fields_.end()) return &exact->second;
  const auto any = fields_.find("*");
  return any == fields_.end() ? nullptr : &any->second;
}

}  // namespace imgimport::emulator
