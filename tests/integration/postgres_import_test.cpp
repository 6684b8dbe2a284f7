// Whole imports with their metadata in PostgreSQL, whose server goes away meanwhile.
#include <array>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "cloud_import.hpp"
#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/postgres.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

using namespace imgimport;
using namespace imgimport::cloud;

namespace {

// Asks for /health until it says so; empty = it did, else what it said last.
std::string await_health(ServerProcess& server, const std::string& status) {
  std::string said;
  for (int i = 0; i < 150; ++i) {
    const Reply reply = server.get("/health");
    said = std::to_string(reply.status) + " " + reply.body;
    if (reply.status == 200 && text(reply.json.as_object().at("status")) == status) return "";
    let_it_run(std::chrono::milliseconds(100));
  }
  return said;
}

emulator::FaultRule slow_downloads() {
  emulator::FaultRule latency;
  latency.latency = std::chrono::milliseconds(40);
  return latency;
}

}  // namespace

TEST_CASE("an import outlives the database server's death, and health says degraded meanwhile") {
  PostgresServer postgres;
  const std::string database = postgres.create_database();
  Album album({.count = 5'000, .size = 4'000});
  album.drive.faults().add(slow_downloads());
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  auto settings =
      merged(settings_for(album.drive), {{"DATABASE_URL", postgres.url(database)}, {"WORKER_THREADS", "50"}});
  ServerProcess server(dir.path() / "data", settings);
  CHECK(await_health(server, "healthy") == "");
  const std::string job = server.import_folder(album.link());
  for (int round = 0; round < 2; ++round) {
    let_it_run(std::chrono::milliseconds(700));
    postgres.kill();
    CHECK(await_health(server, "degraded") == "");
    for (const std::string& path :
         std::array<std::string, 3>{"/api/stats", "/api/import/status/" + job, "/api/import/" + job + "/events"}) {
      CAPTURE(path);
      const Reply refused = server.get(path);
      CHECK(refused.status == 503);
      CHECK(text(refused.json.as_object().at("code")) == "database_unavailable");
      CHECK(text(refused.json.as_object().at("error")) == "the metadata database is not available");
      CHECK(refused.headers.find("Retry-After").has_value());
    }
    postgres.start();
    CHECK(await_health(server, "healthy") == "");
  }
  album.drive.faults().clear();
  const auto status = server.wait_for_job(job);
  INFO(boost::json::serialize(status).substr(0, 600));
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == 5'000);
  CHECK(count(status, "processed") == 5'000);
  const auto records = all_records(server);
  CHECK(records.size() == 5'000);
  CHECK(audit_objects(dir.path() / "data", records) == "");
  CHECK(audit_against_source(album.drive.tree(), records) == "");
  CHECK(server.stop() == 0);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "data" / "imgimport.db"));
}

TEST_CASE("connections that are terminated again and again cost an import nothing but time") {
  for (const bool odbc : {false, true}) {
    PostgresServer& postgres = PostgresServer::shared();
    const PostgresDatabase database;
    Album album({.count = 1'000, .size = 4'000});
    album.drive.faults().add(slow_downloads());
    REQUIRE(album.drive.start().has_value());
    const TempDir dir;
    const std::string url = odbc ? postgres.odbc_url(database.name()) : postgres.url(database.name());
    ServerProcess server(dir.path() / "data",
                         merged(settings_for(album.drive), {{"DATABASE_URL", url}, {"WORKER_THREADS", "50"}}));
    const std::string job = server.import_folder(album.link());
    int ended = 0;
    for (int round = 0; round < 20; ++round) {
      let_it_run(std::chrono::milliseconds(60));
      ended += postgres.terminate_connections(database.name());
    }
    CHECK(ended > 0);
    const auto status = server.wait_for_job(job);
    INFO(boost::json::serialize(status).substr(0, 600));
    CHECK(status.at("status").as_string() == "completed");
    CHECK(count(status, "imported_count") == 1'000);
    const auto records = all_records(server);
    CHECK(audit_objects(dir.path() / "data", records) == "");
    CHECK(server.stop() == 0);
  }
}

TEST_CASE("a start with a wrong password ends with the setting's name, and without the password") {
  const PostgresDatabase database;
  std::string url = PostgresServer::shared().url(database.name());
  url.insert(url.find("@127"), "wrong");
  const TempDir dir;
  std::string said;
  try {
    ServerProcess server(dir.path() / "data", {{"DATABASE_URL", url}});
  } catch (const std::exception& error) {
    said = error.what();
  }
  INFO(said);
  CHECK(said.find("DATABASE_URL") != std::string::npos);
  CHECK(said.find("refuses the login") != std::string::npos);
  CHECK(said.find("wrong") == std::string::npos);
}
