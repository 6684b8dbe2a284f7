// Every service as a process of its own: whole imports, and what still works while a part of them is dead.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <string>

#include "emulators/drive/drive_emulator.hpp"
#include "support/child_process.hpp"
#include "support/import_audit.hpp"
#include "support/postgres.hpp"
#include "support/radosgw.hpp"
#include "support/redis_server.hpp"
#include "support/split_deployment.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

using Settings = std::map<std::string, std::string>;

struct Scene {
  DriveEmulator drive;
  std::string folder = drive.tree().add_folder(drive.root_id(), "album");
  RedisServer redis;
  TempDir dir;
  std::filesystem::path data = dir.path() / "data";
  std::size_t images;

  explicit Scene(std::size_t count, std::chrono::milliseconds latency = {}) : images(count) {
    drive.tree().add_files(folder, {.count = count, .size = 4'000});
    emulator::FaultRule slow;
    slow.latency = latency;
    if (latency > latency.zero()) drive.faults().add(slow);
    REQUIRE(drive.start().has_value());
  }
  std::string link() const { return DriveEmulator::folder_link(folder); }
  Settings settings() const {
    Settings settings = settings_for(drive);
    settings["REDIS_URL"] = redis.url();
    settings["WORKER_THREADS"] = "20";
    settings["BATCH_SIZE"] = "20";
    return settings;
  }
};

std::int64_t count(const boost::json::object& status, const char* name) {
  return status.at(name).to_number<std::int64_t>();
}

// Until so many images are imported; a 503 on the way is the answer of a gateway whose neighbour is away.
void wait_for(ServerProcess& gateway, const std::string& job, std::int64_t images) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  for (;;) {
    const Reply reply = gateway.get("/api/import/status/" + job + "?imported=0");
    REQUIRE((reply.status == 200 || reply.status == 503));
    if (reply.status == 200) {
      REQUIRE(equation_error(reply.json.as_object()) == "");
      if (count(reply.json.as_object(), "imported_count") >= images) return;
    }
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

// Until /health of the gateway names the part, or (empty) is healthy again.
void wait_for_health(ServerProcess& gateway, const std::string& part) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    const std::string body = gateway.get("/health").body;
    const bool degraded = body.find("degraded") != std::string::npos;
    if (part.empty() ? !degraded : degraded && body.find('"' + part + '"') != std::string::npos) return;
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

void check_complete(ServerProcess& gateway, Scene& scene, const std::string& job) {
  wait_for(gateway, job, static_cast<std::int64_t>(scene.images));
  const auto status = gateway.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == static_cast<std::int64_t>(scene.images));
  CHECK(count(status, "imported_count") == static_cast<std::int64_t>(scene.images));
  const auto records = all_records(gateway);
  CHECK(records.size() == scene.images);
  CHECK(audit_against_source(scene.drive.tree(), records) == "");
}

int status_of(ServerProcess& gateway, const std::string& path) {
  return gateway.get(path).status;
}

}  // namespace

TEST_CASE("five processes do what one does: import, look, verify, delete", "[split]") {
  Scene scene(300);
  SplitDeployment services(scene.data, scene.settings());
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  check_complete(gateway, scene, job);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  for (const std::string& name : services.names()) {
    CAPTURE(name);
    CHECK(gateway.get(services.service(name).url() + "/health").body.find("\"healthy\"") != std::string::npos);
    CHECK(gateway.get(services.service(name).url() + "/ready").status == 200);
  }

  const Reply page = gateway.get("/api/images?per_page=1");
  const auto& image = page.json.at("images").as_array().at(0).as_object();
  const std::string path = "/api/images/" + std::to_string(image.at("id").as_int64());
  const Reply content = gateway.get(path + "/content");
  CHECK(content.status == 200);
  CHECK(static_cast<std::int64_t>(content.body.size()) == image.at("size").as_int64());
  HttpHeaders range;
  range.set("Range", "bytes=10-19");
  const Reply part = gateway.request(HttpMethod::kGet, path + "/content", "", range);
  CHECK(part.status == 206);
  CHECK(part.body == content.body.substr(10, 10));

  const Reply verified = gateway.post("/api/import/" + job + "/verify");
  CHECK(verified.status == 200);
  CHECK(verified.json.at("ok").to_number<std::int64_t>() == 300);

  CHECK(gateway.request(HttpMethod::kDelete, path).status == 200);
  CHECK(status_of(gateway, path) == 404);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  CHECK(count(gateway.get("/api/stats").json.as_object(), "total_images") == 299);
  for (const std::string& name : services.names()) {
    CAPTURE(name);
    CHECK(services.service(name).stop() == 0);
  }
}

TEST_CASE("each service killed in turn during an import: what else works goes on, and every image arrives once",
          "[split]") {
  Scene scene(3'000, std::chrono::milliseconds(60));
  SplitDeployment services(scene.data, scene.settings(), 2);
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  wait_for(gateway, job, 100);

  // Without storage: lists and progress work, bytes do not, and the import waits.
  services.kill("storage");
  wait_for_health(gateway, "storage");
  CHECK(status_of(gateway, "/api/images?per_page=1") == 200);
  CHECK(status_of(gateway, "/api/import/status/" + job + "?imported=0") == 200);
  const Reply no_bytes = gateway.get("/api/images/1/content");
  CHECK(no_bytes.status == 503);
  CHECK(no_bytes.json.at("error").as_string().find("storage service") != std::string::npos);
  CHECK_FALSE(no_bytes.json.at("remedy").as_string().empty());
  services.start("storage");
  wait_for_health(gateway, "");

  // Without import: what is queued is worked off, images can be looked at; imports cannot be begun.
  services.kill("import");
  wait_for_health(gateway, "import");
  CHECK(status_of(gateway, "/api/images/1/content") == 200);
  CHECK(gateway.post("/api/import/google-drive", R"({"folder_url":")" + scene.link() + "\"}").status == 503);
  CHECK(status_of(gateway, "/api/import/status/" + job + "?imported=0") == 200);
  services.start("import");
  wait_for_health(gateway, "");
  wait_for(gateway, job, 500);

  // Without metadata: nothing but health.
  services.kill("metadata");
  wait_for_health(gateway, "metadata");
  CHECK(status_of(gateway, "/api/images?per_page=1") == 503);
  CHECK(status_of(gateway, "/ready") == 503);
  services.start("metadata");
  wait_for_health(gateway, "");

  services.kill("worker0");
  wait_for(gateway, job, 1'000);
  services.start("worker0");

  services.kill("gateway");
  services.start("gateway");
  check_complete(services.gateway(), scene, job);
  CHECK(audit_objects(scene.data, all_records(services.gateway())) == "");
}

TEST_CASE("split services with PostgreSQL and S3: no credential but with storage, and no byte through it", "[split]") {
  Scene scene(300);
  const PostgresDatabase database;
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("split");
  Settings settings = scene.settings();
  settings["DATABASE_URL"] = PostgresServer::shared().url(database.name());
  for (const auto& [name, value] : s3.settings("split")) settings[name] = value;
  SplitDeployment services(scene.data, settings, 2);
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  check_complete(gateway, scene, job);
  const Reply verified = gateway.post("/api/import/" + job + "/verify");
  CHECK(verified.json.at("ok").to_number<std::int64_t>() == 300);
  CHECK_FALSE(std::filesystem::exists(scene.data / "objects"));
}

TEST_CASE("a service that is refused, or finds another one in its neighbour's place, says so in one sentence",
          "[split]") {
  Scene scene(1);
  SplitDeployment services(scene.data, scene.settings());
  struct Case {
    const char* setting;
    std::string value;
    const char* says;
  };
  for (const Case& wrong : {Case{"INTERNAL_TOKEN", "another", "INTERNAL_TOKEN"},
                            Case{"METADATA_SERVICE_URL", services.service("storage").url(), "METADATA_SERVICE_URL"},
                            Case{"STORAGE_SERVICE_URL", scene.drive.url(), "STORAGE_SERVICE_URL"}}) {
    CAPTURE(wrong.setting);
    Settings settings = scene.settings();
    settings["INTERNAL_TOKEN"] = "the-services-own-token";
    settings["METADATA_SERVICE_URL"] = services.service("metadata").url();
    settings["STORAGE_SERVICE_URL"] = services.service("storage").url();
    settings["PORT"] = "0";
    settings["DATA_DIR"] = scene.data.string();
    settings[wrong.setting] = wrong.value;
    ChildOptions options;
    options.program = program_under_test();
    options.arguments = {"--role=worker"};
    options.environment = settings;
    options.directory = scene.dir.path();
    ChildProcess process(options);
    CHECK(process.wait(std::chrono::seconds(30)) == 2);
    CHECK(process.error_output().find(wrong.says) != std::string::npos);
    CHECK(process.error_output().find("another") == std::string::npos);
  }
}
