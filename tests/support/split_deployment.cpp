#include "support/split_deployment.hpp"

#include <utility>

namespace imgimport {
namespace {

constexpr const char* kToken = "the-services-own-token";

std::string role_of(const std::string& name) {
  return name.starts_with("worker") ? "worker" : name;
}

bool belongs_to(const std::string& role, const std::string& setting) {
  if (setting.starts_with("AWS_") || setting.starts_with("AZURE_") || setting == "STORAGE_PROVIDER") {
    return role == "storage";
  }
  return setting != "DATABASE_URL" || role == "metadata";
}

}  // namespace

SplitDeployment::SplitDeployment(std::filesystem::path data_dir, const Settings& everywhere, std::size_t workers)
    : SplitDeployment(std::move(data_dir), everywhere, Options{.workers = workers, .place = {}}) {}

SplitDeployment::SplitDeployment(std::filesystem::path data_dir, const Settings& everywhere, Options options)
    : data_dir_(std::move(data_dir)), everywhere_(everywhere), options_(std::move(options)) {
  start();
}

// Those that are called before those that call them.
std::vector<std::string> SplitDeployment::in_order() const {
  std::vector<std::string> names{"metadata", "storage", "import", "gateway"};
  for (std::size_t i = 0; i < options_.workers; ++i) names.push_back("worker" + std::to_string(i));
  return names;
}

std::vector<std::string> SplitDeployment::names() const {
  std::vector<std::string> names;
  for (const auto& [name, url] : urls_) names.push_back(name);
  return names;
}

void SplitDeployment::start(const std::string& name, const Settings& changed) {
  launch(name, changed);
}

void SplitDeployment::start() {
  for (const std::string& name : in_order()) launch(name, {});
}

int SplitDeployment::stop() {
  int worst = 0;
  const std::vector<std::string> names = in_order();
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (const int code = stop(*name); worst == 0) worst = code;
  }
  return worst;
}

SplitDeployment::Settings SplitDeployment::settings_of(const std::string& name, const Place& place) const {
  const std::string role = role_of(name);
  Settings settings = place.settings;
  for (const auto& [key, value] : everywhere_) {
    if (belongs_to(role, key)) settings.emplace(key, value);
  }
  settings.emplace("INTERNAL_TOKEN", kToken);
  for (const auto& [variable, service] :
       {std::pair("METADATA_SERVICE_URL", "metadata"), std::pair("STORAGE_SERVICE_URL", "storage"),
        std::pair("IMPORT_SERVICE_URL", "import")}) {
    const auto url = urls_.find(service);
    if (url != urls_.end() && service != role) settings.emplace(variable, url->second);
  }
  const auto before = urls_.find(name);
  if (before != urls_.end()) settings["PORT"] = before->second.substr(before->second.rfind(':') + 1);
  return settings;
}

void SplitDeployment::launch(const std::string& name, const Settings& changed) {
  const Place place = options_.place ? options_.place(name) : Place();
  Settings settings = settings_of(name, place);
  for (const auto& [key, value] : changed) settings[key] = value;
  services_.erase(name);  // the port is free once it is gone
  auto process = std::make_unique<ServerProcess>(data_dir_, settings, role_of(name), place.launcher);
  urls_[name] = process->url();
  services_[name] = std::move(process);
}

}  // namespace imgimport
