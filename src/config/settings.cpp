#include "config/settings.hpp"

#include <array>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "config/suggest.hpp"

namespace imgimport {
namespace {

template <class Codec>
std::string write_value(const typename Codec::Value& value) {
  return Codec::format(value);
}
template <class Codec>
std::string write_value(const std::optional<typename Codec::Value>& value) {
  return value ? Codec::format(*value) : std::string();
}

constexpr std::string_view kNoComputedDefault;

struct Row {
  std::string_view variable;
  std::string_view group;
  std::string_view meaning;
  std::string_view computed_default = kNoComputedDefault;
};

// Ties a row to its field; `Field` is a stateless function from the configuration to a reference into it.
template <class Codec, class Field>
constexpr Setting bind(Field, Secrecy secrecy, const Row& row) {
  return Setting{row.variable,
                 row.group,
                 row.meaning,
                 row.computed_default,
                 secrecy,
                 Codec::kJson,
                 [](Config& config, std::string_view text) {
                   auto value = Codec::parse(text);
                   if (!value) return false;
                   Field{}(config) = *std::move(value);
                   return true;
                 },
                 [](const Config& config) { return write_value<Codec>(Field{}(config)); },
                 [] { return Codec::expected(); }};
}

#define IMGIMPORT_FIELD(path) \
  [](auto& config) -> auto& { \
    return config.path;       \
  }
constexpr Secrecy kOpen = Secrecy::kOpen;
constexpr Secrecy kSecret = Secrecy::kSecret;
constexpr Secrecy kUrl = Secrecy::kUrl;
constexpr Secrecy kFile = Secrecy::kFile;

template <std::int64_t kLeast, std::int64_t kMost>
using Count = IntegerCodec<std::int32_t, kLeast, kMost>;
template <std::int64_t kMost>
using Seconds = CountedTimeCodec<std::chrono::seconds, 0, kMost>;

constexpr std::array kGroups = {
    SettingGroup{"drive", "Google Drive"},
    SettingGroup{"storage", "Storage"},
    SettingGroup{"metadata", "Database"},
    SettingGroup{"import", "Import and transfers"},
    SettingGroup{"server", "Ports and access"},
    SettingGroup{"services", "Split services"},
    SettingGroup{"log", "Log"},
};

constexpr std::array kSettings = {
    bind<TokenCodec>(IMGIMPORT_FIELD(drive.api_key), kSecret,
                     {"GOOGLE_API_KEY", "drive", "API key, for folders that anyone with the link may see"}),
    bind<PathCodec>(IMGIMPORT_FIELD(drive.credentials_file), kFile,
                    {"GOOGLE_APPLICATION_CREDENTIALS", "drive",
                     "JSON file of a service account, for private folders and shared drives"}),
    bind<TextCodec>(IMGIMPORT_FIELD(drive.impersonate_user), kOpen,
                    {"GOOGLE_IMPERSONATE_USER", "drive",
                     "e-mail of the user that the service account acts for (domain-wide delegation)"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(drive.api_url), kUrl,
                       {"GOOGLE_DRIVE_API_URL", "drive", "base URL of the Drive API (an emulator, a proxy)"}),
    bind<IntegerCodec<std::int64_t, 0, 1'000'000'000'000>>(
        IMGIMPORT_FIELD(drive.quota_per_minute), kOpen,
        {"DRIVE_QUOTA_PER_MINUTE", "drive", "units of Drive's quota to spend per minute; 0 = unlimited",
         "325000 on Google's host, 1000000 there with an API key alone, else 0"}),
    bind<FlagCodec>(
        IMGIMPORT_FIELD(drive.acknowledge_abuse), kOpen,
        {"DRIVE_ACKNOWLEDGE_ABUSE", "drive", "on a second try, download files that Drive flags as malware or spam"}),

    bind<ChoiceCodec<StorageProviderWords>>(IMGIMPORT_FIELD(storage.provider), kOpen,
                                            {"STORAGE_PROVIDER", "storage", "where images go: local, aws or azure"}),
    bind<PathCodec>(IMGIMPORT_FIELD(data_dir), kOpen,
                    {"DATA_DIR", "storage", "folder of the SQLite database, of local objects and of the cache"}),
    bind<KeyPrefixCodec>(IMGIMPORT_FIELD(storage.object_prefix), kOpen,
                         {"OBJECT_PREFIX", "storage", "what every object key begins with"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(storage.public_bucket_url), kUrl,
                       {"PUBLIC_BUCKET_URL", "storage", "base URL of the bucket, if browsers may read it directly"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.storage_class), kOpen,
                     {"STORAGE_CLASS", "storage", "storage class of S3 (STANDARD_IA…) or access tier of Azure (Cool…)",
                      "the bucket's own"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.encryption), kOpen,
                     {"STORAGE_ENCRYPTION", "storage", "server-side encryption that S3 is asked for: AES256 or aws:kms",
                      "the bucket's own"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.encryption_kms_id), kOpen,
                     {"STORAGE_ENCRYPTION_KMS_ID", "storage", "KMS key, with STORAGE_ENCRYPTION=aws:kms"}),
    bind<IntegerCodec<std::int64_t, 16, 1 << 20>>(
        IMGIMPORT_FIELD(storage.thumbnail_cache_mb), kOpen,
        {"THUMBNAIL_CACHE_MB", "storage", "MiB of thumbnails kept in DATA_DIR/cache"}),
    bind<Count<0, 64>>(IMGIMPORT_FIELD(storage.thumbnail_processes), kOpen,
                       {"THUMBNAIL_PROCESSES", "storage", "images decoded at once for thumbnails; 0 = no thumbnails",
                        "one per processor, at most 4"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.aws.access_key_id), kSecret,
                     {"AWS_ACCESS_KEY_ID", "storage", "S3 access key"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.aws.secret_access_key), kSecret,
                     {"AWS_SECRET_ACCESS_KEY", "storage", "S3 secret key"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.aws.session_token), kSecret,
                     {"AWS_SESSION_TOKEN", "storage", "S3 session token, with temporary keys"}),
    bind<TokenCodec>(
        IMGIMPORT_FIELD(storage.aws.region), kOpen,
        {"AWS_REGION", "storage", "region of the bucket", "AWS_DEFAULT_REGION's or the profile's, else us-east-1"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.aws.bucket), kOpen,
                     {"AWS_BUCKET_NAME", "storage", "S3 bucket; needed with STORAGE_PROVIDER=aws"}),
    bind<HttpUrlCodec>(
        IMGIMPORT_FIELD(storage.aws.s3_endpoint_url), kUrl,
        {"AWS_ENDPOINT_URL_S3", "storage", "another S3 (MinIO, R2, Ceph), reached with path-style URLs"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(storage.aws.endpoint_url), kUrl,
                       {"AWS_ENDPOINT_URL", "storage", "the same, where AWS_ENDPOINT_URL_S3 is not set"}),
    bind<TextCodec>(
        IMGIMPORT_FIELD(storage.azure.connection_string), kSecret,
        {"AZURE_STORAGE_CONNECTION_STRING", "storage", "Azure account; needed with STORAGE_PROVIDER=azure"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(storage.azure.container), kOpen,
                     {"AZURE_STORAGE_CONTAINER_NAME", "storage", "Azure Blob container"}),

    bind<DatabaseUrlCodec>(IMGIMPORT_FIELD(metadata.url), kUrl,
                           {"DATABASE_URL", "metadata", "sqlite:///path, postgresql://… or mssql://…; wins over DB_*",
                            "SQLite in DATA_DIR"}),
    bind<TextCodec>(IMGIMPORT_FIELD(metadata.server), kOpen,
                    {"DB_SERVER", "metadata", "host of an Azure SQL or SQL Server"}),
    bind<TextCodec>(IMGIMPORT_FIELD(metadata.database), kOpen, {"DB_NAME", "metadata", "database there"}),
    bind<TextCodec>(IMGIMPORT_FIELD(metadata.user), kOpen, {"DB_USER", "metadata", "user there"}),
    bind<PasswordCodec>(IMGIMPORT_FIELD(metadata.password), kSecret, {"DB_PASSWORD", "metadata", "password there"}),
    bind<TextCodec>(
        IMGIMPORT_FIELD(metadata.odbc_driver), kOpen,
        {"DB_DRIVER", "metadata", "ODBC driver", "ODBC Driver 18 for SQL Server if it is registered, else FreeTDS"}),
    bind<Count<1, 1000>>(IMGIMPORT_FIELD(metadata.pool_size), kOpen,
                         {"DB_POOL_SIZE", "metadata", "database connections kept open"}),
    bind<Count<0, 1000>>(IMGIMPORT_FIELD(metadata.max_overflow), kOpen,
                         {"DB_MAX_OVERFLOW", "metadata", "further ones under load"}),

    bind<Count<1, 2000>>(IMGIMPORT_FIELD(worker.threads), kOpen,
                         {"WORKER_THREADS", "import", "transfers at once in this process"}),
    bind<IntegerCodec<std::int64_t, 16, 1 << 20>>(
        IMGIMPORT_FIELD(worker.transfer_memory_mb), kOpen,
        {"TRANSFER_MEMORY_MB", "import", "MiB of image bytes held in memory at most, all transfers together"}),
    bind<Count<1, 1000>>(IMGIMPORT_FIELD(import.batch_size), kOpen, {"BATCH_SIZE", "import", "images per batch"}),
    bind<Count<1, 64>>(IMGIMPORT_FIELD(import.listing_threads), kOpen,
                       {"LISTING_THREADS", "import", "Drive folders listed at once"}),
    bind<Seconds<300>>(IMGIMPORT_FIELD(import.list_wait), kOpen,
                       {"LIST_WAIT_SECONDS", "import", "how long a submit waits for the listing before it answers"}),
    bind<Count<1, 100>>(IMGIMPORT_FIELD(worker.max_attempts), kOpen,
                        {"MAX_ATTEMPTS", "import", "tries per image when the file itself is at fault"}),
    bind<DurationCodec>(
        IMGIMPORT_FIELD(worker.retry_for), kOpen,
        {"RETRY_FOR", "import", "how long an image is tried again when network, store or Drive are at fault"}),
    bind<CountedTimeCodec<std::chrono::milliseconds, 1, 600'000>>(
        IMGIMPORT_FIELD(worker.retry_base), kOpen,
        {"RETRY_BASE_MS", "import", "first back-off; it doubles from try to try"}),

    bind<AddressCodec>(IMGIMPORT_FIELD(server.listen_address), kOpen,
                       {"LISTEN_ADDRESS", "server", "address of the public listener; 0.0.0.0 = every interface"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.port), kOpen,
                    {"PORT", "server", "port of the one module, when a single role runs", "the module's own port"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.gateway_port), kOpen,
                    {"GATEWAY_PORT", "server", "port of the public API; 0 = pick one"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.frontend_port), kOpen, {"FRONTEND_PORT", "server", "port of the web app"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.import_port), kOpen,
                    {"IMPORT_PORT", "server", "port of the import service"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.metadata_port), kOpen,
                    {"METADATA_PORT", "server", "port of the metadata service"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.storage_port), kOpen,
                    {"STORAGE_PORT", "server", "port of the storage service"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.worker_port), kOpen,
                    {"WORKER_PORT", "server", "port of the worker service"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(gateway.public_url), kUrl,
                       {"PUBLIC_URL", "server", "how browsers reach the gateway", "http://localhost:PUBLIC_PORT"}),
    bind<PortCodec>(IMGIMPORT_FIELD(server.public_port), kOpen,
                    {"PUBLIC_PORT", "server",
                     "port of PUBLIC_URL, where a container publishes another one; 0 = the gateway's own"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(gateway.api_token), kSecret,
                     {"API_TOKEN", "server", "bearer token of the public API; needed to listen beyond loopback"}),
    bind<TokenCodec>(IMGIMPORT_FIELD(server.internal_token), kSecret,
                     {"INTERNAL_TOKEN", "server", "bearer token between split services; needed beyond loopback"}),
    bind<FlagCodec>(IMGIMPORT_FIELD(gateway.allow_anonymous), kOpen,
                    {"ALLOW_ANONYMOUS", "server", "listen beyond loopback without tokens"}),
    bind<PathCodec>(IMGIMPORT_FIELD(server.tls_cert_file), kOpen,
                    {"TLS_CERT_FILE", "server", "PEM certificate chain, to serve HTTPS"}),
    bind<PathCodec>(IMGIMPORT_FIELD(server.tls_key_file), kOpen, {"TLS_KEY_FILE", "server", "PEM private key for it"}),
    bind<OriginsCodec>(IMGIMPORT_FIELD(gateway.cors_origins), kOpen,
                       {"CORS_ORIGINS", "server", "origins that may call the API from a browser, with commas"}),
    bind<Count<1, 256>>(IMGIMPORT_FIELD(server.request_threads), kOpen,
                        {"REQUEST_THREADS", "server", "threads that answer requests"}),
    bind<Count<1, 100'000>>(IMGIMPORT_FIELD(server.max_connections), kOpen,
                            {"MAX_CONNECTIONS", "server", "client connections at once, all ports together"}),
    bind<Seconds<3600>>(IMGIMPORT_FIELD(server.drain), kOpen,
                        {"DRAIN_SECONDS", "server", "grace after SIGTERM for what is under way"}),

    bind<HttpUrlCodec>(IMGIMPORT_FIELD(services.import_url), kUrl,
                       {"IMPORT_SERVICE_URL", "services", "where the import service is, if not in this process"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(services.metadata_url), kUrl,
                       {"METADATA_SERVICE_URL", "services", "where the metadata service is"}),
    bind<HttpUrlCodec>(IMGIMPORT_FIELD(services.storage_url), kUrl,
                       {"STORAGE_SERVICE_URL", "services", "where the storage service is"}),
    bind<HttpUrlCodec>(
        IMGIMPORT_FIELD(services.worker_url), kUrl,
        {"WORKER_SERVICE_URL", "services", "where the worker service is; taken, though no service calls it"}),
    bind<RedisUrlCodec>(IMGIMPORT_FIELD(queue.redis_url), kUrl,
                        {"REDIS_URL", "services", "broker between import and workers that run apart"}),

    bind<ChoiceCodec<LogLevelWords>>(IMGIMPORT_FIELD(log.level), kOpen,
                                     {"LOG_LEVEL", "log", "debug, info, warning or error"}),
    bind<ChoiceCodec<LogFormatWords>>(IMGIMPORT_FIELD(log.format), kOpen,
                                      {"LOG_FORMAT", "log", "text or json", "text on a terminal, else json"}),
};

#undef IMGIMPORT_FIELD

// Cuts out everything that may hold a password. A password may hold any character, so the last @ ends it.
std::string without_credentials(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  const std::size_t start = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  const std::size_t at = url.rfind('@');
  std::string shown(url.substr(0, start));
  std::string_view rest = url.substr(start);
  if (at != std::string_view::npos && at >= start) {
    shown += "***@";
    rest = url.substr(at + 1);
  }
  const std::size_t query = rest.find_first_of("?;");
  shown += rest.substr(0, query);
  if (query != std::string_view::npos) shown += std::string(1, rest[query]) + "***";
  return shown;
}

}  // namespace

std::string Setting::key() const {
  return to_lower_ascii(variable);
}

std::string Setting::path() const {
  return std::string(group) + "." + key();
}

std::string Setting::flag() const {
  std::string name = "--" + key();
  for (char& c : name) {
    if (c == '_') c = '-';
  }
  return name;
}

std::string Setting::shown(std::string_view text) const {
  if (text.empty()) return {};
  switch (secrecy) {
    case Secrecy::kSecret:
      return "***";
    case Secrecy::kUrl:
      return printable(without_credentials(text), kQuoted);
    case Secrecy::kFile:
      if (!is_plausible_path(text)) return "***";
      break;
    case Secrecy::kOpen:
      break;
  }
  return printable(text, kQuoted);
}

std::span<const SettingGroup> setting_groups() {
  return kGroups;
}

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view variable) {
  for (const Setting& setting : kSettings) {
    if (setting.variable == variable) return &setting;
  }
  return nullptr;
}

std::vector<std::string_view> setting_variables() {
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) names.push_back(setting.variable);
  return names;
}

}  // namespace imgimport
