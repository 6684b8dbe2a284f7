// Everything that a process consists of, in the order in which it is built. Destroyed in reverse.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "app/neighbours.hpp"
#include "base/metrics.hpp"
#include "base/system_clock.hpp"
#include "base/thread_pool.hpp"
#include "config/config.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/job_queue.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/module.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/rate_budget.hpp"
#include "imgimport/source.hpp"
#include "imgimport/thumbnails.hpp"
#include "redis/client.hpp"

namespace imgimport {

class GatewayModule;

struct ModuleInPlace {
  Role role;
  std::unique_ptr<Module> module;
  std::unique_ptr<Router> router;
};

struct Assembly {
  Assembly(const Config& process_config, RoleSet process_roles)
      : config(process_config),
        roles(std::move(process_roles)),
        request_pool(std::make_unique<ThreadPool>("request", static_cast<std::size_t>(config.server.request_threads))) {
  }

  const Config& config;
  const RoleSet roles;
  bool one_shot = false;  // drives its own job only, and opens no port
  // Of a start that may take its time: calls it off.
  std::stop_token called_off;
  // Told what assembling waits for, "" when it goes on. Where it is empty, nothing is waited for: that is an error.
  std::function<void(std::string trouble)> on_waiting;

  SystemClock clock;
  MetricsRegistry metrics;
  std::unique_ptr<ThreadPool> request_pool;
  // Has a TLS connection trust the authorities that this process trusts; crypto's shared_tls_trust.
  std::function<bool(void* ssl_context, std::uint64_t* records_read)> tls_trust;
  std::unique_ptr<HttpClient> http;        // towards Drive and the object store
  std::unique_ptr<HttpClient> local_http;  // to this machine and its cloud's metadata, past any proxy
  std::unique_ptr<Source> source;
  std::unique_ptr<RedisClient> redis;  // where REDIS_URL is set
  std::unique_ptr<RateBudget> source_budget;
  std::unique_ptr<JobQueue> queue;

  // Modules in other processes.
  Neighbours neighbours;
  std::unique_ptr<MetadataStore> remote_metadata;
  std::unique_ptr<ObjectStore> remote_store;
  std::unique_ptr<ObjectStore> ticket_store;  // over remote_store: how a worker puts there
  std::unique_ptr<Thumbnails> remote_thumbnails;
  std::unique_ptr<ImportService> remote_import;

  // Set by whichever factory provides it, local or remote.
  MetadataStore* metadata = nullptr;
  ObjectStore* store = nullptr;
  Thumbnails* thumbnails = nullptr;
  ImportService* import = nullptr;
  GatewayModule* gateway = nullptr;  // where it is in this process

  std::vector<ModuleInPlace> modules;  // in the order of the wiring table
};

}  // namespace imgimport
