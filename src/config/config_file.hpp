// The configuration file: a JSON object with one object per group of settings, in it the settings' names in lower case:
// {"drive": {"google_api_key": "…"}, "worker": {…}}. Comments of // and /* */ are allowed. A value is what --help
// shows: text, a number, true or false, a list of texts; null and "" mean "not set".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct FileEntry {
  const Setting* setting = nullptr;
  std::string text;  // as a flag would say it
};

// kInvalidArgument: not JSON (with the line), a key that is no setting (with the nearest one), or a value of a kind
// that no setting takes.
Result<std::vector<FileEntry>> parse_config_file(std::string_view json);

}  // namespace imgimport
