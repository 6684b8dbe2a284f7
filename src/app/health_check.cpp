#include "app/health_check.hpp"

#include <cstdio>

#include "http_client/curl_client.hpp"

namespace imgimport {
namespace {

// A container's HEALTHCHECK has to be answered well within its own time-out (30 s by default).
constexpr std::chrono::milliseconds kTimeout{5'000};

// A wildcard address is reached over loopback.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0") return "127.0.0.1";
  if (address == "::") return "[::1]";
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::string health_url(const Config& config, const RoleSet& roles, std::string url) {
  if (url.empty()) {
    const ServerConfig& server = config.server;
    const Role role = roles.size() == 1 ? *roles.begin() : Role::kGateway;
    const bool secure = role == Role::kGateway && !server.tls_cert_file.empty();
    url = std::string(secure ? "https" : "http") + "://" + reachable(server.listen_address) + ":" +
          std::to_string(port_of(server, role, roles));
  }
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url.ends_with("/health") ? url : url + "/health";
}

}  // namespace

int check_health(const Config& config, const RoleSet& roles, const std::string& url) {
  CurlHttpClient http;
  HttpClientRequest request;
  request.url = health_url(config, roles, url);
  const auto answer = http.send(CallContext{}.with_timeout(kTimeout), request);
  if (!answer.has_value()) {
    std::fprintf(stderr, "%s: %s\n", request.url.c_str(), answer.error().message().c_str());
    return 1;
  }
  std::printf("%d %s\n", answer->status, answer->body.c_str());
  return answer->status == 200 ? 0 : 1;
}

}  // namespace imgimport
