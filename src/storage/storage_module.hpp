// The storage service as a module: the object store that the settings chose.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "imgimport/module.hpp"
#include "imgimport/object_store.hpp"
#include "storage/local/local_store.hpp"
#include "storage/storage_routes.hpp"

namespace imgimport {

class StorageModule : public Module {
 public:
  explicit StorageModule(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}
  // A local disk takes uploads by a route of the service itself.
  StorageModule(std::unique_ptr<LocalStore> store, const Clock& clock) : store_(std::move(store)) {
    auto& local = static_cast<LocalStore&>(*store_);
    routes_.emplace(local, local.issued_tickets(), clock);
  }

  ObjectStore& store() noexcept { return *store_; }

  std::string_view name() const override { return "storage"; }
  void mount(Router& router) override {
    if (routes_) routes_->mount(router);
  }
  Result<void> start() override { return {}; }
  void drain() override {}
  void stop(std::chrono::steady_clock::time_point deadline) override {
    if (routes_) routes_->stop(deadline);
  }
  Health health() const override { return {}; }

 private:
  // Declared in this order: the routes end before the store that they use.
  const std::unique_ptr<ObjectStore> store_;
  std::optional<StorageRoutes> routes_;
};

}  // namespace imgimport
