#include "config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "config/config_file.hpp"
#include "config/settings.hpp"
#include "config/suggest.hpp"
#include "config/validate.hpp"

namespace imgimport {
namespace {

Result<std::string> read_text_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  constexpr std::uintmax_t kMost = 1 << 20;
  if (error) return Error(ErrorCode::kMisconfigured, "cannot be read (" + error.message() + ")");
  if (size > kMost) return Error(ErrorCode::kMisconfigured, "is larger than 1 MiB");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return Error(ErrorCode::kMisconfigured, "cannot be read");
  return text;
}

constexpr std::string_view kFileSuffix = "_FILE";

// The secret that a variable NAME_FILE is about; nullptr: it is about none.
const Setting* setting_in_file(std::string_view variable) {
  if (!variable.ends_with(kFileSuffix)) return nullptr;
  const Setting* setting = find_setting(variable.substr(0, variable.size() - kFileSuffix.size()));
  const bool secret = setting != nullptr && (setting->secrecy == Secrecy::kSecret || setting->secrecy == Secrecy::kUrl);
  return secret ? setting : nullptr;
}

class Loader {
 public:
  Loader(const Environment& environment, const std::vector<FlagValue>& flags, std::filesystem::path directory)
      : environment_(environment), flags_(flags), directory_(std::move(directory)) {}

  // Each is called once, in this order; the later wins.
  Result<void> read_file(const std::optional<std::filesystem::path>& given);
  Result<void> read_dotenv();
  Result<void> read_environment();
  Result<void> read_flags();

  LoadedConfig take() { return std::move(loaded_); }

 private:
  Result<void> apply(const Setting& setting, std::string_view text, std::string origin);
  Result<void> apply_file(const Setting& setting, const std::string& path, const std::string& origin);
  bool is_flag(const Setting& setting) const;
  bool is_in_environment(const std::string& variable) const;
  void warn_about(const DotenvEntry& entry, const std::vector<DotenvEntry>& all);

