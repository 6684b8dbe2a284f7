// Every service on a host of its own, and links on which packets vanish: unlike a killed process, nothing refuses a
// connection, and only deadlines end a call.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "split_scene.hpp"
#include "support/api_callers.hpp"
#include "support/host_network.hpp"
#include "support/import_audit.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

namespace {

// Until calls of the neighbour are refused at once, without asking it: that refusal alone names the service in its
// remedy. Each of them is a 503; a call that waited for the neighbour until its deadline may be a 504.
void wait_for_open_breaker(ServerProcess& gateway, const std::string& path, const std::string& service) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  for (;;) {
    const Reply reply = gateway.get(path);
    CAPTURE(reply.body.substr(0, 300));
    if (reply.status != 504) {
      REQUIRE(reply.status == 503);
      REQUIRE(reply.json.at("error").as_string().find(service + " service") != std::string::npos);
      if (reply.json.at("remedy").as_string().starts_with("Start the " + service + " service")) return;
    }
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

}  // namespace

TEST_CASE(
    "services on hosts of their own: links to storage, Redis and metadata swallow all packets for a while, calls "
    "end by their deadline, and the import goes on",
    "[split][network]") {
  if (const std::string why = HostNetwork::impossible(); !why.empty()) {
    WARN("left out: " << why);
    return;
  }
  const bool is_long = kill_rounds(0) > 0;
  HostNetwork network;
  Scene scene({.images = is_long ? 5'000U : 800U,
               .latency = std::chrono::milliseconds(700),
               .address = network.router_address()});
  Settings settings = scene.settings();
  settings["ALLOW_ANONYMOUS"] = "true";
  SplitDeployment services(
      scene.data, settings,
      {.workers = 2, .place = [&](const std::string& name) {
         return SplitDeployment::Place{network.launcher(name), {{"LISTEN_ADDRESS", network.address(name)}}};
       }});
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  const std::string status = "/api/import/status/" + job + "?imported=0";
  const auto imported = [&] {
    return static_cast<std::size_t>(count(gateway.get(status).json.as_object(), "imported_count"));
  };
  wait_for_images(gateway, job, 40);
  ApiCallers callers({.url = gateway.url(),
                      .calls = {{.path = status},
                                {.path = "/api/images/1/content"},
                                {.path = "/api/images?per_page=5"},
                                {.path = "/api/import/queue"},
                                {.path = "/health"}},
                      .threads = 3});

  network.cut("storage");
  wait_for_health(gateway, "storage");
  wait_for_open_breaker(gateway, "/api/images/1/content", "storage");
  CHECK(status_of(gateway, "/api/images?per_page=1") == 200);
  CHECK(status_of(gateway, status) == 200);
  callers.await_a_turn();  // what hung on the dead link has ended while that is dead
  network.mend("storage");
  wait_for_health(gateway, "");
  CHECK(status_of(gateway, "/api/images/1/content") == 200);
  wait_for_images(gateway, job, imported() + 40);

  network.cut(scene.redis.port());
  wait_for_health(services.service("import"), "queue");
  CHECK(status_of(gateway, status) == 200);
  CHECK(status_of(gateway, "/api/images/1/content") == 200);
  CHECK(status_of(gateway, "/api/import/queue") == 503);
  callers.await_a_turn();
  network.mend(scene.redis.port());
  wait_for_health(services.service("import"), "");
  wait_for_images(gateway, job, imported() + 40);

  network.cut("metadata");
  wait_for_health(gateway, "metadata");
  wait_for_open_breaker(gateway, status, "metadata");
  CHECK(status_of(gateway, "/ready") == 503);
  callers.await_a_turn();
  network.mend("metadata");
  wait_for_health(gateway, "");
  wait_for_images(gateway, job, imported() + 40);

  scene.drive.faults().clear();
  gateway.wait_for_job(job);
  CHECK(callers.stop() == "");
  check_complete(gateway, scene, job);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  CHECK(services.stop() == 0);
}
