// Whole imports into S3: a real server (Ceph's radosgw), and a fake one for what a real one cannot be made to do.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <set>

#include "cloud_import.hpp"
#include "emulators/drive/drive_emulator.hpp"
#include "support/bucket_audit.hpp"
#include "support/fake_s3.hpp"
#include "support/import_audit.hpp"
#include "support/radosgw.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

using namespace imgimport;
using namespace imgimport::cloud;
using emulator::DriveEmulator;
using emulator::RequestKind;

namespace {

Settings settings_of(const test::FakeS3& fake) {
  return {{"STORAGE_PROVIDER", "aws"},
          {"AWS_ENDPOINT_URL_S3", fake.endpoint()},
          {"AWS_BUCKET_NAME", "images"},
          {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
          {"AWS_SECRET_ACCESS_KEY", "secret"}};
}

// The objects that no record names, and the records whose object is missing.
std::vector<std::string> astray(const test::FakeS3& fake, const std::map<std::string, StoredImage>& records) {
  std::set<std::string> expected;
  for (const auto& [id, record] : records) expected.insert("/images/" + record.object_key);
  std::set<std::string> there;
  for (const auto& [path, bytes] : fake.objects()) there.insert(path);
  std::vector<std::string> paths;
  std::set_symmetric_difference(expected.begin(), expected.end(), there.begin(), there.end(),
                                std::back_inserter(paths));
  return paths;
}

}  // namespace

TEST_CASE("1,000 images arrive in a real S3, each by one request, and verify finds them all") {
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("thousand");
  Album album({.count = 1'000, .size = 20'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), s3.settings("thousand")));
  const std::string job = server.import_folder(album.link());
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "imported_count") == 1'000);

  const auto records = all_records(server);
  CHECK(records.size() == 1'000);
  CHECK(audit_against_source(album.drive.tree(), records) == "");
  // The server logs with a short delay; rclone's requests come after ours in it.
  CHECK(audit_bucket(bucket_contents(s3, "thousand"), records) == "");
  CHECK(requests_with(s3.requests(), "PUT /thousand/") == 1'000);
  CHECK(requests_with(s3.requests(), "HEAD /thousand/") == 0);

  const Reply report = server.post("/api/import/" + job + "/verify");
  INFO(report.body);
  REQUIRE(report.status == 200);
  CHECK(count(report.json.as_object(), "checked") == 1'000);
  CHECK(count(report.json.as_object(), "ok") == 1'000);

  const std::string path = "/api/images/" + std::to_string(1) + "/content";
  CHECK(server.get(path).body.size() == 20'000);
  CHECK(server.request(HttpMethod::kGet, path, "", {}).headers.find("ETag").has_value());
  const Reply redirect = server.get(path + "?redirect=1");
  CHECK(redirect.status == 302);
  CHECK(redirect.headers.find("Location").value_or("").starts_with(s3.endpoint()));
  CHECK(server.request(HttpMethod::kDelete, "/api/images/1").status == 200);
  CHECK(server.get(path).status == 404);
  CHECK(audit_bucket(bucket_contents(s3, "thousand"), all_records(server)) == "");
}

TEST_CASE("a byte flipped on the way is refused by the bucket, and the image arrives on the next try") {
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("flipped");
  Album album({.count = 60, .size = 20'000});
  emulator::FaultRule flip;
  flip.match = RequestKind::kDownload;
  flip.action = emulator::FaultAction::kFlipByte;
  flip.at = 10'000;  // behind what tells that it is an image
  flip.per_file = true;
  flip.first = 1;
  album.drive.faults().add(flip);
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), s3.settings("flipped")));
  const auto status = server.wait_for_job(server.import_folder(album.link()));
  CHECK(count(status, "imported_count") == 60);
  const auto records = all_records(server);
  for (const auto& [id, image] : records) CHECK(image.verified);
  CHECK(audit_bucket(bucket_contents(s3, "flipped"), records) == "");
  CHECK(requests_with(s3.requests(), "PUT /flipped/") == 120);
}

TEST_CASE("what no retry can mend stops the job, with the remedy in words") {
  const Radosgw& s3 = Radosgw::shared();
  const Settings good = s3.settings("images");
  std::string reason, remedy;
  const auto stop_of = [&](const Settings& store) {
    const auto status = import_that_stops(store);
    reason = text(status.at("reason"));
    remedy = text(status.at("remedy"));
    INFO(boost::json::serialize(status));
    CHECK_FALSE(remedy.empty());
  };
  SECTION("a wrong key") {
    stop_of(merged(good, {{"AWS_ACCESS_KEY_ID", "NOSUCHKEY"}}));
    CHECK_THAT(remedy, Catch::Contains("AWS_ACCESS_KEY_ID"));
  }
  SECTION("a wrong secret") {
    stop_of(merged(good, {{"AWS_SECRET_ACCESS_KEY", "wrong"}}));
    CHECK_THAT(remedy, Catch::Contains("AWS_SECRET_ACCESS_KEY"));
  }
  SECTION("a missing bucket") {
    stop_of(merged(good, {{"AWS_BUCKET_NAME", "no-such-bucket"}}));
    CHECK_THAT(remedy, Catch::Contains("AWS_BUCKET_NAME"));
  }
  SECTION("a full bucket") {
    s3.create_bucket("full");
    s3.set_object_quota("full", 0);
    stop_of(s3.settings("full"));
  }
  SECTION("a clock that is off") {
    stop_of(merged(good, {{"LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"},
                          {"FAKETIME", "-40m"},
                          {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}}));
    CHECK_THAT(remedy, Catch::Contains("clock"));
  }
  SECTION("a wrong region") {
    const test::FakeS3 elsewhere([](const test::ImposterRequest&, std::size_t) {
      return test::FakeS3::refusal(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>");
    });
    stop_of(settings_of(elsewhere));
    CHECK_THAT(remedy, Catch::Contains("AWS_REGION") && Catch::Contains("eu-west-3"));
  }
  SECTION("an expired token") {
    const test::FakeS3 strict(
        [](const test::ImposterRequest&, std::size_t) { return test::FakeS3::refusal(400, "ExpiredToken"); });
    stop_of(merged(settings_of(strict), {{"AWS_SESSION_TOKEN", "old"}}));
    CHECK_THAT(remedy, Catch::Contains("AWS_SESSION_TOKEN"));
  }
}

TEST_CASE("a store that slows down, resets and stalls gets every image, none twice") {
  constexpr std::size_t kImages = 300;
  std::map<std::string, int> seen;  // by path; the fake calls one at a time
  const test::FakeS3 fake(
      [&seen](const test::ImposterRequest& request, std::size_t number) -> std::optional<test::ImposterReply> {
        if (request.method != "PUT") return std::nullopt;
        const int tries = seen[request.path()]++;
        if (number % 3 == 0 && tries < 3) return test::FakeS3::refusal(503, "SlowDown");
        if (number % 7 == 0 && tries < 3) return test::ImposterReply::nothing(test::ImposterEnding::kReset);
        if (number % 101 == 50 && tries < 3) return test::ImposterReply::nothing(test::ImposterEnding::kStall);
        return std::nullopt;
      });
  Album album({.count = kImages, .size = 30'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), settings_of(fake)));
  const auto status = server.wait_for_job(server.import_folder(album.link()));
  CHECK(count(status, "imported_count") == static_cast<std::int64_t>(kImages));
  CHECK(fake.objects().size() == kImages);
  for (const auto& [path, puts] : fake.puts()) {
    INFO(path);
    CHECK(puts == 1);
  }
}

TEST_CASE("kill -9 in the middle of an import into S3 leaves no orphan and loses nothing") {
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("killed");
  constexpr std::size_t kImages = 1'500;
  Album album({.count = kImages, .size = 8'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  const auto settings = merged(settings_for(album.drive), s3.settings("killed"));
  auto server = std::make_unique<ServerProcess>(dir.path() / "data", settings);
  const std::string job = server->import_folder(album.link());
  for (std::int64_t bar : {200, 700, 1'200}) {
    for (;;) {
      const Reply status = server->get("/api/import/status/" + job + "?imported=0");
      REQUIRE(equation_error(status.json.as_object()) == "");
      if (count(status.json.as_object(), "processed") >= bar) break;
    }
    server->kill_hard();
    server = std::make_unique<ServerProcess>(dir.path() / "data", settings);
  }
  const auto status = server->wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "processed") == static_cast<std::int64_t>(kImages));
  const auto records = all_records(*server);
  CHECK(records.size() == kImages);
  CHECK(audit_bucket(bucket_contents(s3, "killed"), records) == "");
}

TEST_CASE("what a killed process had stored, and a cancelled job never recorded, is removed from the bucket") {
  constexpr std::size_t kRecorded = 20;
  constexpr std::size_t kThreads = 8;
  test::FakeS3 fake;
  fake.answer_puts(kRecorded);
  Album album({.count = 60, .size = 8'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  const auto settings = merged(merged(settings_for(album.drive), settings_of(fake)),
                               {{"WORKER_THREADS", std::to_string(kThreads)}, {"BATCH_SIZE", "10"}});
  auto server = std::make_unique<ServerProcess>(dir.path() / "data", settings);
  const std::string job = server->import_folder(album.link());
  const auto processed = [&] {
    return count(server->get("/api/import/status/" + job + "?imported=0").json.as_object(), "processed");
  };
  const auto none_but_recorded = [&] { return processed() == static_cast<std::int64_t>(kRecorded); };
  REQUIRE(eventually([&] { return fake.objects().size() == kRecorded + kThreads && none_but_recorded(); }));
  bool is_killed_first = false;
  SECTION("killed, started again, cancelled") {
    is_killed_first = true;
  }
  SECTION("cancelled, then killed") {}
  if (is_killed_first) {
    server->kill_hard();
    server = std::make_unique<ServerProcess>(dir.path() / "data", settings);
  }
  REQUIRE(server->post("/api/import/" + job + "/cancel").status == 200);
  CHECK(astray(fake, all_records(*server)).size() >= kThreads);
  server->kill_hard();

  // Started some minutes later.
  server = std::make_unique<ServerProcess>(
      dir.path() / "data", merged(settings, {{"LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"},
                                             {"FAKETIME", "+3m"},
                                             {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}}));
  const auto records = all_records(*server);
  CHECK(records.size() == kRecorded);
  REQUIRE(eventually([&] { return astray(fake, records).empty(); }));
  CHECK(all_records(*server) == records);
  CHECK(server->stop() == 0);
}
