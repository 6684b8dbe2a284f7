#include "base/object_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMaxIdBytes = 128;
// Of the part after the last dot, the dot included: ".jpeg", ".photoshop"; a longer one is no extension.
constexpr std::size_t kMaxExtensionBytes = 16;

bool is_id_character(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void append_hex(std::string& text, std::uint64_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += kDigits[(value >> shift) & 0xf];
}

// FNV-1a: tells cut ids apart; no secret and no adversary's gain depends on it, for the ids are the source's own.
std::uint64_t fingerprint(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// "!" is no id character, so that no escaped text equals an unescaped one.
std::string escape_id(std::string_view id) {
  if (id.empty()) return "!";
  if (id.size() <= kMaxIdBytes && std::all_of(id.begin(), id.end(), is_id_character)) return std::string(id);
  std::string escaped;
  for (const char c : id) {
    if (is_id_character(c)) {
      escaped += c;
    } else {
      escaped += '!';
      append_hex(escaped, static_cast<unsigned char>(c), 2);
    }
    if (escaped.size() > kMaxIdBytes) break;
  }
  if (escaped.size() > kMaxIdBytes) {
    escaped.resize(kMaxIdBytes - 17);
    escaped += '!';
    append_hex(escaped, fingerprint(id), 16);
  }
  return escaped;
}

bool is_hash(std::string_view text, std::size_t digits) noexcept {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string version_tag(const SourceFile& file) {
  if (is_hash(file.hashes.sha256, 64)) return file.hashes.sha256;
  if (is_hash(file.hashes.md5, 32)) return file.hashes.md5;
  if (is_hash(file.hashes.sha1, 40)) return file.hashes.sha1;
  if (!file.head_revision.empty()) return escape_id(file.head_revision);
  if (file.modified_at) return std::to_string(file.modified_at->time_since_epoch().count());
  return "unversioned";
}

// Reads the character that begins at text[at]; a length of 1 with nullopt: not UTF-8 there.
struct Character {
  std::optional<char32_t> code;
  std::size_t length = 1;
};

Character character_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return {};
  char32_t code = first & (0xff >> (length + 1));
  for (std::size_t i = at + 1; i < at + length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

enum class Fate { kKeep, kReplace, kDrop };

struct CodeRange {
  char32_t first;
  char32_t last;
};

bool in_any(char32_t code, std::span<const CodeRange> ranges) noexcept {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

// Default_Ignorable_Code_Point of Unicode (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), and the
// interlinear annotation marks.
constexpr std::array kInvisible = {
    CodeRange{0xad, 0xad},       CodeRange{0x34f, 0x34f},   CodeRange{0x61c, 0x61c},     CodeRange{0x115f, 0x1160},
    CodeRange{0x17b4, 0x17b5},   CodeRange{0x180b, 0x180f}, CodeRange{0x200b, 0x200f},   CodeRange{0x202a, 0x202e},
    CodeRange{0x2060, 0x206f},   CodeRange{0x3164, 0x3164}, CodeRange{0xfe00, 0xfe0f},   CodeRange{0xfeff, 0xfeff},
    CodeRange{0xffa0, 0xffa0},   CodeRange{0xfff0, 0xfffb}, CodeRange{0x1bca0, 0x1bca3}, CodeRange{0x1d173, 0x1d17a},
    CodeRange{0xe0000, 0xe0fff},
};
// C1 controls, spaces and line separators, slashes that look like ASCII's, private use, U+FFFD.
constexpr std::array kUnwanted = {
    CodeRange{0x80, 0xa0},        CodeRange{0x1680, 0x1680}, CodeRange{0x2000, 0x200a}, CodeRange{0x2028, 0x2029},
    CodeRange{0x202f, 0x202f},    CodeRange{0x2044, 0x2044}, CodeRange{0x205f, 0x205f}, CodeRange{0x2215, 0x2216},
    CodeRange{0x29f5, 0x29f9},    CodeRange{0x3000, 0x3000}, CodeRange{0xe000, 0xf8ff}, CodeRange{0xfdd0, 0xfdef},
    CodeRange{0xfe68, 0xfe68},    CodeRange{0xff0f, 0xff0f}, CodeRange{0xff3c, 0xff3c}, CodeRange{0xfffc, 0xfffd},
    CodeRange{0xf0000, 0x10ffff},
};

Fate fate_of(char32_t code) noexcept {
  if (code < 0x80) {
    const char c = static_cast<char>(code);
    return is_id_character(c) || c == '.' || c == '(' || c == ')' ? Fate::kKeep : Fate::kReplace;
  }
  if (in_any(code, kInvisible)) return Fate::kDrop;
  if (in_any(code, kUnwanted) || (code & 0xfffe) == 0xfffe) return Fate::kReplace;
  return Fate::kKeep;
}

std::string keep_safe_characters(std::string_view name) {
  std::string safe;
  bool replaced = false;
  for (std::size_t at = 0; at < name.size();) {
    const Character character = character_at(name, at);
    const Fate fate = character.code ? fate_of(*character.code) : Fate::kReplace;
    if (fate == Fate::kKeep) {
      safe.append(name.substr(at, character.length));
      replaced = false;
    } else if (fate == Fate::kReplace && !replaced) {
      safe += '_';
      replaced = true;
    }
    at += character.length;
  }
  return safe;
}

std::string_view without_outer_dots(std::string_view name) noexcept {
  while (name.starts_with('.')) name.remove_prefix(1);
  while (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// CON, NUL.txt and the like name devices on Windows in every folder:
// https://learn.microsoft.com/windows/win32/fileio/naming-a-file
bool is_device_name(std::string_view name) {
  const std::string stem = to_lower_ascii(name.substr(0, name.find('.')));
  if (stem == "con" || stem == "prn" || stem == "aux" || stem == "nul") return true;
  if (!stem.starts_with("com") && !stem.starts_with("lpt")) return false;
  const std::string_view digit = std::string_view(stem).substr(3);
  return (digit.size() == 1 && digit[0] >= '0' && digit[0] <= '9') || digit == "\u00b9" || digit == "\u00b2" ||
         digit == "\u00b3";
}

std::string cut_to_length(std::string_view name) {
  if (name.size() <= kMaxSafeNameBytes) return std::string(name);
  const std::size_t dot = name.rfind('.');
  std::string_view extension;
  if (dot != std::string_view::npos && name.size() - dot <= kMaxExtensionBytes) extension = name.substr(dot);
  std::size_t end = kMaxSafeNameBytes - extension.size();
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  std::string cut(name.substr(0, end));
  if (extension.empty()) {
    while (cut.ends_with('.')) cut.pop_back();
  }
  return cut.append(extension);
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  const std::string kept = keep_safe_characters(trim(name));
  std::string safe(without_outer_dots(kept));
  if (safe.empty()) return "unnamed";
  if (safe.front() == '-' || is_device_name(safe)) safe.insert(safe.begin(), '_');
  return cut_to_length(safe);
}

ObjectKey make_object_key(std::string_view prefix, const SourceFile& file) {
  std::string key(prefix);
  if (!key.empty()) key += '/';
  key += escape_id(file.id.value());
  key += '/';
  key += version_tag(file);
  key += '/';
  key += safe_file_name(file.name);
  return ObjectKey(std::move(key));
}

bool is_valid_object_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > kMaxObjectKeyBytes) return false;
  std::size_t start = 0;
  for (;;) {
    const std::size_t slash = std::min(key.find('/', start), key.size());
    const std::string_view segment = key.substr(start, slash - start);
    if (segment.empty() || segment.size() > kMaxObjectKeySegmentBytes || segment == "." || segment == "..")
      return false;
    if (slash == key.size()) break;
    start = slash + 1;
  }
  const auto forbidden = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  return std::none_of(key.begin(), key.end(), forbidden) && is_valid_utf8(key);
}

Result<void> check_object_key(const ObjectKey& key) {
  if (is_valid_object_key(key.value())) return {};
  return Error(ErrorCode::kInvalidArgument, "not an object key: empty, too long, or with a segment that no store takes")
      .with_reason("bad_object_key");
}

bool is_valid_key_prefix(std::string_view prefix) noexcept {
  return prefix.size() <= kMaxObjectKeyPrefixBytes && is_valid_object_key(prefix);
}

}  // namespace imgimport
