// The storage service as a module: the object store that the settings chose.
#pragma once

#include <memory>
#include <utility>

#include "imgimport/module.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

class StorageModule : public Module {
 public:
  explicit StorageModule(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}

  ObjectStore& store() noexcept { return *store_; }

  std::string_view name() const override { return "storage"; }
  void mount(Router&) override {}
  Result<void> start() override { return {}; }
  void drain() override {}
  void stop(std::chrono::steady_clock::time_point) override {}
  Health health() const override { return {}; }

 private:
  const std::unique_ptr<ObjectStore> store_;
};

}  // namespace imgimport
