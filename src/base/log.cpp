#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "base/status_line.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kText};

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created = std::make_shared<spdlog::logger>("imgimport", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    created->set_pattern("%v");
    created->set_level(spdlog::level::trace);
    created->flush_on(spdlog::level::trace);
    return created;
  }();
  return *instance;
}

void append_json_string(fmt::memory_buffer& out, std::string_view raw) {
  const std::string text = to_valid_utf8(raw);
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.append(std::string_view("\\\""));
        break;
      case '\\':
        out.append(std::string_view("\\\\"));
        break;
      case '\n':
        out.append(std::string_view("\\n"));
        break;
      case '\r':
        out.append(std::string_view("\\r"));
        break;
      case '\t':
        out.append(std::string_view("\\t"));
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

// In text lines a value with spaces or quotes is quoted; line breaks never get through.
void append_text_value(fmt::memory_buffer& out, std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"\\\n\r\t=") == std::string_view::npos;
  if (plain) {
    out.append(text);
  } else {
    append_json_string(out, text);
  }
}

template <class AppendString>
void append_value(fmt::memory_buffer& out, const LogValue& value, AppendString append_string) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_string(out, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    fmt::format_to(std::back_inserter(out), "{:.6g}", *real);
  } else {
    out.append(std::get<bool>(value) ? std::string_view("true") : std::string_view("false"));
  }
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  g_level = level;
  g_format = format;
}

bool log_enabled(LogLevel level) noexcept {
  return level >= g_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  fmt::memory_buffer line;
  if (g_format.load(std::memory_order_relaxed) == LogFormat::kJson) {
    fmt::format_to(std::back_inserter(line), R"({{"time":"{}","level":"{}","event":)", to_rfc3339(now),
                   level_name(level));
    append_json_string(line, event);
    for (const LogField& field : fields) {
      line.push_back(',');
      append_json_string(line, field.name);
      line.push_back(':');
      append_value(line, field.value, append_json_string);
    }
    line.push_back('}');
  } else {
    fmt::format_to(std::back_inserter(line), "{} {:<7} {}", to_rfc3339(now), level_name(level), event);
    for (const LogField& field : fields) {
      fmt::format_to(std::back_inserter(line), " {}=", field.name);
      append_value(line, field.value, append_text_value);
    }
  }
  print_above_status_line([&] { logger().log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size())); });
}

}  // namespace imgimport
