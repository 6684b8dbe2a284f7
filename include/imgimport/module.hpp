// One of the five services, as the application starts and stops it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

enum class HealthStatus : std::uint8_t { kHealthy = 1, kDegraded, kFailed };

struct Health {
  HealthStatus status = HealthStatus::kHealthy;
  struct Part {
    std::string name;     // "database", "storage", …
    std::string trouble;  // one sentence
  };
  std::vector<Part> troubles;  // the parts that are away
};

// Life: mount → start → (ready) → drain → stop. Driven by one thread; health() from any.
class Module {
 public:
  virtual ~Module() = default;
  // "gateway", "import", …; the public service name ("api-gateway", …) is the application's affair.
  virtual std::string_view name() const = 0;
  // Adds its routes. Called once, before start.
  virtual void mount(Router& router) = 0;
  // Begins its own work. An error ends the program with its message and remedy.
  virtual Result<void> start() = 0;
  // Takes no new work; what is under way goes on. Does not block. Idempotent.
  virtual void drain() = 0;
  // Returns when all its work has ended: by itself until `deadline`, cancelled then. Idempotent.
  virtual void stop(std::chrono::steady_clock::time_point deadline) = 0;
  // From cached state; never blocks.
  virtual Health health() const = 0;
};

}  // namespace imgimport
