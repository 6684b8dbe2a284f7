// How the text of a setting becomes a value and back. A codec has a Value, parse (nullopt: not one), format (parse's
// inverse), expected (what a person should have written) and kJson (how the value stands in the file). Pure functions.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/text.hpp"
#include "config/config.hpp"

namespace imgimport {

enum class JsonKind : std::uint8_t { kText = 1, kNumber, kFlag, kList };

// Digits alone, without a sign.
std::optional<std::int64_t> parse_whole_number(std::string_view text);
// A whole number of bytes, bare or with KB, MB, GB (thousands) or KiB, MiB, GiB (1024s).
std::optional<std::uint64_t> parse_size(std::string_view text);

// Anything printable, e.g. a name.
struct TextCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() { return "one line of text"; }
};

// Taken exactly as given: a password may begin or end with a space.
struct PasswordCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text) { return std::string(text); }
  static std::string format(const Value& value) { return value; }
  static std::string expected() { return "a password"; }
};

// What fits into an "Authorization: Bearer" header: visible ASCII, no space.
struct TokenCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() { return "visible ASCII characters without spaces"; }
};

struct PathCodec {
  using Value = std::filesystem::path;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value.string(); }
  static std::string expected() { return "a path"; }
};

// The base of an HTTP API; a slash at its end is dropped.
struct HttpUrlCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() {
    return "an http:// or https:// URL without user name, \"?\" and \"#\", such as https://images.example.org";
  }
};

struct DatabaseUrlCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() {
    return "sqlite:///path, postgresql://user:password@host/database or mssql://user:password@host/database";
  }
};

struct RedisUrlCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() { return "redis://host:6379 or rediss://host:6379"; }
};

// scheme://host[:port], as browsers send it in the Origin header.
struct OriginsCodec {
  using Value = std::vector<std::string>;
  static constexpr JsonKind kJson = JsonKind::kList;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value);
  static std::string expected() {
    return "origins such as https://app.example.org, with commas between them (no path, no \"*\")";
  }
};

// An IP address; "localhost" is taken as 127.0.0.1.
struct AddressCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() { return "an IP address, such as 127.0.0.1, 0.0.0.0 or ::"; }
};

// The prefix of object keys, without slashes at its ends.
struct KeyPrefixCodec {
  using Value = std::string;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(const Value& value) { return value; }
  static std::string expected() {
    return "names of at most 255 bytes with slashes between them, 512 together, none of them \".\", \"..\" or empty, "
           "without a backslash";
  }
};

struct FlagCodec {
  using Value = bool;
  static constexpr JsonKind kJson = JsonKind::kFlag;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(Value value) { return value ? "true" : "false"; }
  static std::string expected() { return "true or false"; }
};

template <class Integer, std::int64_t kLeast, std::int64_t kMost>
struct IntegerCodec {
  using Value = Integer;
  static constexpr JsonKind kJson = JsonKind::kNumber;
  static std::optional<Value> parse(std::string_view text) {
    const std::optional<std::int64_t> number = parse_whole_number(trim(text));
    if (!number || *number < kLeast || *number > kMost) return std::nullopt;
    return static_cast<Integer>(*number);
  }
  static std::string format(Value value) { return std::to_string(value); }
  static std::string expected() {
    return "a whole number from " + std::to_string(kLeast) + " to " + std::to_string(kMost);
  }
};

using PortCodec = IntegerCodec<std::uint16_t, 0, 65535>;

// A bare number in a unit that the setting's name says (…_SECONDS, …_MS).
template <class Duration, std::int64_t kLeast, std::int64_t kMost>
struct CountedTimeCodec {
  using Value = Duration;
  using Number = IntegerCodec<std::int64_t, kLeast, kMost>;
  static constexpr JsonKind kJson = JsonKind::kNumber;
  static std::optional<Value> parse(std::string_view text) {
    const auto count = Number::parse(text);
    return count ? std::optional(Value(*count)) : std::nullopt;
  }
  static std::string format(Value value) { return Number::format(value.count()); }
  static std::string expected() { return Number::expected(); }
};

// 500ms, 90s, 15m, 1h, 2d, sums such as 1h30m, or plain seconds; at most 30 days.
struct DurationCodec {
  using Value = std::chrono::milliseconds;
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text);
  static std::string format(Value value);
  static std::string expected() { return "a time such as 90s, 15m or 1h, at most 30d"; }
};

// One of a few words. Traits: kWords, an array of {word, value}.
template <class Traits>
struct ChoiceCodec {
  using Value = decltype(Traits::kWords[0].value);
  static constexpr JsonKind kJson = JsonKind::kText;
  static std::optional<Value> parse(std::string_view text) {
    for (const auto& row : Traits::kWords) {
      if (equals_ignore_case(row.word, trim(text))) return row.value;
    }
    return std::nullopt;
  }
  static std::string format(Value value) {
    for (const auto& row : Traits::kWords) {
      if (row.value == value) return std::string(row.word);
    }
    return {};
  }
  static std::string expected() {
    std::string list;
    for (const auto& row : Traits::kWords) list.append(list.empty() ? "" : ", ").append(row.word);
    return "one of " + list;
  }
};

template <class Enum>
struct ChoiceWord {
  std::string_view word;
  Enum value;
};
struct StorageProviderWords {
  static constexpr ChoiceWord<StorageProvider> kWords[] = {
      {"local", StorageProvider::kLocal}, {"aws", StorageProvider::kAws}, {"azure", StorageProvider::kAzure}};
};
struct LogLevelWords {
  static constexpr ChoiceWord<LogLevel> kWords[] = {{"debug", LogLevel::kDebug},
                                                    {"info", LogLevel::kInfo},
                                                    {"warning", LogLevel::kWarning},
                                                    {"warn", LogLevel::kWarning},
                                                    {"error", LogLevel::kError}};
};
struct LogFormatWords {
  static constexpr ChoiceWord<LogFormat> kWords[] = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};
};

}  // namespace imgimport
