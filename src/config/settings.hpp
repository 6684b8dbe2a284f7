// The one table of settings. Flags, environment variables, keys of the file, defaults, help, --check-config and the
// checks of single values all come from its rows; a new setting is a field in config.hpp and a row in settings.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/codecs.hpp"
#include "config/config.hpp"

namespace imgimport {

enum class Secrecy : std::uint8_t {
  kOpen = 1,
  kSecret,  // shown as *** everywhere
  kUrl,     // shown without user name, password and query
  kFile,    // a file's path, shown only where it can be one: people put the file's content there as well
};

struct Setting {
  std::string_view variable;  // GOOGLE_API_KEY; the flag and the key in the file follow from it
  std::string_view group;     // the object in the file, a word of kSettingGroups
  std::string_view meaning;   // for the help, without a full stop
  // What holds when nothing is set, in words, where the default is not a fixed value.
  std::string_view computed_default;
  Secrecy secrecy;
  JsonKind json;
  // Stores what `text` says; false: it says no such value.
  bool (*read)(Config& config, std::string_view text);
  // The value as `read` would take it; empty when not set. Not masked: for the program's own use.
  std::string (*write)(const Config& config);
  std::string (*expected)();

  std::string flag() const;  // --google-api-key
  std::string key() const;   // google_api_key
  std::string path() const;  // drive.google_api_key
  // Fit to be shown, whether or not `text` is a valid value.
  std::string shown(std::string_view text) const;
};

struct SettingGroup {
  std::string_view name;   // in the file
  std::string_view title;  // in the help
};

std::span<const SettingGroup> setting_groups();
std::span<const Setting> settings();  // by group, in the order of the help

// nullptr: there is none.
const Setting* find_setting(std::string_view variable);
std::vector<std::string_view> setting_variables();

}  // namespace imgimport
