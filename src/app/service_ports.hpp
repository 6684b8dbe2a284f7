// What each module's port serves besides the module's own routes: /health, /ready, /metrics.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "app/assembly.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// Why a server that is starting does not serve yet. Thread-safe.
class Starting {
 public:
  // The database's trouble; empty: nothing is waited for (any more).
  void waits_for(std::string trouble);
  // Degraded, with one part that says why.
  Health health() const;

 private:
  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
};

// What a port answers before its module is there: /health and /ready. REQUIRES: `starting` outlives the router's use.
void mount_starting_routes(Router& router, Role role, const Starting& starting);

// Mounts the three routes on every module's router. `ready` is read at each request.
void mount_service_routes(Assembly& assembly, const std::atomic<bool>& ready);

// Empty: it can serve. Else one sentence.
std::string why_not_ready(const Health& health);

// Adds what another service of this process says of itself: under its own name, and its parts that are no services (the
// database, the queue) under theirs.
void add_service(Health& combined, Role role, const Health& health);

// The state of a module together with the modules in this process that it needs.
Health combined_health(const Assembly& assembly, const ModuleInPlace& module);

}  // namespace imgimport
