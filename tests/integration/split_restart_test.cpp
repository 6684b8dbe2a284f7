// A rolling restart: SIGTERM to each service in turn, and the new one in its place, while an import runs and clients
// ask the gateway all the time.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "split_scene.hpp"
#include "support/api_callers.hpp"
#include "support/import_audit.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

TEST_CASE("a rolling restart of every service fails no import, and no call that is repeated once", "[split]") {
  const int rounds = kill_rounds(0) > 0 ? 3 : 1;
  Scene scene({.images = 1'500, .latency = std::chrono::milliseconds(500)});
  const std::string side = scene.drive.tree().add_folder(scene.drive.root_id(), "empty");
  SplitDeployment services(scene.data, scene.settings(), 2);
  ServerProcess& first = services.gateway();
  const std::string job = first.import_folder(scene.link());
  wait_for_images(first, job, 40);
  const auto image = first.get("/api/images?per_page=1").json.at("images").as_array().at(0).at("id").as_int64();

  // What clients do whose call failed: wait until the gateway says that all is well, and repeat it, once. A POST has an
  // Idempotency-Key of its own, which makes that safe.
  ApiCallers callers({.url = first.url(),
                      .calls = {{.path = "/api/import/status/" + job + "?imported=0"},
                                {.path = "/api/images?per_page=5"},
                                {.path = "/api/images/" + std::to_string(image) + "/content"},
                                {.path = "/api/import/jobs?limit=5"},
                                {.path = "/api/stats"},
                                {.method = HttpMethod::kPost,
                                 .path = "/api/import/google-drive",
                                 .body = R"({"folder_url":")" + emulator::DriveEmulator::folder_link(side) + "\"}"}},
                      .threads = 3,
                      .on_failure = OnFailure::kRepeatOnce});
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& name : services.names()) {
      CAPTURE(round, name);
      CHECK(services.stop(name) == 0);
      services.start(name);
      wait_for_health(services.service("import"), "");
      wait_for_health(services.gateway(), "");
      callers.repeat_what_failed();
      CHECK(status_of(services.gateway(), "/api/import/status/" + job + "?imported=0") == 200);
    }
  }
  scene.drive.faults().clear();
  services.gateway().wait_for_job(job);
  CHECK(callers.stop() == "");
  CHECK(callers.answered() > 50);
  check_complete(services.gateway(), scene, job);
  CHECK(audit_objects(scene.data, all_records(services.gateway())) == "");
}
