#include "app/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <array>
#include <filesystem>
#include <span>
#include <utility>

#include "app/broker.hpp"
#include "app/database_location.hpp"
#include "app/listen_error.hpp"
#include "app/object_store_choice.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "crypto/tls_trust.hpp"
#include "drive/drive_source.hpp"
#include "gateway/gateway_module.hpp"
#include "http_client/curl_client.hpp"
#include "http_server/tls_files.hpp"
#include "importer/import_module.hpp"
#include "importer/remote/remote_import_service.hpp"
#include "metadata/metadata_module.hpp"
#include "metadata/remote/remote_metadata_store.hpp"
#include "storage/remote/remote_object_store.hpp"
#include "storage/remote/remote_thumbnails.hpp"
#include "storage/storage_module.hpp"
#include "storage/ticket/ticket_store.hpp"
#include "worker/worker_module.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kSayWaitingEvery{5'000};

template <class M, class... Arguments>
M& add_module(Assembly& assembly, Role role, Arguments&&... arguments) {
  auto module = std::make_unique<M>(std::forward<Arguments>(arguments)...);
  M& added = *module;
  assembly.modules.push_back({role, std::move(module), std::make_unique<Router>()});
  return added;
}

// A server waits for a database that is away, as it does later on; one that refuses us is for a person to mend.
Result<std::unique_ptr<MetadataStore>> opened_metadata(Assembly& assembly) {
  OpenWait wait{.stop = assembly.called_off, .limit = std::nullopt};
  if (assembly.on_waiting) wait.limit = kSayWaitingEvery;
  const auto open = [&] { return open_metadata_store(assembly.config, assembly.clock, wait); };
  auto store = open();
  if (!assembly.on_waiting || !names_database_server(assembly.config)) return store;
  while (!store.has_value() && store.error().is_transient() && !assembly.called_off.stop_requested()) {
    log_warning("waiting for the database", {{"error", store.error().message()}, {"remedy", store.error().remedy()}});
    assembly.on_waiting("the database does not answer at the moment");
    store = open();
  }
  assembly.on_waiting("");
  return store;
}

Result<void> local_metadata(Assembly& assembly) {
  IMGIMPORT_ASSIGN_OR_RETURN(auto store, opened_metadata(assembly));
  assembly.metadata = &add_module<MetadataModule>(assembly, Role::kMetadata, std::move(store)).store();
  return {};
}

ThumbnailOptions thumbnail_options(const Config& config) {
  ThumbnailOptions options;
  options.cache_folder = config.data_dir / "cache" / "thumbnails";
  options.cache_bytes = static_cast<std::uint64_t>(config.storage.thumbnail_cache_mb) << 20;
  options.processes = static_cast<std::size_t>(thumbnail_processes(config.storage));
  return options;
}

Result<void> local_storage(Assembly& assembly) {
  IMGIMPORT_ASSIGN_OR_RETURN(ChosenStore chosen, open_object_store(assembly));
  auto& module = add_module<StorageModule>(assembly, Role::kStorage,
                                           StorageModule::Parts{.store = std::move(chosen.store),
                                                                .tickets = chosen.tickets,
                                                                .thumbnails = thumbnail_options(assembly.config),
                                                                .clock = assembly.clock,
                                                                .metrics = assembly.metrics});
  assembly.store = &module.store();
  assembly.thumbnails = &module.thumbnails();
  return {};
}

void make_http_clients(Assembly& assembly) {
  CurlHttpClientOptions options;
  // One certificate store for all connections: each would parse the CA bundle for itself otherwise.
  assembly.tls_trust = shared_tls_trust({.ca_file = options.ca.file, .ca_directory = options.ca.directory});
  options.tls_setup = assembly.tls_trust;
  assembly.http = std::make_unique<CurlHttpClient>(options);
  options.proxies = ProxyUse::kIgnore;
  assembly.local_http = std::make_unique<CurlHttpClient>(options);
}

Result<void> local_source(Assembly& assembly) {
  if (!assembly.roles.contains(Role::kImport) && !assembly.roles.contains(Role::kWorker)) return {};
  const DriveConfig& drive = assembly.config.drive;
  DriveOptions options;
  options.api_url = drive.api_url;
  options.api_key = drive.api_key;
  options.credentials_file = drive.credentials_file;
  options.impersonate_user = drive.impersonate_user;
  options.acknowledge_abuse = drive.acknowledge_abuse;
  IMGIMPORT_ASSIGN_OR_RETURN(assembly.source, DriveSource::create(options, *assembly.http, assembly.clock));
  assembly.source_budget = make_source_budget(assembly);
  return {};
}

