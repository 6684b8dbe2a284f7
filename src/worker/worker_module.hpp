// The worker as a module: a dispatcher with its pool, and the sweeper of objects without a record.
#pragma once

#include "imgimport/module.hpp"
#include "worker/dispatcher.hpp"
#include "worker/garbage_sweeper.hpp"

namespace imgimport {

class WorkerModule : public Module {
 public:
  WorkerModule(const WorkerOptions& options, const WorkerPorts& ports, ImageStore& images);

  std::string_view name() const override { return "worker"; }
  void mount(Router&) override {}
  Result<void> start() override;
  void drain() override { dispatcher_.drain(); }
  void stop(std::chrono::steady_clock::time_point deadline) override;
  Health health() const override;

 private:
  GarbageSweeper sweeper_;
  Dispatcher dispatcher_;
};

}  // namespace imgimport
