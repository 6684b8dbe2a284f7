// What each module's port serves besides the module's own routes: /health, /ready, /metrics.
#pragma once

#include <atomic>
#include <string>

#include "app/assembly.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// Mounts the three routes on every module's router. `ready` is read at each request.
void mount_service_routes(Assembly& assembly, const std::atomic<bool>& ready);

// The state of a module together with the modules in this process that it needs.
Health combined_health(const Assembly& assembly, const ModuleInPlace& module);

}  // namespace imgimport
