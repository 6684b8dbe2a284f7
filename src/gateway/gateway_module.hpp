// The gateway: the public REST API in front of import service, metadata and object store.
//
// Threading: as Module. Its handlers run on the request pool; waiting replies and event streams hold no thread.
#pragma once

#include "base/metrics.hpp"
#include "gateway/access.hpp"
#include "gateway/cors.hpp"
#include "gateway/database_watch.hpp"
#include "gateway/image_routes.hpp"
#include "gateway/import_routes.hpp"
#include "gateway/journal_progress.hpp"
#include "gateway/options.hpp"
#include "gateway/progress_poller.hpp"
#include "gateway/timer.hpp"
#include "gateway/verify_routes.hpp"
#include "gateway/web/web_app.hpp"
#include "imgimport/executor.hpp"
#include "imgimport/module.hpp"

namespace imgimport {

// Everything outlives the module.
struct GatewayPorts {
  ImportService& imports;
  MetadataStore& metadata;
  ObjectStore& objects;
  Thumbnails& thumbnails;
  Executor& requests;  // the request pool
  const Clock& clock;
  MetricsRegistry& metrics;
};

class GatewayModule : public Module {
 public:
  // REQUIRES: the HTTP server that serves its routes has stopped before it goes.
  GatewayModule(GatewayOptions options, const GatewayPorts& ports);
  ~GatewayModule() override;

  std::string_view name() const override { return "gateway"; }
  // Adds the routes of the public API, the web app, and the guard: the router is the gateway's own.
  void mount(Router& router) override;
  Result<void> start() override;
  // Replies that wait for a listing go out with the count so far; event streams and verifications end.
  void drain() override;
  void stop(std::chrono::steady_clock::time_point deadline) override;
  // Degraded while the database does not answer.
  Health health() const override;

  // Where browsers reach it, when that is known only once the port is open. REQUIRES: before start().
  void reached_at(std::string public_url);

 private:
  GatewayOptions options_;  // constant from start() on
  const GatewayPorts ports_;
  const Cors cors_;
  Access access_;     // likewise
  ImageLinks links_;  // likewise
  JournalProgress imports_;
  Timer timer_;
  ProgressPoller poller_;
  DatabaseWatch database_;
  ImportRoutes import_routes_;
  ImageRoutes image_routes_;
  VerifyRoutes verify_routes_;
  const WebApp web_app_;
};

}  // namespace imgimport
