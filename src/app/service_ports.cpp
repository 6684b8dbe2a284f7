#include "app/service_ports.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace imgimport {
namespace {

std::string_view status_name(HealthStatus status) {
  switch (status) {
    case HealthStatus::kHealthy:
      return "healthy";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kFailed:
      return "failed";
  }
  return "failed";
}

HttpResponse json_response(int status, const boost::json::object& body) {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Cache-Control", "no-store");
  response.body = boost::json::serialize(body);
  return response;
}

HttpResponse health_response(Role role, const Health& health) {
  boost::json::object body;
  body["status"] = status_name(health.status);
  body["service"] = service_name(role);
  if (!health.troubles.empty()) {
    boost::json::object parts;
    for (const Health::Part& part : health.troubles) parts[part.name] = part.trouble;
    body["parts"] = std::move(parts);
  }
  return json_response(health.status == HealthStatus::kFailed ? 503 : 200, body);
}

HttpResponse ready_response(Role role, bool ready) {
  boost::json::object body;
  body["ready"] = ready;
  body["service"] = service_name(role);
  return json_response(ready ? 200 : 503, body);
}

}  // namespace

Health combined_health(const Assembly& assembly, const ModuleInPlace& module) {
  Health combined = module.module->health();
  for (Health::Part& part : assembly.neighbours.troubles()) {
    combined.status = std::max(combined.status, HealthStatus::kDegraded);
    combined.troubles.push_back(std::move(part));
  }
  // In one process the parts stand and fall together; the gateway answers for what it serves.
  if (module.role != Role::kGateway) return combined;
  for (const ModuleInPlace& other : assembly.modules) {
    if (&other == &module) continue;
    Health health = other.module->health();
    if (health.status == HealthStatus::kHealthy) continue;
    combined.status = std::max(combined.status, HealthStatus::kDegraded);
    for (Health::Part& part : health.troubles) combined.troubles.push_back(std::move(part));
  }
  return combined;
}

void mount_service_routes(Assembly& assembly, const std::atomic<bool>& ready) {
  HttpRouteOptions open;
  open.on_io_thread = true;
  open.guarded = false;
  HttpRouteOptions guarded = open;
  guarded.guarded = true;
  for (ModuleInPlace& entry : assembly.modules) {
    const ModuleInPlace* module = &entry;  // the list does not grow any more
    entry.router->handle(
        HttpMethod::kGet, "/health",
        [&assembly, module](const CallContext&, const HttpRequest&) {
          return health_response(module->role, combined_health(assembly, *module));
        },
        open);
    entry.router->handle(
        HttpMethod::kGet, "/ready",
        [&ready, module](const CallContext&, const HttpRequest&) {
          const bool able = module->module->health().status != HealthStatus::kFailed;
          return ready_response(module->role, ready.load() && able);
        },
        open);
    entry.router->handle(
        HttpMethod::kGet, "/metrics",
        [&assembly](const CallContext&, const HttpRequest&) {
          HttpResponse response;
          response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
          response.body = assembly.metrics.render();
          return response;
        },
        guarded);
  }
}

}  // namespace imgimport
