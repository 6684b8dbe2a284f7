#include "support/azurite.hpp"

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/random.hpp"

namespace imgimport {
namespace {

std::string environment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

ChildOptions script(const std::filesystem::path& log) {
  ChildOptions options;
  options.program = "/usr/bin/env";
  // A test that crashes takes it along.
  options.arguments = {"setpriv", "--pdeathsig", "TERM", "bash", IMGIMPORT_AZURITE_SCRIPT, "start", log};
  options.environment = {{"PATH", environment("PATH", "/usr/bin:/bin")}, {"TMPDIR", environment("TMPDIR", "/tmp")}};
  return options;
}

}  // namespace

Azurite::Azurite() : script_(script(dir_.path() / "requests.log")) {
  auto line = script_.read_line(std::chrono::seconds(90));
  if (!line) throw std::runtime_error("Azurite: " + script_.error_output());
  connection_string_ = *std::move(line);
}

Azurite::~Azurite() {
  script_.signal(SIGTERM);
  script_.wait(std::chrono::seconds(20));
}

Azurite& Azurite::shared() {
  static Azurite one;
  return one;
}

std::string Azurite::fresh_container() {
  return "test-" + random_token(8);
}

std::vector<std::string> Azurite::requests() const {
  std::ifstream log(dir_.path() / "requests.log");
  std::vector<std::string> lines;
  for (std::string line; std::getline(log, line);) {
    // Host and time stand before the request, the length of the answer behind its status.
    const std::size_t begin = line.find('"');
    const std::size_t status = line.rfind("\" ");
    if (begin == std::string::npos || status == std::string::npos || status <= begin) continue;
    lines.push_back(line.substr(begin, status + 5 - begin));
  }
  return lines;
}

std::map<std::string, std::string> Azurite::settings(const std::string& container) const {
  return {{"STORAGE_PROVIDER", "azure"},
          {"AZURE_STORAGE_CONNECTION_STRING", connection_string_},
          {"AZURE_STORAGE_CONTAINER_NAME", container}};
}

AzureAccount Azurite::account() const {
  return parse_azure_connection_string(connection_string_).value();
}

}  // namespace imgimport
