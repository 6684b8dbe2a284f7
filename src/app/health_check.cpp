#include "app/health_check.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

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

}  // namespace

std::string service_url(const Config& config, const RoleSet& roles, std::string url) {
  if (url.empty()) {
    const ServerConfig& server = config.server;
    const Role role = roles.size() == 1 ? *roles.begin() : Role::kGateway;
    const bool secure = !server.tls_cert_file.empty() && (role == Role::kGateway || roles != all_roles());
    url = std::string(secure ? "https" : "http") + "://" + reachable(server.listen_address) + ":" +
          std::to_string(port_of(server, role, roles));
  }
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

int check_health(const Config& config, const RoleSet& roles, const std::string& url) {
  std::vector<std::string> urls;
  if (!url.empty() || roles != all_roles()) {
    urls.push_back(service_url(config, roles, url));
  } else {
    // Which role runs here was not said: the first port with somebody behind it tells.
    for (const Role role : all_roles()) {
      std::string own = service_url(config, {role}, "");
      if (std::find(urls.begin(), urls.end(), own) == urls.end()) urls.push_back(std::move(own));
    }
  }
  CurlHttpClientOptions options;
  // An own port is called by its address, and no proxy leads there.
  if (url.empty()) {
    options.certificates = CertificateCheck::kNone;
    options.proxies = ProxyUse::kIgnore;
  }
  CurlHttpClient http(options);
  std::string tried;
  for (const std::string& candidate : urls) {
    HttpClientRequest request;
    request.url = candidate.ends_with("/health") ? candidate : candidate + "/health";
    tried += (tried.empty() ? "" : ", ") + request.url;
    const auto answer = http.send(CallContext{}.with_timeout(kTimeout), request);
    if (answer.has_value()) {
      std::printf("%d %s\n", answer->status, answer->body.c_str());
      return answer->status == 200 ? 0 : 1;
    }
    const bool is_last = &candidate == &urls.back();
    if (answer.error().reason() == "connect_failed" && !is_last) continue;
    const Error& error = answer.error();
    const bool several = error.reason() == "connect_failed" && urls.size() > 1;
    std::fprintf(stderr, "%s: %s\n", (several ? tried : request.url).c_str(),
                 several ? "nobody listens there" : error.message().c_str());
    if (!error.remedy().empty()) std::fprintf(stderr, "%s\n", error.remedy().c_str());
    return 1;
  }
  return 1;
}

}  // namespace imgimport