Result<void> local_import(Assembly& assembly) {
  const Config& config = assembly.config;
  ImporterOptions options;
  options.owner = process_identity();
  options.adopts_jobs = !assembly.one_shot;
  options.resumes_jobs = assembly.one_shot;
  options.listing.threads = static_cast<std::size_t>(config.import.listing_threads);
  options.listing.batch_size = static_cast<std::size_t>(config.import.batch_size);
  options.listing.key_prefix = config.storage.object_prefix;
  options.listing.retry_base = config.worker.retry_base;
  options.listing.retry_for = config.worker.retry_for;
  options.refill.batch_size = options.listing.batch_size;
  const ImporterPorts ports{*assembly.source, *assembly.metadata,      *assembly.metadata,
                            *assembly.queue,  *assembly.source_budget, assembly.clock};
  assembly.import = &add_module<ImportModule>(assembly, Role::kImport, options, ports).service();
  return {};
}

Result<void> local_worker(Assembly& assembly) {
  const WorkerConfig& config = assembly.config.worker;
  WorkerOptions options;
  options.threads = static_cast<std::size_t>(config.threads);
  options.memory_bytes = static_cast<std::uint64_t>(config.transfer_memory_mb) << 20;
  options.retry.max_attempts = config.max_attempts;
  options.retry.retry_for = config.retry_for;
  options.retry.base_delay = config.retry_base;
  const WorkerPorts ports{*assembly.queue, *assembly.metadata,      *assembly.metadata, *assembly.source,
                          *assembly.store, *assembly.source_budget, assembly.clock,     assembly.metrics};
  add_module<WorkerModule>(assembly, Role::kWorker, options, ports, *assembly.metadata);
  return {};
}

Result<void> local_gateway(Assembly& assembly) {
  const Config& config = assembly.config;
  GatewayOptions options;
  options.public_url = config.gateway.public_url;
  options.public_bucket_url = config.storage.public_bucket_url;
  options.api_token = config.gateway.api_token;
  options.allow_anonymous = config.gateway.allow_anonymous;
  options.cors_origins = config.gateway.cors_origins;
  options.list_wait = config.import.list_wait;
  const GatewayPorts ports{*assembly.import,       *assembly.metadata, *assembly.store, *assembly.thumbnails,
                           *assembly.request_pool, assembly.clock,     assembly.metrics};
  assembly.gateway = &add_module<GatewayModule>(assembly, Role::kGateway, options, ports);
  return {};
}

std::string url_variable(Role role) {
  std::string name(to_string(role));
  for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
  return name + "_SERVICE_URL";
}

ServiceClient& add_neighbour(Assembly& assembly, Role role) {
  return assembly.neighbours.add({.name = std::string(to_string(role)),
                                  .url = url_of(assembly.config.services, role),
                                  .setting = url_variable(role),
                                  .token = assembly.config.server.internal_token},
                                 *assembly.local_http, assembly.clock);
}

Result<void> remote_metadata(Assembly& assembly) {
  assembly.remote_metadata = std::make_unique<RemoteMetadataStore>(add_neighbour(assembly, Role::kMetadata));
  assembly.metadata = assembly.remote_metadata.get();
  return {};
}

// No credential of the store is needed here: what is put goes by upload ticket.
Result<void> remote_storage(Assembly& assembly) {
  ServiceClient& service = add_neighbour(assembly, Role::kStorage);
  assembly.remote_store = std::make_unique<RemoteObjectStore>(service);
  assembly.ticket_store = std::make_unique<TicketStore>(TicketStoreParts{.issuer = *assembly.remote_store,
                                                                         .http = *assembly.http,
                                                                         .clock = assembly.clock,
                                                                         .base_url = service.address().url,
                                                                         .service_http = assembly.local_http.get()});
  assembly.store = assembly.ticket_store.get();
  assembly.remote_thumbnails = std::make_unique<RemoteThumbnails>(service);
  assembly.thumbnails = assembly.remote_thumbnails.get();
  return {};
}

Result<void> remote_import(Assembly& assembly) {
  assembly.remote_import = std::make_unique<RemoteImportService>(add_neighbour(assembly, Role::kImport));
  assembly.import = assembly.remote_import.get();
  return {};
}

struct Wire {
  Role role;
  std::vector<Role> needs;
  Result<void> (*local)(Assembly&);
  Result<void> (*remote)(Assembly&);
};

