// Every module in a process of its own, on loopback or each on a host of its own: what
// docker-compose.microservices.yml starts, without containers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/server_process.hpp"

namespace imgimport {

class SplitDeployment {
 public:
  using Settings = std::map<std::string, std::string>;

  // Where one service runs.
  struct Place {
    std::vector<std::string> launcher;  // words before the program
    Settings settings;                  // of this service alone; they win
  };
  struct Options {
    std::size_t workers = 1;
    std::function<Place(const std::string& service)> place;  // empty = all of them here
  };

  // `everywhere`: settings of all services. Cloud credentials (AWS_…, AZURE_…) and STORAGE_PROVIDER go to the storage
  // service alone, DATABASE_URL to the metadata service. Waits until all of them listen.
  SplitDeployment(std::filesystem::path data_dir, const Settings& everywhere, std::size_t workers = 1);
  SplitDeployment(std::filesystem::path data_dir, const Settings& everywhere, Options options);

  ServerProcess& gateway() { return *services_.at("gateway"); }
  // "gateway", "import", "metadata", "storage", "worker0", "worker1", …
  ServerProcess& service(const std::string& name) { return *services_.at(name); }
  std::vector<std::string> names() const;

  // Starts it again where it was, after kill() or stop(); `changed` are settings that it now has instead.
  void start(const std::string& name, const Settings& changed = {});
  void kill(const std::string& name) { service(name).kill_hard(); }
  // SIGTERM; the exit code.
  int stop(const std::string& name) { return service(name).stop(); }
  // All of them, callers before those they call; 0 when each ended with 0, else the first other code.
  int stop();
  // All of them again, after stop().
  void start();

 private:
  Settings settings_of(const std::string& name, const Place& place) const;
  void launch(const std::string& name, const Settings& changed);
  std::vector<std::string> in_order() const;

  const std::filesystem::path data_dir_;
  const Settings everywhere_;
  const Options options_;
  std::map<std::string, std::string> urls_;  // by name
  std::map<std::string, std::unique_ptr<ServerProcess>> services_;
};

}  // namespace imgimport
