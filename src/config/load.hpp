// Gathers the settings from where they may stand: flags > environment > .env > file > the defaults of config.hpp.
// An empty value counts as not set everywhere: docker compose passes variables on that way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/command_line.hpp"
#include "config/config.hpp"
#include "config/dotenv.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct LoadedConfig {
  Config config;
  // Where a value comes from ("--worker-threads", "environment", ".env line 3", the file's path), by variable; those
  // with their defaults are not in it.
  std::map<std::string_view, std::string> origins;
  std::vector<std::string> warnings;  // one line each; hold no secrets
};

// Reads .env in `directory`, and the file of --config (relative to `directory`), else `directory`/config/default.json
// if there is one; both files at once, nothing else. Unknown keys of the file are errors, those of .env warnings, those
// of the environment ignored; every value that is given must parse, even if another one wins over it. Then the rules of
// validate.hpp, those for listening only where the command listens or checks.
// kMisconfigured: names the setting, the value (secrets as ***) and what is expected.
Result<LoadedConfig> load_config(const CommandLine& command_line, const Environment& environment,
                                 const std::filesystem::path& directory);

// This process's own. Call it before threads are started.
Environment process_environment();

}  // namespace imgimport
