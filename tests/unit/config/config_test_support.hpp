// What the tests of the configuration share: a fresh folder with files, and loading from it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/random.hpp"
#include "config/command_line.hpp"
#include "config/load.hpp"

namespace imgimport {

class ConfigFolder {
 public:
  ConfigFolder() : path_(std::filesystem::temp_directory_path() / ("imgimport-config-" + random_uuid())) {
    std::filesystem::create_directories(path_ / "config");
  }
  ~ConfigFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ConfigFolder(const ConfigFolder&) = delete;
  ConfigFolder& operator=(const ConfigFolder&) = delete;

  void write(const std::filesystem::path& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

  // As the program does it: arguments, then settings.
  Result<LoadedConfig> load(const std::vector<std::string>& arguments, const Environment& environment = {}) const {
    IMGIMPORT_ASSIGN_OR_RETURN(const CommandLine line, parse_command_line(arguments));
    return load_config(line, environment, path_);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// "message | remedy"; empty when there is no error.
template <class T>
std::string sentence(const Result<T>& result) {
  if (result.has_value()) return {};
  const Error error = result.error();
  return error.message() + " | " + error.remedy();
}

}  // namespace imgimport
