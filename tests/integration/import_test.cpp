// Whole imports through the built program, the emulator as Drive, local disk: the same for one process and split, with
// SQLite and with PostgreSQL.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "emulators/drive/drive_emulator.hpp"
#include "emulators/drive/nasty_tree.hpp"
#include "support/deployment.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

using namespace imgimport;
using emulator::DriveEmulator;
using emulator::RequestKind;

namespace {

// All items of the job, by Drive id.
std::map<std::string, boost::json::object> all_items(ServerProcess& server, const std::string& job) {
  std::map<std::string, boost::json::object> items;
  std::string cursor;
  for (;;) {
    const Reply page =
        server.get("/api/import/" + job + "/items?limit=500" + (cursor.empty() ? "" : "&cursor=" + cursor));
    REQUIRE(page.status == 200);
    for (const boost::json::value& value : page.json.as_object().at("items").as_array()) {
      const boost::json::object& item = value.as_object();
      const std::string id(item.at("google_drive_id").as_string());
      REQUIRE(items.emplace(id, item).second);
    }
    const boost::json::value& next = page.json.as_object().at("next_cursor");
    if (next.is_null()) return items;
    cursor = next.is_string() ? std::string(next.as_string()) : boost::json::serialize(next);
  }
}

// What is wrong with the objects once the server has had its time to remove those that no record needs: a removal that
// was cut short is taken up again after two minutes (SqlStoreOptions::removal_grace), and the list looked at every 30
// s.
std::string orphans_after_cleaning(ServerProcess& server, const std::filesystem::path& data_dir,
                                   const std::map<std::string, StoredImage>& records) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(4);
  for (;;) {
    std::string trouble;
    try {
      trouble = audit_objects(data_dir, records);
    } catch (const std::filesystem::filesystem_error& error) {
      trouble = error.what();  // a folder was removed under our eyes
    }
    if (trouble.empty() || std::chrono::steady_clock::now() > limit) return trouble;
    server.get("/api/stats");
  }
}

std::set<std::string> states_for(emulator::Outcome outcome) {
  switch (outcome) {
    case emulator::Outcome::kStored:
    case emulator::Outcome::kStoredUnverified:
      return {"imported", "deduplicated", "skipped"};
    case emulator::Outcome::kIgnored:
      return {"ignored"};
    case emulator::Outcome::kFailed:
      return {"failed"};
    case emulator::Outcome::kDeferred:
      return {"deferred"};
    case emulator::Outcome::kNotListed:
      return {};
  }
  return {};
}

}  // namespace

TEST_CASE("links to images follow the port that is published, and PUBLIC_URL wherever it is set") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 1, .size = 3'000});
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const auto link_with = [&](const std::map<std::string, std::string>& more) {
    auto settings = settings_for(drive);
    settings.insert(more.begin(), more.end());
    ServerProcess server(dir.path(), settings);
    server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)));
    return std::string(server.get("/api/images/1").json.as_object().at("storage_path").as_string());
  };
  CHECK(link_with({{"PUBLIC_PORT", "8080"}}) == "http://localhost:8080/api/images/1/content");
  CHECK(link_with({{"PUBLIC_URL", "http://localhost:5000"}}) == "http://localhost:5000/api/images/1/content");
  CHECK(link_with({{"PUBLIC_URL", "https://x.example"}, {"PUBLIC_PORT", "8080"}}) ==
        "https://x.example/api/images/1/content");
}

