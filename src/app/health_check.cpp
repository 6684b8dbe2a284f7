#include "app/health_check.hpp"

#include <cstdio>

#include "http_client/curl_client.hpp"

namespace imgimport {
namespace {

// A container's HEALTHCHECK has to be answered well within its own time-out (30 s by default).
constexpr std::chrono::milliseconds kTimeout{5'000};

std::string health_url(const Config& config, std::string url) {
  if (url.empty()) {
    const ServerConfig& server = config.server;
    const std::string scheme = server.tls_cert_file.empty() ? "http" : "https";
    url = scheme + "://127.0.0.1:" + std::to_string(server.port.value_or(server.gateway_port));
  }
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url.ends_with("/health") ? url : url + "/health";
}

}  // namespace

int check_health(const Config& config, const std::string& url) {
  CurlHttpClient http;
  HttpClientRequest request;
  request.url = health_url(config, url);
  const auto answer = http.send(CallContext{}.with_timeout(kTimeout), request);
  if (!answer.has_value()) {
    std::fprintf(stderr, "%s: %s\n", request.url.c_str(), answer.error().message().c_str());
    return 1;
  }
  std::printf("%d %s\n", answer->status, answer->body.c_str());
  return answer->status == 200 ? 0 : 1;
}

}  // namespace imgimport
