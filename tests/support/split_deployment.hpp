// Every module in a process of its own, on loopback: what docker-compose.microservices.yml starts, without containers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/server_process.hpp"

namespace imgimport {

class SplitDeployment {
 public:
  using Settings = std::map<std::string, std::string>;

  // `everywhere`: settings of all services. Cloud credentials (AWS_…, AZURE_…) and STORAGE_PROVIDER go to the storage
  // service alone, DATABASE_URL to the metadata service. Waits until all of them listen.
  SplitDeployment(std::filesystem::path data_dir, const Settings& everywhere, std::size_t workers = 1);

  ServerProcess& gateway() { return *services_.at("gateway"); }
  // "gateway", "import", "metadata", "storage", "worker0", "worker1", …
  ServerProcess& service(const std::string& name) { return *services_.at(name); }
  std::vector<std::string> names() const;

  // Starts it again where it was, after kill_hard() or stop().
  void start(const std::string& name);
  void kill(const std::string& name) { service(name).kill_hard(); }

 private:
  Settings settings_of(const std::string& name) const;
  void launch(const std::string& name);

  const std::filesystem::path data_dir_;
  const Settings everywhere_;
  std::map<std::string, std::string> urls_;  // by name
  std::map<std::string, std::unique_ptr<ServerProcess>> services_;
};

}  // namespace imgimport