  const Environment& environment_;
  const std::vector<FlagValue>& flags_;
  const std::filesystem::path directory_;
  LoadedConfig loaded_;
};

Result<void> Loader::apply(const Setting& setting, std::string_view text, std::string origin) {
  if (text.empty()) return {};
  if (!setting.read(loaded_.config, text)) {
    return Error(ErrorCode::kMisconfigured, std::string(setting.variable) + " (" + origin + "): \"" +
                                                setting.shown(text) + "\" is not " + setting.expected())
        .with_reason("bad_setting")
        .with_remedy("Correct " + std::string(setting.variable) + ", or remove it to get its default");
  }
  loaded_.origins[setting.variable] = std::move(origin);
  return {};
}

// NAME_FILE: a secret that an orchestrator gives as a file, without the line break at its end.
Result<void> Loader::apply_file(const Setting& setting, const std::string& path, const std::string& origin) {
  if (path.empty()) return {};
  const std::string variable = std::string(setting.variable) + std::string(kFileSuffix);
  auto text = read_text_file(directory_ / path);
  if (!text) {
    return Error(ErrorCode::kMisconfigured,
                 variable + " (" + origin + "): " + printable(path, kQuoted) + " " + text.error().message())
        .with_reason("bad_setting")
        .with_remedy("Give " + variable + " the path of a readable file that holds the value");
  }
  // A secret that was not written yet must not pass for one that is not wanted.
  if (trim(*text).empty()) {
    return Error(ErrorCode::kMisconfigured, variable + " (" + origin + "): " + printable(path, kQuoted) + " is empty")
        .with_reason("bad_setting")
        .with_remedy("Write the value into that file, or remove " + variable);
  }
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return apply(setting, *text, origin + " " + variable);
}

Result<void> Loader::read_file(const std::optional<std::filesystem::path>& given) {
  const std::filesystem::path shown = given.value_or("config/default.json");
  const std::filesystem::path path = directory_ / shown;
  std::error_code ignored;
  if (!given && !std::filesystem::exists(path, ignored)) return {};
  const auto in_file = [&](const Error& error) {
    Error named(ErrorCode::kMisconfigured, shown.string() + ": " + error.message());
    return std::move(named)
        .with_reason("bad_config_file")
        .with_remedy(error.remedy().empty() ? "Correct " + shown.string() : error.remedy());
  };
  auto text = read_text_file(path);
  if (!text) {
    return in_file(text.error())
        .with_remedy(given ? "Give --config the path of a readable file" : "Make it readable, or remove it");
  }
  auto entries = parse_config_file(*text);
  if (!entries) return in_file(entries.error());
  for (const FileEntry& entry : *entries) {
    IMGIMPORT_RETURN_IF_ERROR(apply(*entry.setting, entry.text, shown.string()));
  }
  return {};
}

bool Loader::is_flag(const Setting& setting) const {
  return std::any_of(flags_.begin(), flags_.end(), [&](const FlagValue& flag) { return flag.setting == &setting; });
}

// An empty variable is one that is not set.
bool Loader::is_in_environment(const std::string& variable) const {
  const auto found = environment_.find(variable);
  return found != environment_.end() && !found->second.empty();
}

Result<void> Loader::read_dotenv() {
  const std::filesystem::path path = directory_ / ".env";
  std::error_code ignored;
  // Docker makes a directory of that name where a bind mount names a file that is not there.
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  const auto in_file = [](const Error& error) {
    return Error(ErrorCode::kMisconfigured, ".env: " + error.message())
        .with_reason("bad_dotenv")
        .with_remedy("Correct .env, or remove it");
  };
  auto text = read_text_file(path);
  if (!text) return in_file(text.error());
  auto entries = parse_dotenv(*text, environment_);
  if (!entries) return in_file(entries.error());
  for (const DotenvEntry& entry : *entries) {
    const std::string origin = ".env line " + std::to_string(entry.line);
    const Setting* setting = find_setting(entry.name);
    if (setting != nullptr || setting_in_file(entry.name) != nullptr) warn_about(entry, *entries);
    if (setting != nullptr) {
      IMGIMPORT_RETURN_IF_ERROR(apply(*setting, entry.value, origin));
      continue;
    }
    if (const Setting* secret = setting_in_file(entry.name); secret != nullptr) {
      const std::string plain(secret->variable);
      const bool is_beside = std::any_of(entries->begin(), entries->end(), [&](const DotenvEntry& other) {
        return other.name == plain && !other.value.empty();
      });
      // What another source or the plain variable says holds, so that the file need not even be there.
      if (is_beside || is_flag(*secret) || is_in_environment(plain) || is_in_environment(entry.name)) continue;
      IMGIMPORT_RETURN_IF_ERROR(apply_file(*secret, entry.value, origin));
      continue;
    }
    const auto names = setting_variables();
    loaded_.warnings.push_back(origin + ": " + printable(entry.name, kQuoted) + " is not a setting of imgimport" +
                               did_you_mean(entry.name, names));
  }
  return {};
}

void Loader::warn_about(const DotenvEntry& entry, const std::vector<DotenvEntry>& all) {
  const std::string where = ".env line " + std::to_string(entry.line) + ": " + entry.name;
  if (entry.refers_to_nothing) {
    loaded_.warnings.push_back(where +
                               " refers to a variable that is not set, and has nothing in its place; a dollar sign "
                               "that means itself is written $$, or in single quotes");
  }
  for (const DotenvEntry& earlier : all) {
    if (&earlier == &entry) break;
    if (earlier.name != entry.name) continue;
    loaded_.warnings.push_back(where + " is set in line " + std::to_string(earlier.line) +
                               " as well; the last one holds");
    break;
  }
}

Result<void> Loader::read_environment() {
  for (const Setting& setting : settings()) {
    const std::string in_file = std::string(setting.variable) + std::string(kFileSuffix);
    const auto found = environment_.find(setting.variable);
    const auto path = environment_.find(in_file);
    if (path != environment_.end() && setting_in_file(in_file) && !is_flag(setting) &&
        !is_in_environment(std::string(setting.variable))) {
      IMGIMPORT_RETURN_IF_ERROR(apply_file(setting, path->second, "environment"));
    }
    if (found == environment_.end()) continue;
    IMGIMPORT_RETURN_IF_ERROR(apply(setting, found->second, "environment"));
  }
  return {};
}

Result<void> Loader::read_flags() {
  for (const FlagValue& flag : flags_) {
    IMGIMPORT_RETURN_IF_ERROR(apply(*flag.setting, flag.text, flag.setting->flag()));
  }
  return {};
}

bool listens_or_checks(Command command) {
  return command == Command::kServe || command == Command::kCheckConfig || command == Command::kPrintPlan;
}

}  // namespace

Result<LoadedConfig> load_config(const CommandLine& command_line, const Environment& environment,
                                 const std::filesystem::path& directory) {
  Loader loader(environment, command_line.settings, directory);
  IMGIMPORT_RETURN_IF_ERROR(loader.read_file(command_line.config_file));
  IMGIMPORT_RETURN_IF_ERROR(loader.read_dotenv());
  IMGIMPORT_RETURN_IF_ERROR(loader.read_environment());
  IMGIMPORT_RETURN_IF_ERROR(loader.read_flags());
  LoadedConfig loaded = loader.take();
  IMGIMPORT_RETURN_IF_ERROR(validate_settings(loaded.config));
  if (listens_or_checks(command_line.command)) {
    IMGIMPORT_RETURN_IF_ERROR(validate_listening(loaded.config, command_line.roles));
  }
  if (loaded.config.server.port && command_line.command == Command::kServe && command_line.roles.size() > 1) {
    loaded.warnings.push_back("PORT (" + loaded.origins["PORT"] +
                              ") is ignored: it moves the port of a single role; set GATEWAY_PORT instead");
  }
  return loaded;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace imgimport