const std::array<Wire, 5>& wires() {
  static const std::array<Wire, 5> table{{
      {Role::kMetadata, {}, local_metadata, remote_metadata},
      {Role::kStorage, {}, local_storage, remote_storage},
      {Role::kImport, {Role::kMetadata}, local_import, remote_import},
      {Role::kWorker, {Role::kMetadata, Role::kStorage}, local_worker, nullptr},
      {Role::kGateway, {Role::kImport, Role::kMetadata, Role::kStorage}, local_gateway, nullptr},
  }};
  return table;
}

bool is_needed(Role role, const RoleSet& roles) {
  for (const Wire& wire : wires()) {
    const bool here = roles.contains(wire.role);
    if (here && std::find(wire.needs.begin(), wire.needs.end(), role) != wire.needs.end()) return true;
  }
  return false;
}

// A module that the roles call must be here, or its URL must be known.
Result<void> check_neighbours(const Config& config, const RoleSet& roles) {
  std::string missing;
  std::string variables;
  RoleSet complete = roles;
  for (const Wire& wire : wires()) {
    if (roles.contains(wire.role) || !is_needed(wire.role, roles)) continue;
    if (!url_of(config.services, wire.role).empty()) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(to_string(wire.role));
    variables += (variables.empty() ? "" : ", ") + url_variable(wire.role);
    complete.insert(wire.role);
  }
  if (missing.empty()) return {};
  return Error(ErrorCode::kMisconfigured,
               fmt::format("--role={} calls modules that are neither in the role nor known by a URL: {}",
                           to_string(roles), missing))
      .with_remedy(fmt::format("Set {} to where they run (http://host:port), or run them here: --role={}", variables,
                               to_string(complete)));
}

}  // namespace

std::vector<Role> in_wiring_order(const RoleSet& roles) {
  std::vector<Role> ordered;
  for (const Wire& wire : wires()) {
    if (roles.contains(wire.role)) ordered.push_back(wire.role);
  }
  return ordered;
}

Result<void> assemble(Assembly& assembly) {
  IMGIMPORT_RETURN_IF_ERROR(check_neighbours(assembly.config, assembly.roles));
  make_http_clients(assembly);
  IMGIMPORT_RETURN_IF_ERROR(connect_broker(assembly));
  IMGIMPORT_RETURN_IF_ERROR(local_source(assembly));
  for (const Wire& wire : wires()) {
    if (assembly.roles.contains(wire.role)) {
      IMGIMPORT_RETURN_IF_ERROR(wire.local(assembly));
    } else if (is_needed(wire.role, assembly.roles)) {
      IMGIMPORT_RETURN_IF_ERROR(wire.remote(assembly));
    }
  }
  return assembly.neighbours.check();
}

Result<void> check_start(const Config& config, const RoleSet& roles) {
  IMGIMPORT_RETURN_IF_ERROR(check_neighbours(config, roles));
  IMGIMPORT_RETURN_IF_ERROR(check_broker(config, roles));
  if (!config.server.tls_cert_file.empty()) {
    const auto tls = load_tls({config.server.tls_cert_file.string(), config.server.tls_key_file.string()});
    if (!tls.has_value()) return naming_the_setting(tls.error(), "PORT");
  }
  if (roles.contains(Role::kMetadata)) IMGIMPORT_RETURN_IF_ERROR(check_database(config));
  if (roles.contains(Role::kStorage)) IMGIMPORT_RETURN_IF_ERROR(check_object_store(config));
  Assembly assembly(config, roles);
  make_http_clients(assembly);
  return local_source(assembly);
}

Result<std::string> plan_text(const Config& config, const RoleSet& roles) {
  IMGIMPORT_RETURN_IF_ERROR(check_neighbours(config, roles));
  IMGIMPORT_RETURN_IF_ERROR(check_broker(config, roles));
  std::string text;
  for (const Wire& wire : wires()) {
    const std::string_view name = to_string(wire.role);
    if (roles.contains(wire.role)) {
      text += fmt::format("{:<9} in this process, port {}\n", name, port_of(config.server, wire.role, roles));
    } else if (is_needed(wire.role, roles)) {
      text += fmt::format("{:<9} at {}\n", name, url_of(config.services, wire.role));
    } else {
      text += fmt::format("{:<9} not used\n", name);
    }
  }
  if (roles.contains(Role::kGateway)) {
    text += fmt::format("{:<9} in this process, port {}\n", "web app", config.server.frontend_port);
  }
  return text;
}

}  // namespace imgimport
