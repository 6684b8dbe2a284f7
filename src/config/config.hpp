// Every setting as a plain value with its default: the defaults here are the program's defaults. Filled once by
// load.hpp and const afterwards; each module is handed what concerns it, none sees where a value came from. An empty
// string or nullopt means "not set".
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "config/roles.hpp"

namespace imgimport {

struct DriveConfig {
  std::string api_key;
  std::filesystem::path credentials_file;  // a service account's JSON
  std::string impersonate_user;
  std::string api_url = "https://www.googleapis.com";  // without a slash at its end
  std::optional<std::int64_t> quota_per_minute;        // as set; see drive_quota_per_minute
  bool acknowledge_abuse = false;
  friend bool operator==(const DriveConfig&, const DriveConfig&) = default;
};

enum class StorageProvider : std::uint8_t { kLocal = 1, kAws, kAzure };
std::string_view to_string(StorageProvider provider) noexcept;

struct AwsConfig {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string region;  // as set; see s3_region in app
  std::string bucket;
  std::string endpoint_url;     // for all of AWS
  std::string s3_endpoint_url;  // for S3 alone; wins
  friend bool operator==(const AwsConfig&, const AwsConfig&) = default;
};

struct AzureConfig {
  std::string connection_string;
  std::string container = "images";
  friend bool operator==(const AzureConfig&, const AzureConfig&) = default;
};

struct StorageConfig {
  StorageProvider provider = StorageProvider::kLocal;
  std::string object_prefix;      // without slashes at its ends
  std::string public_bucket_url;  // without a slash at its end
  std::string storage_class;      // of S3, or the access tier of Azure; empty = the bucket's default
  std::string encryption;         // S3 server-side encryption: "AES256", "aws:kms"; empty = the bucket's default
  std::string encryption_kms_id;  // of KMS
  std::int64_t thumbnail_cache_mb = 512;            // MiB
  std::optional<std::int32_t> thumbnail_processes;  // as set; see thumbnail_processes()
  AwsConfig aws;
  AzureConfig azure;
  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

// SQLite in the data directory when none of url and server is set.
struct MetadataConfig {
  std::string url;
  std::string server;
  std::string database;
  std::string user;
  std::string password;
  std::string odbc_driver;
  std::int32_t pool_size = 20;
  std::int32_t max_overflow = 40;
  friend bool operator==(const MetadataConfig&, const MetadataConfig&) = default;
};

struct QueueConfig {
  std::string redis_url;
  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

struct ImportConfig {
  std::int32_t batch_size = 100;  // images
  std::int32_t listing_threads = 8;
  std::chrono::seconds list_wait{10};
  friend bool operator==(const ImportConfig&, const ImportConfig&) = default;
};

struct WorkerConfig {
  std::int32_t threads = 150;
  std::int64_t transfer_memory_mb = 256;  // MiB
  std::int32_t max_attempts = 5;
  std::chrono::milliseconds retry_for = std::chrono::hours(1);
  std::chrono::milliseconds retry_base{1000};
  friend bool operator==(const WorkerConfig&, const WorkerConfig&) = default;
};

struct GatewayConfig {
  std::string public_url;  // without a slash at its end; as set, else localhost with the port
  std::string api_token;
  bool allow_anonymous = false;
  std::vector<std::string> cors_origins = {"http://localhost:3000"};
  friend bool operator==(const GatewayConfig&, const GatewayConfig&) = default;
};

struct ServerConfig {
  std::string listen_address = "127.0.0.1";  // an IP address
  std::optional<std::uint16_t> port;         // of the one module, when a single role runs; see port_of
  std::uint16_t gateway_port = 5000;
  std::uint16_t public_port = 0;  // that browsers reach the gateway by; 0 = its own
  std::uint16_t frontend_port = 3000;
  std::uint16_t import_port = 5001;
  std::uint16_t metadata_port = 5002;
  std::uint16_t storage_port = 5003;
  std::uint16_t worker_port = 5004;
  std::filesystem::path tls_cert_file;
  std::filesystem::path tls_key_file;
  std::string internal_token;
  std::int32_t request_threads = 16;
  std::int32_t max_connections = 1024;
  std::chrono::seconds drain{8};
  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

// Where the modules are that do not run in this process.
struct ServicesConfig {
  std::string import_url;
  std::string metadata_url;
  std::string storage_url;
  std::string worker_url;  // workers call, and are not called
  friend bool operator==(const ServicesConfig&, const ServicesConfig&) = default;
};

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  std::optional<LogFormat> format;  // nullopt: text on a terminal, else JSON
  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

struct Config {
  std::filesystem::path data_dir = "./data";
  DriveConfig drive;
  StorageConfig storage;
  MetadataConfig metadata;
  QueueConfig queue;
  ImportConfig import;
  WorkerConfig worker;
  GatewayConfig gateway;
  ServerConfig server;
  ServicesConfig services;
  LogConfig log;
  friend bool operator==(const Config&, const Config&) = default;
};

// Drive units per minute that may be spent; 0 = unlimited. Google's published quota for its own host (per user; the
// larger one per project with an API key), none for another base URL.
// https://developers.google.com/workspace/drive/api/guides/limits
std::int64_t drive_quota_per_minute(const DriveConfig& drive);

// Images decoded at once for thumbnails: one for each processor, at most four, where it is not set; 0 = no thumbnails.
std::int32_t thumbnail_processes(const StorageConfig& storage);

// The port on which `role` listens in a process that runs `roles`; 0 = pick one.
std::uint16_t port_of(const ServerConfig& server, Role role, const RoleSet& roles);
// Where `role` is when it does not run in this process; empty when not set. The gateway is called by no other module.
const std::string& url_of(const ServicesConfig& services, Role role);

// Whether an IP address can be reached from this machine alone.
bool is_loopback(std::string_view address);

}  // namespace imgimport
