// Structured log lines: an event in words, and fields. Text on a terminal, JSON elsewhere. Never an image's own line on
// the happy path: batches and jobs are logged, images only when they fail.
//
// Thread-safe. Nothing is evaluated below the level that is set.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace imgimport {

enum class LogLevel : std::uint8_t { kDebug = 1, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText = 1, kJson };

using LogValue = std::variant<std::string_view, std::int64_t, double, bool>;
struct LogField {
  LogField(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  LogField(std::string_view field_name, const char* text) : name(field_name), value(std::string_view(text)) {}
  LogField(std::string_view field_name, bool flag) : name(field_name), value(flag) {}
  LogField(std::string_view field_name, double number) : name(field_name), value(number) {}
  template <class Integer>
  requires std::is_integral_v<Integer> LogField(std::string_view field_name, Integer number)
      : name(field_name), value(static_cast<std::int64_t>(number)) {}
  std::string_view name;
  LogValue value;
};

// Once, before other threads start. Lines go to standard error.
void configure_log(LogLevel level, LogFormat format);
bool log_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  if (log_enabled(LogLevel::kDebug)) log(LogLevel::kDebug, event, fields);
}
inline void log_info(std::string_view event, std::initializer_list<LogField> fields = {}) {
  if (log_enabled(LogLevel::kInfo)) log(LogLevel::kInfo, event, fields);
}
inline void log_warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  if (log_enabled(LogLevel::kWarning)) log(LogLevel::kWarning, event, fields);
}
inline void log_error(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kError, event, fields);
}

}  // namespace imgimport
