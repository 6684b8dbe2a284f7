#include "app/program.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "app/app.hpp"
#include "app/health_check.hpp"
#include "app/one_shot_import.hpp"
#include "app/one_shot_migrate.hpp"
#include "app/one_shot_status.hpp"
#include "app/one_shot_verify.hpp"
#include "app/refusal.hpp"
#include "app/signals.hpp"
#include "app/wiring.hpp"
#include "base/log.hpp"
#include "config/command_line.hpp"
#include "config/describe.hpp"
#include "config/load.hpp"
#include "imaging/decoder_main.hpp"

#ifndef IMGIMPORT_VERSION
#define IMGIMPORT_VERSION "unknown"
#endif

namespace imgimport {
namespace {

constexpr int kDone = 0;
constexpr int kNotBegun = 2;

void print(std::FILE* where, const std::string& text) {
  std::fputs(text.c_str(), where);
  if (!text.ends_with('\n')) std::fputc('\n', where);
}

void set_up_log(const LogConfig& log) {
  const LogFormat by_place = isatty(STDERR_FILENO) != 0 ? LogFormat::kText : LogFormat::kJson;
  configure_log(log.level, log.format.value_or(by_place));
}

int run_with(const CommandLine& line, const LoadedConfig& loaded) {
  const Config& config = loaded.config;
  switch (line.command) {
    case Command::kServe: {
      const auto served = serve(config, line.roles);
      return served.has_value() ? kDone : refuse(served.error());
    }
    case Command::kImport:
      return one_shot_import(config, line.import, line.json ? ReportFormat::kJson : ReportFormat::kText);
    case Command::kCheckConfig: {
      print(stdout, config_text(loaded));
      const auto checked = check_start(config, line.roles);
      return checked.has_value() ? kDone : refuse(checked.error());
    }
    case Command::kPrintPlan: {
      const auto plan = plan_text(config, line.roles);
      if (!plan.has_value()) return refuse(plan.error());
      print(stdout, *plan);
      return kDone;
    }
    case Command::kHealth:
      return check_health(config, line.roles, line.url);
    case Command::kVerify:
      return one_shot_verify(config, line.job, line.json ? ReportFormat::kJson : ReportFormat::kText);
    case Command::kMigrate:
      return one_shot_migrate(config, line.url);
    case Command::kStatus:
      return one_shot_status(config, line.url, line.json ? ReportFormat::kJson : ReportFormat::kText);
    case Command::kVersion:
    case Command::kHelp:
      break;
  }
  return kDone;
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == kDecoderFlag) run_decoder(arguments);
  const auto line = parse_command_line(arguments);
  if (!line.has_value()) {
    const Error error = line.error();
    if (error.reason() == "no_command") {
      print(stderr, help_text());
      return kNotBegun;
    }
    return refuse(error);
  }
  if (line->command == Command::kHelp || line->command == Command::kVersion) {
    print(stdout, line->command == Command::kHelp ? help_text() : "imgimport " IMGIMPORT_VERSION);
    return kDone;
  }
  std::error_code no_directory;
  const auto loaded = load_config(*line, process_environment(), std::filesystem::current_path(no_directory));
  if (!loaded.has_value()) return refuse(loaded.error());
  set_up_log(loaded->config.log);
  for (const std::string& warning : loaded->warnings) log_warning(warning);
  block_signals();
  return run_with(*line, *loaded);
}

}  // namespace imgimport
