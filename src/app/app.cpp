#include "app/app.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/assembly.hpp"
#include "app/listen_error.hpp"
#include "app/service_ports.hpp"
#include "app/signals.hpp"
#include "app/wiring.hpp"
#include "base/http_error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "gateway/api_router.hpp"
#include "gateway/gateway_module.hpp"
#include "http_server/server.hpp"

namespace imgimport {
namespace {

// Between services: a bearer token for everything but /health and /ready. `token` as it is set; empty: one that nobody
// is told.
HttpGuard internal_guard(const std::string& token) {
  const std::string remedy = token.empty()
                                 ? "Call the gateway's port; or set INTERNAL_TOKEN, and send it as a bearer token"
                                 : "Send the value of INTERNAL_TOKEN as a bearer token";
  return [expected = "Bearer " + (token.empty() ? random_token(32) : token),
          remedy](const HttpRequest& request) -> std::optional<HttpResponse> {
    const auto given = request.headers.find("Authorization");
    if (given && equals_constant_time(*given, expected)) return std::nullopt;
    return error_response(
        Error(ErrorCode::kUnauthenticated, "this port is for imgimport's own services").with_remedy(remedy), request);
  };
}

class Server {
 public:
  Server(const Config& config, const RoleSet& roles) : assembly_(config, roles) {}

  // Until all has started, the ports answer for health alone. kCancelled: `called_off` came first.
  Result<void> start(const std::stop_token& called_off) {
    assembly_.called_off = called_off;
    assembly_.on_waiting = [this](std::string trouble) { starting_.waits_for(std::move(trouble)); };
    IMGIMPORT_RETURN_IF_ERROR(open_ports());
    http_->start_early();
    IMGIMPORT_RETURN_IF_ERROR(assemble(assembly_));
    mount_modules();
    std::size_t started = 0;
    for (ModuleInPlace& entry : assembly_.modules) {
      auto result = entry.module->start();
      if (!result.has_value()) {
        while (started > 0) assembly_.modules[--started].module->stop(std::chrono::steady_clock::now());
        return std::move(result).error();
      }
      ++started;
    }
    assembly_.neighbours.start();
    ready_ = true;
    for (ModuleInPlace& entry : assembly_.modules) http_->hand_over(starting_routers_.at(entry.role), *entry.router);
    http_->open();
    say_where_it_listens();
    return {};
  }

  void stop() {
    const auto deadline = std::chrono::steady_clock::now() + assembly_.config.server.drain;
    ready_ = false;
    log_info("draining", {{"seconds", assembly_.config.server.drain.count()}});
    http_->drain();
    for (auto entry = assembly_.modules.rbegin(); entry != assembly_.modules.rend(); ++entry) entry->module->drain();
    // The worker's transfers have the whole grace; requests under way end meanwhile.
    for (auto entry = assembly_.modules.rbegin(); entry != assembly_.modules.rend(); ++entry) {
      entry->module->stop(deadline);
    }
    http_->stop(deadline);
    assembly_.request_pool->stop();
    assembly_.neighbours.stop();
    log_info("stopped");
  }

 private:
  Result<void> open_ports() {
    const ServerConfig& server = assembly_.config.server;
    HttpServerOptions options;
    options.max_connections = static_cast<std::size_t>(server.max_connections);
    http_.emplace(options, *assembly_.request_pool);
    for (const Role role : in_wiring_order(assembly_.roles)) {
      mount_starting_routes(starting_routers_[role], role, starting_);
      IMGIMPORT_RETURN_IF_ERROR(
          open_port(role, role == Role::kGateway || !alone() ? server.listen_address : "127.0.0.1"));
    }
    return {};
  }

  bool alone() const { return assembly_.roles == all_roles(); }

  void mount_modules() {
    const std::string& token = assembly_.config.server.internal_token;
    if (assembly_.gateway != nullptr && !public_url_.empty()) assembly_.gateway->reached_at(public_url_);
    mount_service_routes(assembly_, ready_);
    for (ModuleInPlace& entry : assembly_.modules) {
      entry.module->mount(*entry.router);
      if (entry.role != Role::kGateway && (alone() || !token.empty())) entry.router->set_guard(internal_guard(token));
    }
  }

