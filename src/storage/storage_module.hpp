// The storage service as a module: the object store that the settings chose.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "imgimport/module.hpp"
#include "imgimport/object_store.hpp"
#include "storage/remote/object_routes.hpp"
#include "storage/storage_routes.hpp"

namespace imgimport {

class StorageModule : public Module {
 public:
  // `tickets`: the store's own, where this service takes the uploads itself (a local disk); nullptr: none.
  // REQUIRES: the clock outlives it.
  StorageModule(std::unique_ptr<ObjectStore> store, const LocalTickets* tickets, const Clock& clock)
      : store_(std::move(store)) {
    if (tickets != nullptr) routes_.emplace(*store_, *tickets, clock);
  }

  ObjectStore& store() noexcept { return *store_; }

  std::string_view name() const override { return "storage"; }
  void mount(Router& router) override {
    mount_object_routes(router, *store_);
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
