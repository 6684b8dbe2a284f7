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
    : data_dir_(std::move(data_dir)), everywhere_(everywhere) {
  for (const char* name : {"metadata", "storage", "import", "gateway"}) launch(name);
  for (std::size_t i = 0; i < workers; ++i) launch("worker" + std::to_string(i));
}

std::vector<std::string> SplitDeployment::names() const {
  std::vector<std::string> names;
  for (const auto& [name, url] : urls_) names.push_back(name);
  return names;
}

void SplitDeployment::start(const std::string& name) {
  launch(name);
}

SplitDeployment::Settings SplitDeployment::settings_of(const std::string& name) const {
  const std::string role = role_of(name);
  Settings settings;
  for (const auto& [key, value] : everywhere_) {
    if (belongs_to(role, key)) settings[key] = value;
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

void SplitDeployment::launch(const std::string& name) {
  auto process = std::make_unique<ServerProcess>(data_dir_, settings_of(name), role_of(name));
  urls_[name] = process->url();
  services_[name] = std::move(process);
}

}  // namespace imgimport
