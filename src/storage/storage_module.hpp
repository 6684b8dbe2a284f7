// The storage service as a module: the object store that the settings chose, and thumbnails of what is in it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "imgimport/module.hpp"
#include "imgimport/object_store.hpp"
#include "rest/service_routes.hpp"
#include "storage/local/upload_routes.hpp"
#include "storage/remote/object_routes.hpp"
#include "storage/remote/thumbnail_routes.hpp"
#include "storage/thumbnails/thumbnail_maker.hpp"

namespace imgimport {

class StorageModule : public Module {
 public:
  struct Parts {
    std::unique_ptr<ObjectStore> store;
    const LocalTickets* tickets = nullptr;  // the store's own, where this service takes the uploads itself (local disk)
    ThumbnailOptions thumbnails;
    const Clock& clock;
    MetricsRegistry& metrics;
  };
  // REQUIRES: clock and metrics outlive it.
  explicit StorageModule(Parts parts)
      : store_(std::move(parts.store)), thumbnails_(std::move(parts.thumbnails), *store_, parts.clock, parts.metrics) {
    if (parts.tickets != nullptr) routes_.emplace(*store_, *parts.tickets, parts.clock);
  }

  ObjectStore& store() noexcept { return *store_; }
  Thumbnails& thumbnails() noexcept { return thumbnails_; }

  std::string_view name() const override { return "storage"; }
  void mount(Router& router) override {
    ServiceRoutes routes(router, "storage");
    mount_object_routes(routes, *store_);
    mount_thumbnail_routes(routes, thumbnails_);
    if (routes_) routes_->mount(router);
  }
  Result<void> start() override { return {}; }
  void drain() override {}
  void stop(std::chrono::steady_clock::time_point deadline) override {
    if (routes_) routes_->stop(deadline);
    thumbnails_.stop(deadline);
  }
  Health health() const override { return {}; }

 private:
  // Declared in this order: all others end before the store that they use.
  const std::unique_ptr<ObjectStore> store_;
  ThumbnailMaker thumbnails_;
  std::optional<LocalUploadRoutes> routes_;
};

}  // namespace imgimport
