// The metadata service as a module: a store, and whether it answers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "imgimport/metadata_store.hpp"
#include "imgimport/module.hpp"
#include "metadata/remote/metadata_routes.hpp"

namespace imgimport {

class MetadataModule : public Module {
 public:
  explicit MetadataModule(std::unique_ptr<MetadataStore> store) : store_(std::move(store)) {}
  ~MetadataModule() override { stop({}); }

  MetadataStore& store() noexcept { return *store_; }

  std::string_view name() const override { return "metadata"; }
  void mount(Router& router) override { mount_metadata_routes(router, *store_); }
  Result<void> start() override;
  void drain() override {}
  void stop(std::chrono::steady_clock::time_point deadline) override;
  Health health() const override;

 private:
  void watch(const std::stop_token& stop);

  const std::unique_ptr<MetadataStore> store_;
  std::atomic<bool> answers_{true};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread watcher_;
};

}  // namespace imgimport
