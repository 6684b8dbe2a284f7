// A job's objects held against the journal, through the built program, and mended by a retry.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

struct Ran {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

Ran run_program(const std::filesystem::path& data, std::vector<std::string> arguments) {
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = std::move(arguments);
  options.environment = {{"DATA_DIR", data.string()}, {"LOG_LEVEL", "warning"}};
  options.directory = data;
  ChildProcess process(options);
  Ran ran;
  ran.output = process.read_all(std::chrono::seconds(60));
  ran.exit_code = process.wait(std::chrono::seconds(60)).value_or(-1);
  ran.errors = process.error_output();
  return ran;
}

void flip_a_byte(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(100);
  const char was = static_cast<char>(file.get());
  file.seekp(100);
  file.put(static_cast<char>(was ^ 1));
  if (!file.flush()) throw std::runtime_error("cannot write to " + path.string());
}

std::string only_key(const boost::json::object& report, const char* list) {
  const auto& findings = report.at(list).as_array();
  if (findings.size() != 1) return std::to_string(findings.size()) + " findings";
  return std::string(findings[0].as_object().at("object_key").as_string());
}

}  // namespace

TEST_CASE("verify finds the one object that is gone and the one that is changed, and a retry mends both") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 300, .size = 5'000});
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const auto data = dir.path() / "data";
  ServerProcess server(data, settings_for(drive));
  const std::string job = server.import_folder(DriveEmulator::folder_link(album));
  server.wait_for_job(job);
  const auto records = all_records(server);
  REQUIRE(records.size() == 300);

  const Ran clean = run_program(data, {"verify", job});
  INFO(clean.errors);
  CHECK(clean.exit_code == 0);
  CHECK_THAT(clean.output, Catch::Contains("300 objects checked"));

  const std::string gone = records.begin()->second.object_key;
  const std::string changed = records.rbegin()->second.object_key;
  REQUIRE(std::filesystem::remove(data / "objects" / gone));
  flip_a_byte(data / "objects" / changed);

  boost::json::object report;
  SECTION("over REST") {
    const Reply reply = server.post("/api/import/" + job + "/verify");
    REQUIRE(reply.status == 200);
    report = reply.json.as_object();
  }
  SECTION("by the command, beside the running server") {
    const Ran ran = run_program(data, {"verify", job, "--json"});
    INFO(ran.errors);
    CHECK(ran.exit_code == 1);
    report = boost::json::parse(ran.output).as_object();
  }
  CHECK(report.at("complete").as_bool());
  CHECK(count(report, "checked") == 300);
  CHECK(count(report, "ok") == 298);
  CHECK(only_key(report, "missing") == gone);
  CHECK(only_key(report, "different") == changed);
  CHECK(count(report, "failed_items") == 2);

  const auto status = server.get("/api/import/status/" + job + "?imported=0").json.as_object();
  CHECK(equation_error(status) == "");
  CHECK(count(status, "failed") == 2);
  CHECK(count(status, "imported_count") == 298);
  CHECK(status.at("status").as_string() == "completed");

  const Ran reminded = run_program(data, {"verify", job});
  CHECK(reminded.exit_code == 1);
  CHECK_THAT(reminded.output, Catch::Contains("300 objects checked") && Catch::Contains("found by an earlier") &&
                                  Catch::Contains("/api/import/" + job + "/retry"));
  const Reply over_rest = server.post("/api/import/" + job + "/verify");
  REQUIRE(over_rest.status == 200);
  CHECK(count(over_rest.json.as_object(), "missing_count") == 1);
  CHECK(count(over_rest.json.as_object(), "different_count") == 1);
  CHECK(count(over_rest.json.as_object(), "failed_items") == 2);

  REQUIRE(server.post("/api/import/" + job + "/retry").status == 202);
  const auto mended = server.wait_for_job(job);
  CHECK(count(mended, "failed") == 0);
  CHECK(count(mended, "imported_count") == 300);
  CHECK(count(mended, "bytes") == 300 * 5'000);
  CHECK(all_records(server) == records);
  CHECK(audit_objects(data, records) == "");
  CHECK(audit_against_source(drive.tree(), records) == "");
  const Reply again = server.post("/api/import/" + job + "/verify");
  CHECK(count(again.json.as_object(), "ok") == 300);
  CHECK(server.stop() == 0);

  // Also without a server.
  const Ran alone = run_program(data, {"verify", job});
  CHECK(alone.exit_code == 0);
}

TEST_CASE("an import anew stores what verify found to be gone") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 20, .size = 2'000});
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const auto data = dir.path() / "data";
  ServerProcess server(data, settings_for(drive));
  const std::string job = server.import_folder(DriveEmulator::folder_link(album));
  server.wait_for_job(job);
  const auto records = all_records(server);
  REQUIRE(std::filesystem::remove(data / "objects" / records.begin()->second.object_key));
  CHECK(count(server.post("/api/import/" + job + "/verify").json.as_object(), "missing_count") == 1);
  const auto again = server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)));
  CHECK(count(again, "skipped") == 19);
  CHECK(count(again, "imported_count") == 1);
  CHECK(all_records(server) == records);
  CHECK(audit_objects(data, records) == "");
}

TEST_CASE("verify says why it cannot begin") {
  const TempDir dir;
  std::filesystem::create_directories(dir.path() / "data");
  const Ran elsewhere = run_program(dir.path() / "data", {"verify", "11111111-2222-4333-8444-555555555555"});
  CHECK(elsewhere.exit_code == 2);
  CHECK_THAT(elsewhere.errors, Catch::Contains("there is no database") && Catch::Contains("DATA_DIR"));
  CHECK(std::filesystem::is_empty(dir.path() / "data"));
  ServerProcess server(dir.path() / "data", {});
  const Ran unknown = run_program(dir.path() / "data", {"verify", "11111111-2222-4333-8444-555555555555"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.errors, Catch::Contains("there is no job"));
  const Ran malformed = run_program(dir.path() / "data", {"verify", "job-1"});
  CHECK(malformed.exit_code == 2);
  CHECK_THAT(malformed.errors, Catch::Contains("job-1"));
}
