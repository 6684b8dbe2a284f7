#include "split_scene.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "support/import_audit.hpp"

namespace imgimport::split {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kPatience{180};

emulator::EmulatorOptions at(const std::string& address) {
  emulator::EmulatorOptions options;
  options.address = address;
  return options;
}

}  // namespace

Scene::Scene(SceneOptions options)
    : drive(at(options.address)),
      folder(drive.tree().add_folder(drive.root_id(), "album")),
      redis({}, options.address),
      data(dir.path() / "data"),
      images(options.images) {
  if (images > 0) drive.tree().add_files(folder, {.count = images, .size = 4'000});
  emulator::FaultRule slow;
  slow.latency = options.latency;
  if (options.latency > options.latency.zero()) drive.faults().add(slow);
  REQUIRE(drive.start().has_value());
}

Settings Scene::settings() const {
  Settings settings = settings_for(drive);
  settings["REDIS_URL"] = redis.url();
  settings["WORKER_THREADS"] = "20";
  settings["BATCH_SIZE"] = "20";
  return settings;
}

void wait_for_images(ServerProcess& gateway, const std::string& job, std::size_t images) {
  const auto deadline = steady_clock::now() + kPatience;
  for (;;) {
    const Reply reply = gateway.get("/api/import/status/" + job + "?imported=0");
    REQUIRE((reply.status == 200 || reply.status == 503));
    if (reply.status == 200) {
      REQUIRE(equation_error(reply.json.as_object()) == "");
      if (count(reply.json.as_object(), "imported_count") >= static_cast<std::int64_t>(images)) return;
    }
    REQUIRE(steady_clock::now() < deadline);
    let_it_run(std::chrono::milliseconds(20));
  }
}

void wait_for_health(ServerProcess& service, const std::string& part) {
  const auto deadline = steady_clock::now() + kPatience;
  for (;;) {
    const std::string body = service.get("/health").body;
    const bool degraded = body.find("degraded") != std::string::npos;
    if (part.empty() ? !degraded : degraded && body.find('"' + part + '"') != std::string::npos) return;
    CAPTURE(body);
    REQUIRE(steady_clock::now() < deadline);
    let_it_run(std::chrono::milliseconds(20));
  }
}

void check_complete(ServerProcess& gateway, Scene& scene, const std::string& job) {
  wait_for_images(gateway, job, scene.images);
  const auto status = gateway.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == static_cast<std::int64_t>(scene.images));
  CHECK(count(status, "imported_count") == static_cast<std::int64_t>(scene.images));
  CHECK(count(status, "failed") == 0);
  const auto records = all_records(gateway);
  CHECK(records.size() == scene.images);
  CHECK(audit_against_source(scene.drive.tree(), records) == "");
}

int status_of(ServerProcess& gateway, const std::string& path) {
  return gateway.get(path).status;
}

int kill_rounds(int usually) {
  const char* given = std::getenv("IMGIMPORT_KILL_ROUNDS");
  return given != nullptr ? std::atoi(given) : usually;
}

}  // namespace imgimport::split
