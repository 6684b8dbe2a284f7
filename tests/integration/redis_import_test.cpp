// Whole imports with Redis between import and worker: what becomes of them when Redis dies, is emptied, or hangs.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <string>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

using Settings = std::map<std::string, std::string>;

struct Album {
  DriveEmulator drive;
  std::string folder = drive.tree().add_folder(drive.root_id(), "album");

  Album(std::size_t images, std::chrono::milliseconds latency) {
    drive.tree().add_files(folder, {.count = images, .size = 4'000});
    emulator::FaultRule slow;
    slow.latency = latency;
    if (latency > latency.zero()) drive.faults().add(slow);
    REQUIRE(drive.start().has_value());
  }
  std::string link() const { return DriveEmulator::folder_link(folder); }
};

Settings settings_with(const Album& album, const RedisServer& redis) {
  Settings settings = settings_for(album.drive);
  settings["REDIS_URL"] = redis.url();
  settings["WORKER_THREADS"] = "20";
  settings["BATCH_SIZE"] = "20";
  return settings;
}

boost::json::object status_of(ServerProcess& server, const std::string& job) {
  const Reply reply = server.get("/api/import/status/" + job + "?imported=0");
  REQUIRE(reply.status == 200);
  REQUIRE(equation_error(reply.json.as_object()) == "");
  return reply.json.as_object();
}

// Until so many images are imported.
void wait_for(ServerProcess& server, const std::string& job, std::int64_t images) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (count(status_of(server, job), "imported_count") < images) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

// Until /health says so, with the queue as the trouble.
void wait_for_degraded(ServerProcess& server) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string health;
  while ((health = server.get("/health").body).find("degraded") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  CHECK(health.find("queue") != std::string::npos);
}

void check_complete(ServerProcess& server, Album& album, const std::filesystem::path& data, const std::string& job,
                    std::size_t images) {
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == static_cast<std::int64_t>(images));
  CHECK(count(status, "imported_count") == static_cast<std::int64_t>(images));
  const auto records = all_records(server);
  CHECK(records.size() == images);
  CHECK(audit_objects(data, records) == "");
  CHECK(audit_against_source(album.drive.tree(), records) == "");
}

}  // namespace

TEST_CASE("an import survives a Redis that is killed, comes back empty, is emptied, and hangs", "[redis]") {
  constexpr std::size_t kImages = 2'000;
  Album album(kImages, std::chrono::milliseconds(20));
  RedisServer redis;
  const TempDir dir;
  const auto data = dir.path() / "data";
  ServerProcess server(data, settings_with(album, redis));
  const std::string job = server.import_folder(album.link());

  wait_for(server, job, 200);
  redis.kill();
  wait_for_degraded(server);
  status_of(server, job);  // what needs no Redis goes on
  redis.restart();
  wait_for(server, job, 600);
  redis.restart();
  wait_for(server, job, 900);
  RedisClient client(redis.options());
  REQUIRE(client.run(CallContext{}, {"FLUSHALL"}).has_value());
  wait_for(server, job, 1'200);
  redis.pause();
  wait_for_degraded(server);
  status_of(server, job);
  redis.go_on();
  check_complete(server, album, data, job, kImages);
  // A batch that is under way here is not begun again because Redis forgot it.
  CHECK(album.drive.counters().values().download < static_cast<std::int64_t>(kImages) * 5 / 4);
  CHECK(server.stop() == 0);
  CHECK(client.run(CallContext{}, {"XLEN", "imgimport:{queue}:batches"}).value().integer == 0);
  CHECK(client.run(CallContext{}, {"HLEN", "imgimport:{queue}:index"}).value().integer == 0);
}

TEST_CASE("kill -9 of the process that holds the leases: the next one has its batches at once", "[redis]") {
  constexpr std::size_t kImages = 600;
  Album album(kImages, std::chrono::milliseconds(20));
  RedisServer redis;
  const TempDir dir;
  const auto data = dir.path() / "data";
  const Settings settings = settings_with(album, redis);
  std::string job;
  {
    ServerProcess server(data, settings);
    job = server.import_folder(album.link());
    wait_for(server, job, 100);
    server.kill_hard();
  }
  ServerProcess server(data, settings);
  wait_for(server, job, 300);
  CHECK(server.stop() == 0);  // the lot that is under way goes back
  ServerProcess third(data, settings);
  check_complete(third, album, data, job, kImages);
  CHECK(third.stop() == 0);
}

TEST_CASE("an import begins without Redis, and goes on when it comes", "[redis]") {
  Album album(100, std::chrono::milliseconds(0));
  RedisServer redis;
  const TempDir dir;
  const auto data = dir.path() / "data";
  redis.kill();
  ServerProcess server(data, settings_with(album, redis));
  const std::string job = server.import_folder(album.link());
  wait_for_degraded(server);
  CHECK(count(status_of(server, job), "imported_count") == 0);
  redis.restart();
  check_complete(server, album, data, job, 100);
}

TEST_CASE("a Redis that asks for another password ends the start with one sentence", "[redis]") {
  RedisServer redis({"--requirepass", "right"});
  const TempDir dir;
  for (const std::string& url :
       {redis.url(), "redis://:wr%6Fng@127.0.0.1:" + std::to_string(redis.port()), redis.url() + "/99",
        std::string("redis://127.0.0.1:many"), std::string("redis://:sesame@")}) {
    CAPTURE(url);
    ChildOptions options;
    options.program = program_under_test();
    options.arguments = {"--role=all"};
    options.environment = {{"GATEWAY_PORT", "0"},
                           {"FRONTEND_PORT", "0"},
                           {"IMPORT_PORT", "0"},
                           {"METADATA_PORT", "0"},
                           {"STORAGE_PORT", "0"},
                           {"WORKER_PORT", "0"},
                           {"DATA_DIR", (dir.path() / "data").string()},
                           {"REDIS_URL", url}};
    options.directory = dir.path();
    ChildProcess process(options);
    CHECK(process.wait(std::chrono::seconds(30)) == 2);
    CHECK(process.error_output().find("REDIS_URL") != std::string::npos);
    CHECK(process.error_output().find("wrong") == std::string::npos);
    CHECK(process.error_output().find("sesame") == std::string::npos);
  }
}