TEST_CASE("1,000 images in nested folders arrive, byte for byte, with what the listing knows of them") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  emulator::ImageMetadata facts;
  facts.width = 4000;
  facts.height = 3000;
  facts.rotation = 1;
  facts.time = "2021:06:05 12:00:00";
  facts.camera_make = "Canon";
  facts.camera_model = "Canon EOS 5D";
  facts.latitude = 48.5;
  facts.longitude = 9.25;
  drive.tree().add_files(album, {.count = 400, .size = 3'000, .image = facts});
  const auto inner = drive.tree().add_folder(album, "2021");
  drive.tree().add_files(inner, {.count = 599, .size = 70'000, .type = emulator::ContentType::kPng});
  const auto large = drive.tree().add_file(drive.tree().add_folder(inner, "large"), "large.jpg", {.size = 5 << 20});
  REQUIRE(drive.start().has_value());

  const auto kind = GENERATE(from_range(every_deployment()));
  CAPTURE(kind);
  Deployment deployment(kind, settings_for(drive));
  ServerProcess& server = deployment.gateway();
  const std::string job = server.import_folder(DriveEmulator::folder_link(album));
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == 1'000);
  CHECK(count(status, "imported_count") == 1'000);

  const auto records = all_records(server);
  CHECK(records.size() == 1'000);
  CHECK(audit_objects(deployment.data(), records) == "");
  CHECK(audit_against_source(drive.tree(), records) == "");
  CHECK(records.at(large).size == 5 << 20);
  for (const auto& [id, image] : records) CHECK(image.verified);
  for (const auto& [id, counts] : drive.counters().files()) CHECK(counts.full == 1);

  const Reply first = server.get("/api/images?q=image-000000.jpg");
  REQUIRE(first.json.as_object().at("images").as_array().size() == 1);
  const auto& image = first.json.as_object().at("images").as_array()[0].as_object();
  CHECK(image.at("width").as_int64() == 3000);  // turned upright
  CHECK(image.at("height").as_int64() == 4000);
  CHECK(image.at("taken_at").as_string() == "2021-06-05T12:00:00");
  CHECK(image.at("camera").as_string() == "Canon EOS 5D");
  CHECK(image.at("latitude").as_double() == 48.5);
  CHECK(image.at("job_id").as_string() == job);
  // A URL that a browser can open as it is, whichever port was picked.
  const std::string link(image.at("storage_path").as_string());
  const std::string here = "http://localhost:" + server.url().substr(server.url().rfind(':') + 1);
  REQUIRE(link == here + "/api/images/" + std::to_string(image.at("id").as_int64()) + "/content");
  CHECK(server.get(link.substr(here.size())).body.size() == 3'000);

  SECTION("importing the folder again skips every image and downloads nothing") {
    drive.counters().reset();
    const auto again = server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)));
    CHECK(count(again, "skipped") == 1'000);
    CHECK(count(again, "imported_count") == 0);
    CHECK(drive.counters().values().download == 0);
    CHECK(all_records(server) == records);
  }
  SECTION("a new version of a file replaces its object and keeps its record") {
    drive.tree().replace_content(large, emulator::synthetic_content({.index = 77'777, .size = 9'999}));
    const auto again = server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)));
    CHECK(count(again, "skipped") == 999);
    CHECK(count(again, "imported_count") == 1);
    const auto now = all_records(server);
    CHECK(now.size() == 1'000);
    CHECK(now.at(large).size == 9'999);
    CHECK(deployment.stop() == 0);  // the old object is removed at the latest at the next start
    deployment.start();
    CHECK(orphans_after_cleaning(deployment.gateway(), deployment.data(), now) == "");
  }
}

TEST_CASE("a folder with everything that importers trip over: each file ends as it should") {
  DriveEmulator drive;
  const auto tree = emulator::build_nasty_tree(drive, {.quota_exhausted = 7});
  REQUIRE(drive.start().has_value());
  const auto kind = GENERATE(from_range(every_deployment()));
  CAPTURE(kind);
  Deployment deployment(kind, settings_for(drive));
  ServerProcess& server = deployment.gateway();
  const std::string job = server.import_folder(DriveEmulator::folder_link(tree.root));
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "total") == static_cast<std::int64_t>(tree.candidates()));
  CHECK(count(status, "deferred") == 7);

  const auto items = all_items(server, job);
  const auto records = all_records(server);
  for (const auto& [id, expected] : tree.files) {
    INFO(id << " \"" << expected.name << "\": " << expected.why);
    const auto states = states_for(expected.outcome);
    const auto item = items.find(id);
    if (states.empty()) {
      CHECK(item == items.end());
      CHECK(!records.contains(id));
      continue;
    }
    REQUIRE(item != items.end());
    const std::string state(item->second.at("state").as_string());
    INFO("state " << state << " reason " << item->second.at("reason"));
    CHECK(states.contains(state));
    const bool stored =
        expected.outcome == emulator::Outcome::kStored || expected.outcome == emulator::Outcome::kStoredUnverified;
    REQUIRE(records.contains(id) == stored);
    if (stored) {
      CHECK(records.at(id).sha256 == expected.sha256);
      CHECK(records.at(id).size == expected.size);
    } else {
      CHECK(!item->second.at("reason").as_string().empty());
    }
    if (expected.outcome == emulator::Outcome::kStoredUnverified) CHECK(!records.at(id).verified);
  }
  for (const auto& [id, item] : items) CHECK(tree.files.contains(id));
  CHECK(audit_objects(deployment.data(), records) == "");
}

TEST_CASE("a folder of a shared drive is imported by an account that is no member of the drive") {
  const std::string robot = "robot@project.iam.gserviceaccount.com";
  DriveEmulator drive;
  const auto team = drive.tree().add_shared_drive("team", {.emails = {"member@example.com"}});
  const auto album = drive.tree().add_folder(team, "album");
  drive.tree().add_files(album, {.count = 7, .size = 3'000});
  drive.tree().add_files(drive.tree().add_folder(album, "2021"), {.count = 5, .size = 3'000});
  drive.tree().add_files(drive.tree().add_folder(album, "2022"), {.count = 3, .size = 3'000});
  REQUIRE(drive.start().has_value());
  auto settings = settings_for(drive);
  SECTION("shared with a service account") {
    drive.tree().set_audience(album, {.emails = {robot}});
    settings.erase("GOOGLE_API_KEY");
    settings["GOOGLE_APPLICATION_CREDENTIALS"] = drive.access().add_service_account(robot, drive.token_url());
  }
  SECTION("shared with everybody who has the link, and imported with an API key") {
    drive.tree().set_audience(album, {.anyone = true});
  }
  const TempDir dir;
  ServerProcess server(dir.path() / "data", settings);
  const auto status = server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)));
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "imported_count") == 15);
  CHECK(audit_against_source(drive.tree(), all_records(server)) == "");
  // The drive is named once, not once for each folder: what lies in the album is listed after the album.
  CHECK(drive.counters().values().statuses[404] == 1);
}

TEST_CASE("with 40 % of all requests failing, everything still arrives") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 700, .size = 40'000});
  for (const char* folder : {"a", "b", "c"}) {
    drive.tree().add_files(drive.tree().add_folder(album, folder), {.count = 100, .size = 3'000'000 / 100});
  }
  const auto large = drive.tree().add_file(album, "large.jpg", {.size = 6 << 20});
  const auto fail = [&](emulator::FaultAction action, const char* reason, double share) {
    emulator::FaultRule rule;
    rule.action = action;
    rule.reason = reason;
    rule.probability = share;
    rule.at = 10'000;
    if (action == emulator::FaultAction::kStatus) rule.status = 502;
    if (action == emulator::FaultAction::kTruncate || action == emulator::FaultAction::kReset ||
        action == emulator::FaultAction::kHtml200) {
      rule.match = RequestKind::kDownload;
    }
    drive.faults().add(rule);
  };
  fail(emulator::FaultAction::kReason, "userRateLimitExceeded", 0.08);
  fail(emulator::FaultAction::kReason, "backendError", 0.08);
  fail(emulator::FaultAction::kStatus, "", 0.08);
  fail(emulator::FaultAction::kDrop, "", 0.06);
  fail(emulator::FaultAction::kTruncate, "", 0.08);
  fail(emulator::FaultAction::kReset, "", 0.08);
  REQUIRE(drive.start().has_value());
  auto settings = settings_for(drive);
  settings["MAX_ATTEMPTS"] = "20";
  const auto kind = GENERATE(from_range(some_deployments()));
  CAPTURE(kind);
  Deployment deployment(kind, settings);
  ServerProcess& server = deployment.gateway();
  Reply accepted =
      server.post("/api/import/google-drive", R"({"folder_url":")" + DriveEmulator::folder_link(album) + R"("})");
  REQUIRE(accepted.status == 202);
  const auto status =
      server.wait_for_job(std::string(accepted.json.as_object().at("job_id").as_string()), std::chrono::seconds(240));
  CHECK(count(status, "imported_count") == 1'001);
  CHECK(count(status, "failed") == 0);
  const auto records = all_records(server);
  CHECK(audit_objects(deployment.data(), records) == "");
  CHECK(audit_against_source(drive.tree(), records) == "");
  CHECK(records.at(large).size == 6 << 20);
}

TEST_CASE("a job that is cancelled starts no further image, and leaves no object without a record") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 3'000, .size = 20'000});
  emulator::FaultRule slow;
  slow.match = RequestKind::kDownload;
  slow.latency = std::chrono::seconds(1);
  drive.faults().add(slow);
  REQUIRE(drive.start().has_value());
  auto settings = settings_for(drive);
  settings["WORKER_THREADS"] = "20";
  const auto kind = GENERATE(from_range(some_deployments()));
  CAPTURE(kind);
  Deployment deployment(kind, settings);
  ServerProcess& server = deployment.gateway();
  const std::string job = server.import_folder(DriveEmulator::folder_link(album));
  const auto downloads = [&] { return drive.counters().values().download; };
  REQUIRE(eventually([&] { return downloads() >= 20; }));
  const Reply cancelled = server.post("/api/import/" + job + "/cancel");
  CHECK(cancelled.status == 200);
  const auto begun = downloads();
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "cancelled");
  CHECK(count(status, "cancelled") > 0);
  CHECK(count(status, "pending") == 0);
  CHECK(deployment.stop() == 0);
  // The threads of a second worker may just have been about to begin, and some begin once more before the first outcome
  // tells that the job has ended. Twice the threads and more have waited in each worker.
  CHECK(downloads() - begun <= 60);

  drive.faults().clear();
  deployment.start();
  ServerProcess& restarted = deployment.gateway();
  auto records = all_records(restarted);
  CHECK(orphans_after_cleaning(restarted, deployment.data(), records) == "");

  SECTION("and retry brings the rest") {
    CHECK(restarted.post("/api/import/" + job + "/retry").status == 202);
    const auto mended = restarted.wait_for_job(job);
    CHECK(mended.at("status").as_string() == "completed");
    CHECK(count(mended, "processed") == 3'000);
    records = all_records(restarted);
    CHECK(records.size() == 3'000);
    CHECK(audit_objects(deployment.data(), records) == "");
  }
}

TEST_CASE("the same Idempotency-Key gives the same job, and starts nothing twice") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 20, .size = 2'000});
  REQUIRE(drive.start().has_value());
  const auto kind = GENERATE(from_range(every_deployment()));
  CAPTURE(kind);
  Deployment deployment(kind, settings_for(drive));
  ServerProcess& server = deployment.gateway();
  HttpHeaders headers;
  headers.set("Idempotency-Key", "once");
  const std::string body = R"({"folder_url":")" + DriveEmulator::folder_link(album) + R"("})";
  const Reply first = server.request(HttpMethod::kPost, "/api/import/google-drive", body, headers);
  const Reply second = server.request(HttpMethod::kPost, "/api/import/google-drive", body, headers);
  CHECK(first.status == 202);
  CHECK(second.status == 202);
  CHECK(first.json.as_object().at("job_id") == second.json.as_object().at("job_id"));
  server.wait_for_job(std::string(first.json.as_object().at("job_id").as_string()));
  CHECK(server.get("/api/import/jobs").json.as_object().at("jobs").as_array().size() == 1);
}

TEST_CASE("a small job behind a large one does not wait for it") {
  DriveEmulator drive;
  const auto large = drive.tree().add_folder(drive.root_id(), "large");
  drive.tree().add_files(large, {.count = 20'000, .size = 1'000});
  const auto small = drive.tree().add_folder(drive.root_id(), "small");
  drive.tree().add_files(small, {.count = 50, .size = 1'000, .name_prefix = "small-"});
  emulator::FaultRule slow;
  slow.match = RequestKind::kDownload;
  slow.latency = std::chrono::milliseconds(50);
  drive.faults().add(slow);
  REQUIRE(drive.start().has_value());
  const auto kind = GENERATE(from_range(some_deployments()));
  CAPTURE(kind);
  Deployment deployment(kind, settings_for(drive));
  ServerProcess& server = deployment.gateway();
  const std::string first = server.import_folder(DriveEmulator::folder_link(large));
  const std::string second = server.import_folder(DriveEmulator::folder_link(small));
  CHECK(count(server.wait_for_job(second), "imported_count") == 50);
  const Reply behind = server.get("/api/import/status/" + first + "?imported=0");
  CHECK(behind.json.as_object().at("status").as_string() != "completed");
}
