#include "app/app.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <string>

#include "app/assembly.hpp"
#include "app/service_ports.hpp"
#include "app/signals.hpp"
#include "app/wiring.hpp"
#include "base/http_error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "gateway/gateway_module.hpp"
#include "http_server/server.hpp"

namespace imgimport {
namespace {

std::string port_variable(Role role) {
  std::string name(to_string(role));
  for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
  return name + "_PORT";
}

// Between services: a bearer token for everything but /health and /ready.
HttpGuard internal_guard(std::string token) {
  return [expected = "Bearer " + std::move(token)](const HttpRequest& request) -> std::optional<HttpResponse> {
    const auto given = request.headers.find("Authorization");
    if (given && equals_constant_time(*given, expected)) return std::nullopt;
    return error_response(Error(ErrorCode::kUnauthenticated, "this port is for imgimport's own services")
                              .with_remedy("Send the value of INTERNAL_TOKEN as a bearer token"),
                          request);
  };
}

class Server {
 public:
  Server(const Config& config, const RoleSet& roles) : assembly_(config, roles) {}

  Result<void> start() {
    IMGIMPORT_RETURN_IF_ERROR(assemble(assembly_));
    IMGIMPORT_RETURN_IF_ERROR(open_ports());
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
    http_->start();
    ready_ = true;
    std::fputs(listening_.c_str(), stdout);
    std::fflush(stdout);
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
    mount_service_routes(assembly_, ready_);
    HttpServerOptions options;
    options.max_connections = static_cast<std::size_t>(server.max_connections);
    http_.emplace(options, *assembly_.request_pool);
    const bool alone = assembly_.roles == all_roles();
    const std::string internal_token = server.internal_token.empty() ? random_token(32) : server.internal_token;
    for (ModuleInPlace& entry : assembly_.modules) {
      entry.module->mount(*entry.router);
      const bool is_public = entry.role == Role::kGateway;
      if (!is_public && (alone || !server.internal_token.empty()))
        entry.router->set_guard(internal_guard(internal_token));
      IMGIMPORT_RETURN_IF_ERROR(open_port(entry, is_public || !alone ? server.listen_address : "127.0.0.1"));
    }
    return {};
  }

  Result<void> open_port(ModuleInPlace& entry, const std::string& address) {
    const ServerConfig& server = assembly_.config.server;
    HttpListenerOptions listener;
    listener.name = std::string(to_string(entry.role));
    listener.address = address;
    listener.port = port_of(server, entry.role, assembly_.roles);
    listener.router = entry.router.get();
    const bool is_public = entry.role == Role::kGateway;
    // With all roles in one process the internal ports are on loopback, and stay plain.
    const bool secure = (is_public || assembly_.roles != all_roles()) && !server.tls_cert_file.empty();
    if (secure) listener.tls = TlsFiles{server.tls_cert_file.string(), server.tls_key_file.string()};
    IMGIMPORT_ASSIGN_OR_RETURN(const std::uint16_t port, listen(listener, port_variable(entry.role)));
    listening_ += listening_line(service_name(entry.role), listener, port);
    if (!is_public) return {};
    if (assembly_.config.gateway.public_url == kDefaultPublicUrl) {
      const std::string_view scheme = secure ? "https" : "http";
      assembly_.gateway->reached_at(fmt::format("{}://localhost:{}", scheme, port));
    }
    // The web app's own port serves the same; where both settings name one port, one listener is enough.
    std::uint16_t web_port = port;
    if (server.frontend_port != port) {
      listener.name = "web app";
      listener.port = server.frontend_port;
      IMGIMPORT_ASSIGN_OR_RETURN(web_port, listen(listener, "FRONTEND_PORT"));
    }
    listening_ += listening_line("web-app", listener, web_port);
    return {};
  }

  Result<std::uint16_t> listen(const HttpListenerOptions& listener, const std::string& variable) {
    auto port = http_->listen(listener);
    if (port.has_value() || port.error().reason() != "port_in_use") return port;
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("port {} of the {} is in use already", listener.port,
                             variable == "FRONTEND_PORT" ? listener.name : listener.name + " module"))
        .with_reason("port_in_use")
        .with_remedy(
            fmt::format("Stop the program that listens there, or set {} to another port (0 = pick one)", variable));
  }

  static std::string listening_line(std::string_view service, const HttpListenerOptions& listener, std::uint16_t port) {
    const bool v6 = listener.address.find(':') != std::string::npos;
    return fmt::format("{} listening on {}://{}{}{}:{}\n", service, listener.tls ? "https" : "http", v6 ? "[" : "",
                       listener.address, v6 ? "]" : "", port);
  }

  Assembly assembly_;
  std::atomic<bool> ready_{false};
  std::optional<HttpServer> http_;
  std::string listening_;
};

}  // namespace

Result<void> serve(const Config& config, const RoleSet& roles) {
  Server server(config, roles);
  IMGIMPORT_RETURN_IF_ERROR(server.start());
  wait_for_signal();
  let_signals_kill();
  server.stop();
  return {};
}

}  // namespace imgimport
