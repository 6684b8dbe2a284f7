// The import service as a module.
#pragma once

#include "imgimport/module.hpp"
#include "importer/importer.hpp"
#include "importer/remote/import_service_routes.hpp"

namespace imgimport {

class ImportModule : public Module {
 public:
  ImportModule(const ImporterOptions& options, const ImporterPorts& ports) : importer_(options, ports) {}

  ImportService& service() noexcept { return importer_; }

  std::string_view name() const override { return "import"; }
  void mount(Router& router) override { mount_import_service_routes(router, importer_); }
  Result<void> start() override {
    importer_.start();
    return {};
  }
  void drain() override { importer_.drain(); }
  void stop(std::chrono::steady_clock::time_point) override { importer_.stop(); }
  Health health() const override {
    Health health;
    if (!importer_.healthy()) {
      health.status = HealthStatus::kDegraded;
      health.troubles.push_back({"metadata", "the journal of jobs cannot be read at the moment"});
    }
    if (!importer_.queue_answers()) {
      health.status = HealthStatus::kDegraded;
      health.troubles.push_back({"queue", "no batches can be queued at the moment: the broker is away or refuses us"});
    }
    return health;
  }

 private:
  Importer importer_;
};

}  // namespace imgimport
