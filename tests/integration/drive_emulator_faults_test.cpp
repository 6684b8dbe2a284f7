// The emulator's faults, limits and counters.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "integration/drive_emulator_probe.hpp"

namespace imgimport::emulator {

using namespace probe;

TEST_CASE("faults hit the requests that their rules name", "[emulator]") {
  DriveEmulator drive;
  const auto ids = drive.tree().add_files(drive.root_id(), {.count = 3, .size = 1000});
  REQUIRE(drive.start().has_value());
  FaultBook& faults = drive.faults();
  const std::string bytes = bytes_of(drive, ids[0]);

  SECTION("a reason with Retry-After, for the first two requests of each file") {
    faults.add({.match = RequestKind::kDownload,
                .first = 2,
                .per_file = true,
                .action = FaultAction::kReason,
                .reason = "rateLimitExceeded",
                .status = 429,
                .retry_after_seconds = 7});
    for (const std::string& id : {ids[0], ids[1]}) {
      const RawResponse refused = get(drive, media(id));
      CHECK(refused.status == 429);
      CHECK(reason_of(refused) == "rateLimitExceeded");
      CHECK(refused.header("Retry-After") == "7");
      CHECK(get(drive, media(id)).status == 429);
      CHECK(get(drive, media(id)).status == 200);
    }
    CHECK(get(drive, keyed("/drive/v3/files/" + ids[2])).status == 200);
    CHECK(faults.taken().at("rateLimitExceeded") == 4);
    CHECK(drive.counters().file(ids[0]).requests == 3);
    CHECK(drive.counters().file(ids[0]).full == 1);
  }
  SECTION("by name, and each second time") {
    faults.add({.name_glob = "*000001.jpg", .every = 2, .action = FaultAction::kStatus, .status = 502});
    CHECK(get(drive, media(ids[0])).status == 200);
    CHECK(get(drive, media(ids[1])).status == 200);
    const RawResponse page = get(drive, media(ids[1]));
    CHECK(page.status == 502);
    CHECK(page.header("Content-Type").starts_with("text/html"));
    CHECK(get(drive, media(ids[1])).status == 200);
  }
  SECTION("pages and error documents with status 200") {
    faults.add({.file_id = ids[0], .action = FaultAction::kHtml200});
    faults.add({.file_id = ids[1], .action = FaultAction::kJson200});
    CHECK(get(drive, media(ids[0])).body.starts_with("<!DOCTYPE html>"));
    const RawResponse json = get(drive, media(ids[1]));
    CHECK(json.status == 200);
    CHECK(reason_of(json) == "downloadQuotaExceeded");
  }
  SECTION("a body that is cut off") {
    faults.add({.file_id = ids[0], .action = FaultAction::kTruncate, .at = 100});
    RawClient client(drive.port());
    const RawResponse cut = client.exchange(raw_get(media(ids[0])));
    CHECK(cut.status == 200);
    CHECK(cut.header("Content-Length") == "1000");
    CHECK_FALSE(cut.complete);
    CHECK((cut.body == bytes.substr(0, 100)));
    CHECK(drive.counters().file(ids[0]).full == 0);
  }
  SECTION("a short but well-formed body") {
    faults.add({.file_id = ids[0], .action = FaultAction::kShortBody, .at = 100});
    const RawResponse brief = get(drive, media(ids[0]));
    CHECK(brief.complete);
    CHECK(brief.body.size() == 100);
  }
  SECTION("a reset, in the middle and before the answer") {
    faults.add({.file_id = ids[0], .action = FaultAction::kReset, .at = 100});
    faults.add({.file_id = ids[1], .action = FaultAction::kDrop});
    RawClient middle(drive.port());
    const RawResponse broken = middle.exchange(raw_get(media(ids[0])));
    CHECK_FALSE(broken.complete);
    CHECK(middle.end() == RawEnd::kReset);
    RawClient before(drive.port());
    CHECK(before.exchange(raw_get(media(ids[1]))).status == 0);
    CHECK(before.end() == RawEnd::kReset);
  }
  SECTION("a byte that is another one, and contents that are") {
    faults.add({.file_id = ids[0], .action = FaultAction::kFlipByte, .at = 500});
    faults.add({.file_id = ids[1], .action = FaultAction::kWrongContent});
    std::string flipped = get(drive, media(ids[0])).body;
    REQUIRE(flipped.size() == bytes.size());
    CHECK(flipped[500] != bytes[500]);
    flipped[500] = bytes[500];
    CHECK((flipped == bytes));
    const std::string other = get(drive, media(ids[1])).body;
    CHECK((other != bytes_of(drive, ids[1])));
    CHECK(other.size() == 1000);
    CHECK((get(drive, media(ids[1])).body == other));
  }
  SECTION("a body that falls silent ends with the emulator") {
    faults.add({.file_id = ids[0], .action = FaultAction::kStall, .at = 10});
    RawClient client(drive.port());
    REQUIRE(client.send(raw_get(media(ids[0]))));
    CHECK(client.receive_until(bytes.substr(0, 10)).ends_with(bytes.substr(0, 10)));
    drive.stop();
    CHECK(client.wait_for_end() != RawEnd::kOpen);
  }
  SECTION("slow bodies and latency still end well") {
    faults.add({.match = RequestKind::kDownload, .latency = std::chrono::milliseconds(20), .bytes_per_second = 20'000});
    CHECK((get(drive, media(ids[0])).body == bytes));
  }
  SECTION("chance is the same in every run") {
    faults.fail(RequestKind::kDownload, "backendError", 0.4);
    FaultBook again;
    again.fail(RequestKind::kDownload, "backendError", 0.4);
    int failed = 0;
    for (int i = 0; i < 200; ++i) {
      const bool first = faults.decide(RequestKind::kDownload, "a", "a").action == FaultAction::kReason;
      CHECK(first == (again.decide(RequestKind::kDownload, "a", "a").action == FaultAction::kReason));
      failed += first ? 1 : 0;
    }
    CHECK(failed > 50);
    CHECK(failed < 110);
  }
}

TEST_CASE("tokens expire by rule, and a used-up quota refuses", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const std::string token = drive.access().issue_token("a@example.com");
  drive.faults().add({.match = RequestKind::kGet, .first = 1, .action = FaultAction::kExpireAccessTokens});
  const RawResponse refused = get(drive, "/drive/v3/files/" + id, "Authorization: Bearer " + token + "\r\n");
  CHECK(refused.status == 401);

  drive.faults().set_quota_per_minute(400);
  CHECK(get(drive, media(id)).status == 200);
  CHECK(get(drive, media(id)).status == 200);
  const RawResponse beyond = get(drive, keyed("/drive/v3/files/" + id));
  CHECK(beyond.status == 403);
  CHECK(reason_of(beyond) == "userRateLimitExceeded");
  const CounterValues counts = drive.counters().values();
  CHECK(counts.download == 2);
  CHECK(counts.get == 2);
  CHECK(counts.units == 410);
  CHECK(counts.statuses.at(403) == 1);
}

TEST_CASE("the emulator's own routes lay down rules and tell counts", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const auto post = [&](const std::string& path, const std::string& body) {
    return RawClient(drive.port()).exchange(raw_post(path, body)).status;
  };
  CHECK(post("/_emulator/faults", R"([{"match":"download","action":"backendError","first":1,"status":503}])") == 200);
  CHECK(post("/_emulator/faults", R"({"match":"upload"})") == 400);
  CHECK(post("/_emulator/faults", R"({"every":-1})") == 400);
  CHECK(post("/_emulator/faults", "{") == 400);
  CHECK(get(drive, media(id)).status == 503);
  CHECK(get(drive, media(id)).status == 200);
  const auto counts = boost::json::parse(get(drive, "/_emulator/counters?files=1").body);
  CHECK(counts.at("download").as_int64() == 2);
  CHECK(counts.at("faults").at("backendError").as_int64() == 1);
  CHECK(counts.at("files").at(id).at("full").as_int64() == 1);
  CHECK(post("/_emulator/settings", R"({"quota_per_minute":1})") == 200);
  CHECK(get(drive, media(id)).status == 403);
  CHECK(post("/_emulator/reset", "") == 200);
  CHECK(get(drive, media(id)).status == 200);
  const auto manifest = boost::json::parse(get(drive, "/_emulator/manifest").body);
  CHECK(manifest.at("files").at(0).at("sha256").as_string() == drive.tree().find(id)->hashes.sha256);
}

TEST_CASE("the emulator can be stopped and started on the same port while its tree changes", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const std::uint16_t port = drive.port();
  drive.stop();
  drive.stop();
  REQUIRE(drive.start().has_value());
  CHECK(drive.port() == port);
  const std::string revision = drive.tree().find(id)->head_revision;
  CHECK(drive.tree().replace_content(id, bytes_content("other bytes")));
  CHECK(get(drive, media(id)).body == "other bytes");
  CHECK(drive.tree().find(id)->head_revision != revision);
  CHECK(drive.tree().remove(id));
  CHECK(get(drive, media(id)).status == 404);
  CHECK(find(drive, in(drive.root_id())).empty());
}

}  // namespace imgimport::emulator
