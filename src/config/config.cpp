#include "config/config.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <thread>

namespace imgimport {

std::string_view to_string(StorageProvider provider) noexcept {
  switch (provider) {
    case StorageProvider::kLocal:
      return "local";
    case StorageProvider::kAws:
      return "aws";
    case StorageProvider::kAzure:
      return "azure";
  }
  return "unknown";
}

std::int32_t thumbnail_processes(const StorageConfig& storage) {
  constexpr std::uint32_t kMost = 4;
  if (storage.thumbnail_processes) return *storage.thumbnail_processes;
  return static_cast<std::int32_t>(std::clamp(std::thread::hardware_concurrency(), 1u, kMost));
}

std::int64_t drive_quota_per_minute(const DriveConfig& drive) {
  constexpr std::int64_t kPerUser = 325'000;
  constexpr std::int64_t kPerProject = 1'000'000;
  if (drive.quota_per_minute) return *drive.quota_per_minute;
  const std::string_view url = drive.api_url;
  const std::size_t host_at = url.find("://");
  const std::string_view rest = host_at == std::string_view::npos ? url : url.substr(host_at + 3);
  const std::string_view host = rest.substr(0, rest.find_first_of(":/"));
  if (host != "googleapis.com" && !host.ends_with(".googleapis.com")) return 0;
  const bool by_key_alone = drive.credentials_file.empty() && !drive.api_key.empty();
  return by_key_alone ? kPerProject : kPerUser;
}

std::uint16_t port_of(const ServerConfig& server, Role role, const RoleSet& roles) {
  if (server.port && roles.size() == 1 && roles.contains(role)) return *server.port;
  switch (role) {
    case Role::kGateway:
      return server.gateway_port;
    case Role::kImport:
      return server.import_port;
    case Role::kMetadata:
      return server.metadata_port;
    case Role::kStorage:
      return server.storage_port;
    case Role::kWorker:
      return server.worker_port;
  }
  return 0;
}

const std::string& url_of(const ServicesConfig& services, Role role) {
  static const std::string none;
  switch (role) {
    case Role::kImport:
      return services.import_url;
    case Role::kMetadata:
      return services.metadata_url;
    case Role::kStorage:
      return services.storage_url;
    case Role::kWorker:
      return services.worker_url;
    case Role::kGateway:
      return none;
  }
  return none;
}

bool is_loopback(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);  // ::ffff:127.0.0.1 is the IPv4 address in other clothes
  return mapped ? v6.s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace imgimport
