// What was asked for on the command line. Pure: values of settings are checked when they are loaded (load.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/roles.hpp"
#include "config/settings.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

enum class Command : std::uint8_t {
  kServe = 1,    // --role=…
  kImport,       // import URL
  kVerify,       // verify JOB
  kStatus,       // status [URL]
  kMigrate,      // migrate --to URL
  kCheckConfig,  // --check-config
  kPrintPlan,    // --print-plan
  kHealth,       // --health[=URL]
  kVersion,
  kHelp,
};

struct FlagValue {
  const Setting* setting = nullptr;
  std::string text;
};

struct CommandLine {
  Command command = Command::kHelp;
  RoleSet roles;                                     // all of them where --role was not given
  std::optional<std::filesystem::path> config_file;  // --config
  std::vector<FlagValue> settings;                   // in their order; the last of a name wins
  // The command's own arguments.
  ImportRequest import;  // kImport
  std::string job;       // kVerify
  std::string url;       // kStatus, kHealth: empty = by the settings; kMigrate: the database to copy to
  bool json = false;     // kImport, kVerify, kStatus: print JSON
};

// `arguments` without the program's name. Every error is kInvalidArgument and names the argument; its reason is
// "no_command" when there is neither a role nor a command: show the help.
// --help and --version win over whatever else is wrong.
Result<CommandLine> parse_command_line(std::span<const std::string> arguments);

// An option that is no setting, as the help shows it.
struct OptionHelp {
  std::string_view form;  // --min-size=SIZE
  std::string_view meaning;
  Command command;  // kHelp: goes with every command
};
std::vector<OptionHelp> option_helps();

}  // namespace imgimport
