#include "app/service_ports.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "app/health_text.hpp"

namespace imgimport {
namespace {

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
  body["status"] = to_string(health.status);
  body["service"] = service_name(role);
  if (!health.troubles.empty()) {
    boost::json::object parts;
    for (const Health::Part& part : health.troubles) parts[part.name] = part.trouble;
    body["parts"] = std::move(parts);
  }
  return json_response(health.status == HealthStatus::kFailed ? 503 : 200, body);
}

// `not_ready` is why; empty: it is.
HttpResponse ready_response(Role role, std::string_view not_ready) {
  boost::json::object body;
  body["ready"] = not_ready.empty();
  body["service"] = service_name(role);
  if (!not_ready.empty()) body["reason"] = not_ready;
  return json_response(not_ready.empty() ? 200 : 503, body);
}

HttpRouteOptions open_to_all() {
  HttpRouteOptions options;
  options.on_io_thread = true;
  options.guarded = false;
  return options;
}

}  // namespace

void Starting::waits_for(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

Health Starting::health() const {
  const std::lock_guard lock(mutex_);
  Health health;
  health.status = HealthStatus::kDegraded;
  if (trouble_.empty()) {
    health.troubles.push_back({"start", "the service is starting"});
  } else {
    health.troubles.push_back({"database", trouble_});
  }
  return health;
}

void mount_starting_routes(Router& router, Role role, const Starting& starting) {
  router.handle(
      HttpMethod::kGet, "/health",
      [role, &starting](const CallContext&, const HttpRequest&) { return health_response(role, starting.health()); },
      open_to_all());
  router.handle(
      HttpMethod::kGet, "/ready",
      [role, &starting](const CallContext&, const HttpRequest&) {
        return ready_response(role, starting.health().troubles.front().trouble);
      },
      open_to_all());
}

std::string why_not_ready(const Health& health) {
  if (health.status == HealthStatus::kFailed) return "the service has failed";
  // Each call needs the metadata; without another neighbour some are answered still.
  for (const Health::Part& part : health.troubles) {
    if (part.name == "database" || part.name == "metadata") return part.trouble;
  }
  return {};
}

void add_service(Health& combined, Role role, const Health& health) {
  if (health.status == HealthStatus::kHealthy) return;
  combined.status = std::max(combined.status, HealthStatus::kDegraded);
  combined.troubles.push_back({std::string(to_string(role)), state_text(health)});
  // What is no service has no other to speak for it.
  for (const Health::Part& part : health.troubles) {
    const bool is_service = parse_roles(part.name).has_value();
    if (!is_service) combined.troubles.push_back(part);
  }
}

Health combined_health(const Assembly& assembly, const ModuleInPlace& module) {
  Health combined = module.module->health();
  for (Health::Part& part : assembly.neighbours.troubles()) {
    combined.status = std::max(combined.status, HealthStatus::kDegraded);
    combined.troubles.push_back(std::move(part));
  }
  // In one process the parts stand and fall together; the gateway answers for what it serves.
  if (module.role != Role::kGateway) return combined;
  for (const ModuleInPlace& other : assembly.modules) {
    if (&other != &module) add_service(combined, other.role, other.module->health());
  }
  return combined;
}

void mount_service_routes(Assembly& assembly, const std::atomic<bool>& ready) {
  const HttpRouteOptions open = open_to_all();
  for (ModuleInPlace& entry : assembly.modules) {
    HttpRouteOptions guarded = open;
    // An internal port without a token that anybody could know is on loopback, and what is counted is no secret there.
    guarded.guarded = entry.role == Role::kGateway || !assembly.config.server.internal_token.empty();
    const ModuleInPlace* module = &entry;  // the list does not grow any more
    entry.router->handle(
        HttpMethod::kGet, "/health",
        [&assembly, module](const CallContext&, const HttpRequest&) {
          return health_response(module->role, combined_health(assembly, *module));
        },
        open);
    entry.router->handle(
        HttpMethod::kGet, "/ready",
        [&assembly, &ready, module](const CallContext&, const HttpRequest&) {
          if (!ready.load()) return ready_response(module->role, "the service is ending");
          return ready_response(module->role, why_not_ready(combined_health(assembly, *module)));
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