  Result<void> open_port(Role role, const std::string& address) {
    const ServerConfig& server = assembly_.config.server;
    HttpListenerOptions listener;
    listener.name = std::string(to_string(role));
    listener.address = address;
    listener.port = port_of(server, role, assembly_.roles);
    listener.router = &starting_routers_.at(role);
    const bool is_public = role == Role::kGateway;
    if (is_public) listener.finish = finish_public_answers(assembly_.config.gateway.cors_origins);
    // With all roles in one process the internal ports are on loopback, and stay plain.
    const bool secure = (is_public || !alone()) && !server.tls_cert_file.empty();
    if (secure) listener.tls = TlsFiles{server.tls_cert_file.string(), server.tls_key_file.string()};
    IMGIMPORT_ASSIGN_OR_RETURN(const std::uint16_t port,
                               listen(listener, port_variable(server, role, assembly_.roles)));
    listening_.push_back(listening_at(service_name(role), listener, port));
    if (!is_public) return {};
    if (assembly_.config.gateway.public_url.empty()) {
      const std::string_view scheme = secure ? "https" : "http";
      public_url_ = fmt::format("{}://localhost:{}", scheme, server.public_port != 0 ? server.public_port : port);
    }
    // The web app's own port serves the same; where both settings name one port, one listener is enough.
    std::uint16_t web_port = port;
    if (server.frontend_port != port) {
      listener.name = "web app";
      listener.port = server.frontend_port;
      IMGIMPORT_ASSIGN_OR_RETURN(web_port, listen(listener, "FRONTEND_PORT"));
    }
    listening_.push_back(listening_at("web-app", listener, web_port));
    return {};
  }

  Result<std::uint16_t> listen(const HttpListenerOptions& listener, const std::string& variable) {
    auto port = http_->listen(listener);
    if (port.has_value()) return port;
    if (port.error().reason() != "port_in_use") return naming_the_setting(port.error(), variable);
    const std::string whose = variable == "FRONTEND_PORT" ? listener.name : listener.name + " module";
    const Error in_use =
        Error(ErrorCode::kMisconfigured, fmt::format("port {} of the {} is in use already", listener.port, whose))
            .with_reason("port_in_use");
    return naming_the_setting(in_use, variable);
  }

  struct Listening {
    std::string_view service;
    std::string url;
  };

  static Listening listening_at(std::string_view service, const HttpListenerOptions& listener, std::uint16_t port) {
    const bool v6 = listener.address.find(':') != std::string::npos && !listener.address.starts_with('[');
    return {service, fmt::format("{}://{}{}{}:{}", listener.tls ? "https" : "http", v6 ? "[" : "", listener.address,
                                 v6 ? "]" : "", port)};
  }

  // Scripts read the plain lines; what collects the log's JSON gets events of its own.
  void say_where_it_listens() const {
    const LogConfig& log = assembly_.config.log;
    const bool as_json = log.format ? *log.format == LogFormat::kJson : isatty(STDERR_FILENO) == 0;
    for (const auto& [service, url] : listening_) {
      std::fputs(fmt::format("{} listening on {}\n", service, url).c_str(), stdout);
      if (as_json) log_info("listening", {{"service", service}, {"url", url}});
    }
    std::fflush(stdout);
  }

  Assembly assembly_;
  Starting starting_;
  std::map<Role, Router> starting_routers_;
  std::atomic<bool> ready_{false};
  std::optional<HttpServer> http_;
  std::vector<Listening> listening_;
  std::string public_url_;  // where no setting says it
};

}  // namespace

Result<void> serve(const Config& config, const RoleSet& roles) {
  Server server(config, roles);
  Result<void> started;
  const bool asked_to_end = run_until_signal([&](const std::stop_token& stop) { started = server.start(stop); });
  if (!started.has_value()) {
    if (asked_to_end && started.error().code() == ErrorCode::kCancelled) return {};
    return started;
  }
  if (!asked_to_end) {
    wait_for_signal();
    let_signals_kill();
  }
  server.stop();
  return {};
}

}  // namespace imgimport
