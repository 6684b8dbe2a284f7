#include "config/describe.hpp"

#include <algorithm>
#include <string_view>

#include "config/command_line.hpp"
#include "config/settings.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kIndent = 2;

// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// "  name   text", the text wrapped beside the name.
std::string entry(std::string_view name, std::string_view text, std::size_t name_width) {
  const std::size_t text_at = kIndent + name_width + 2;
  std::string out = std::string(kIndent, ' ') + std::string(name);
  std::size_t column = kIndent + width_of(name);
  if (column + 2 > text_at) {
    out += '\n';
    column = 0;
  }
  out.append(text_at - column, ' ');
  column = text_at;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const std::size_t wanted = width_of(word) + (first ? 0 : 1);
    if (!first && column + wanted > kColumns) {
      out += '\n' + std::string(text_at, ' ');
      column = text_at;
      first = true;
    }
    out.append(first ? "" : " ").append(word);
    column += width_of(word) + (first ? 0 : 1);
    first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

struct Usage {
  std::string_view call;
  std::string_view meaning;
};

constexpr Usage kUsages[] = {
    {"imgimport --role=all", "every service in one process; open the printed address in a browser"},
    {"imgimport --role=LIST", "only these: gateway, import, metadata, storage, worker (with commas)"},
    {"imgimport import URL", "import one Drive folder and end; 0 only if nothing failed"},
    {"imgimport verify JOB", "compare a job's objects with what was written down about them"},
    {"imgimport status [URL]", "the state of a deployment"},
    {"imgimport migrate --to=URL", "copy the metadata to another database"},
    {"imgimport --check-config", "read the settings, show them and where they come from, and end"},
    {"imgimport --print-plan", "which modules would run here, on which ports; where the others are"},
    {"imgimport --health[=URL]", "0 if the server here, or at URL, is healthy"},
    {"imgimport --version", "the version"},
    {"imgimport --help", "this text"},
};

std::string default_of(const Setting& setting) {
  static const Config defaults;
  if (!setting.computed_default.empty()) return std::string(setting.computed_default);
  return setting.write(defaults);
}

std::string meaning_with_default(const Setting& setting) {
  const std::string value = default_of(setting);
  return std::string(setting.meaning) + (value.empty() ? "" : " [" + value + "]");
}

std::size_t longest_variable() {
  std::size_t longest = 0;
  for (const Setting& setting : settings()) longest = std::max(longest, setting.variable.size());
  return longest;
}

std::string value_and_origin(const Setting& setting, const LoadedConfig& loaded) {
  const auto origin = loaded.origins.find(setting.variable);
  if (origin == loaded.origins.end()) {
    const std::string value = default_of(setting);
    return (value.empty() ? "not set" : value) + " (default)";
  }
  return setting.shown(setting.write(loaded.config)) + " (" + origin->second + ")";
}

}  // namespace

std::string help_text() {
  constexpr std::size_t kCallWidth = 27;
  std::string text = "imgimport brings every image of a Google Drive folder into your storage.\n\n";
  for (const Usage& usage : kUsages) text += entry(usage.call, usage.meaning, kCallWidth);
  text += "\nOptions of \"import\" (--json also of \"verify\" and \"status\")\n";
  for (const OptionHelp& option : option_helps()) {
    if (option.command == Command::kImport) text += entry(option.form, option.meaning, kCallWidth);
  }
  text += "\nSettings\n";
  text += "  A flag, an environment variable, a line of ./.env, or a key of the JSON file --config=PATH (else\n";
  text += "  ./config/default.json); the first of these wins. GOOGLE_API_KEY is the flag --google-api-key and,\n";
  text += "  in the file, google_api_key of the group \"drive\". Defaults are in brackets.\n";
  for (const SettingGroup& group : setting_groups()) {
    text += "\n" + std::string(group.title) + " (\"" + std::string(group.name) + "\")\n";
    for (const Setting& setting : settings()) {
      if (setting.group == group.name)
        text += entry(setting.variable, meaning_with_default(setting), longest_variable());
    }
  }
  return text;
}

std::string config_text(const LoadedConfig& loaded) {
  std::string text;
  for (const SettingGroup& group : setting_groups()) {
    text += (text.empty() ? "" : "\n") + std::string(group.title) + "\n";
    for (const Setting& setting : settings()) {
      if (setting.group != group.name) continue;
      const std::string padding(longest_variable() - setting.variable.size(), ' ');
      text += "  " + std::string(setting.variable) + padding + "  " + value_and_origin(setting, loaded) + "\n";
    }
  }
  return text;
}

}  // namespace imgimport
