#include "gateway/gateway_module.hpp"

#include <utility>

#include "gateway/session_routes.hpp"
#include "gateway/web/openapi_route.hpp"

namespace imgimport {
namespace {

void remove_slashes_at_end(std::string& url) {
  while (url.ends_with('/')) url.pop_back();
}

GatewayOptions tidy(GatewayOptions options) {
  remove_slashes_at_end(options.public_url);
  remove_slashes_at_end(options.public_bucket_url);
  return options;
}

// Behind REST it is asked for once; a record that is shown before that has the gateway's own URL, which works as well.
std::optional<StorePlace> place_of(ObjectStore& objects) {
  auto place = objects.place(CallContext{}.with_timeout(std::chrono::milliseconds(200)));
  if (!place.has_value()) return std::nullopt;
  return *std::move(place);
}

}  // namespace

GatewayModule::GatewayModule(GatewayOptions options, const GatewayPorts& ports)
    : options_(tidy(std::move(options))),
      ports_(ports),
      cors_(options_.cors_origins),
      access_(options_, cors_),
      links_{options_.public_url, options_.public_bucket_url, [&ports = ports_] { return place_of(ports.objects); }},
      imports_(ports.imports, ports.metadata),
      timer_(ports.requests),
      poller_({imports_, timer_,
               ports.metrics.gauge("imgimport_api_waiting_clients",
                                   "Replies and event streams that wait for a job's progress."),
               options_.call_timeout}),
      database_(ports.metadata, timer_, ports.clock, options_.ping_interval),
      import_routes_({options_, imports_, ports.metadata, poller_, ports.clock, links_}),
      image_routes_({options_, ports.metadata, ports.objects, ports.thumbnails, links_}),
      verify_routes_(options_, {ports.metadata, ports.metadata, ports.objects}) {}

void GatewayModule::reached_at(std::string public_url) {
  options_.public_url = std::move(public_url);
  remove_slashes_at_end(options_.public_url);
  access_.set_public_url(options_.public_url);
  links_.public_url = options_.public_url;
}

GatewayModule::~GatewayModule() {
  stop(std::chrono::steady_clock::now());
}

void GatewayModule::mount(Router& router) {
  ApiRouter api({router, cors_, access_, ports_.metrics});
  import_routes_.mount(api);
  image_routes_.mount(api);
  verify_routes_.mount(api);
  mount_session_routes(api, access_);
  mount_openapi_route(api);
  api.finish();
  web_app_.mount(router);
}

Result<void> GatewayModule::start() {
  database_.start();
  return {};
}

void GatewayModule::drain() {
  poller_.drain();
  verify_routes_.drain();
}

// Polls are short reads, and a verification can be repeated: they are cancelled at once, whatever the deadline.
void GatewayModule::stop(std::chrono::steady_clock::time_point) {
  poller_.drain();
  timer_.stop();
  poller_.stop();
  verify_routes_.stop();
  database_.stop();
}

Health GatewayModule::health() const {
  Health health;
  if (std::string trouble = database_.trouble(); !trouble.empty()) {
    health.status = HealthStatus::kDegraded;
    health.troubles.push_back({"database", std::move(trouble)});
  }
  return health;
}

}  // namespace imgimport
