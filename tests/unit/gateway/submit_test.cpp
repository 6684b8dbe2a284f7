#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

const std::string kBody = R"({"folder_url": "https://drive.google.com/drive/folders/1a"})";

Call import_call(std::string body = kBody) {
  return {.method = HttpMethod::kPost, .target = "/api/import/google-drive", .body = std::move(body)};
}

TEST_CASE("a submit answers with the count once the listing has ended", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  CHECK_FALSE(pending.has_come());
  fixture.list(3);
  fixture.finish_listing();
  const Answer answer = pending.wait();
  CHECK(answer.status == 202);
  const auto json = answer.json();
  CHECK(json.at("message").as_string() == "Import job started for 3 images");
  CHECK(json.at("total_images").as_int64() == 3);
  CHECK(json.at("job_id").as_string() == fixture.imports.lease().job.value());
  CHECK_FALSE(json.contains("listing"));
}

TEST_CASE("a long listing is answered with the count so far", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  fixture.list(2);
  const std::size_t before = fixture.imports.progress_calls();
  fixture.clock.advance(std::chrono::milliseconds(10'001));
  const auto json = pending.wait().json();
  CHECK(fixture.imports.progress_calls() > before);
  CHECK(json.at("total_images").as_int64() == 2);
  CHECK(json.at("listing").as_bool());
}

TEST_CASE("a caller that says how long it has is answered before that, with the count so far", "[gateway]") {
  GatewayOptions options = GatewayFixture::fast_options();
  options.list_wait = std::chrono::hours(24);
  GatewayFixture fixture(options);
  Call call = import_call();
  call.time_left = std::chrono::minutes(10);
  PendingAnswer pending = fixture.send(call);
  fixture.list(2);
  CHECK_FALSE(pending.has_come());
  CHECK(fixture.imports.requests().front().look_up_within <= std::chrono::minutes(5));
  fixture.clock.advance(std::chrono::minutes(10) - std::chrono::milliseconds(100));
  const Answer answer = pending.wait();
  CHECK(answer.status == 202);
  CHECK(answer.json().at("total_images").as_int64() == 2);
  CHECK(answer.json().at("listing").as_bool());
}

TEST_CASE("where a caller's time is longer than the wait for a listing, that wait holds", "[gateway]") {
  GatewayFixture fixture;
  Call call = import_call();
  call.time_left = std::chrono::minutes(10);
  PendingAnswer pending = fixture.send(call);
  fixture.list(1);
  fixture.clock.advance(std::chrono::milliseconds(10'001));
  CHECK(pending.wait().json().at("listing").as_bool());
}

TEST_CASE("without a wait, a submit is answered at once", "[gateway]") {
  GatewayOptions options = GatewayFixture::fast_options();
  options.list_wait = std::chrono::milliseconds(0);
  GatewayFixture fixture(options);
  PendingAnswer pending = fixture.send(import_call());
  CHECK(pending.has_come());
  CHECK(pending.wait().status == 202);
}

TEST_CASE("an empty folder is said to be empty", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  fixture.finish_listing();
  const Answer answer = pending.wait();
  CHECK(answer.status == 200);
  CHECK(answer.json().at("message").as_string() == "No images found in the folder");
  CHECK(answer.json().contains("job_id"));
}

TEST_CASE("a dry run answers with what an import would take", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call(R"({"folder_url": "x", "dry_run": true})"));
  fixture.list(2);
  fixture.finish_listing();
  const Answer answer = pending.wait();
  CHECK(answer.status == 200);
  const auto json = answer.json();
  CHECK(json.at("dry_run").as_bool());
  CHECK(json.at("message").as_string() == "2 images would be imported");
  CHECK(json.at("total_images").as_int64() == 2);
  CHECK(json.at("total_bytes").as_int64() == 1001 + 1002);
  CHECK(json.at("ignored").as_int64() == 0);
  CHECK(json.at("drive_units").as_int64() == 2 * FakeImportService::kDriveUnitsPerImage);
  CHECK(fixture.imports.requests().front().dry_run);
}

TEST_CASE("a dry run of a folder without images says so in the words of an import", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call(R"({"folder_url": "x", "dry_run": true})"));
  fixture.finish_listing();
  CHECK(pending.wait().json().at("message").as_string() == "No images found in the folder");
}

TEST_CASE("a dry run that takes longer says that it is still listing", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call(R"({"folder_url": "x", "dry_run": true})"));
  fixture.list(2);
  fixture.clock.advance(std::chrono::minutes(1));
  const Answer answer = pending.wait();
  CHECK(answer.status == 202);
  CHECK(answer.json().at("listing").as_bool());
}

TEST_CASE("the same idempotency key gives the same job, and the same kind of answer", "[gateway]") {
  GatewayFixture fixture;
  Call call = import_call();
  call.headers = {{"Idempotency-Key", "holiday-2026"}};
  PendingAnswer pending = fixture.send(call);
  fixture.list(1);
  fixture.finish_listing();
  const auto first = pending.wait().json();
  const Answer second = fixture.ask(call);
  CHECK(second.status == 202);
  CHECK(second.json() == first);
  CHECK(fixture.imports.requests().back().idempotency_key == "holiday-2026");
}

TEST_CASE("an idempotency key that belongs to another import is a conflict", "[gateway]") {
  GatewayFixture fixture;
  Call call = import_call();
  call.headers = {{"Idempotency-Key", "k"}};
  PendingAnswer pending = fixture.send(call);
  fixture.finish_listing();
  CHECK(pending.wait().status == 200);
  call.body = R"({"folder_url": "https://drive.google.com/drive/folders/1a", "recursive": false})";
  const Answer answer = fixture.ask(call);
  CHECK(answer.status == 409);
  CHECK(answer.json().at("code").as_string() == "idempotency_key_reused");
}

TEST_CASE("an ended dry run is answered with its cost by its idempotency key, too", "[gateway]") {
  GatewayFixture fixture;
  Call call = import_call(R"({"folder_url": "x", "dry_run": true})");
  call.headers = {{"Idempotency-Key", "k"}};
  PendingAnswer pending = fixture.send(call);
  fixture.list(2);
  fixture.finish_listing();
  const auto first = pending.wait().json();
  CHECK(fixture.ask(call).json() == first);
}

TEST_CASE("trouble at the submit becomes the fitting status", "[gateway]") {
  struct Row {
    ErrorCode code;
    std::string reason;
    int status;
    std::string shown;
  };
  const auto row = GENERATE(values<Row>({
      {ErrorCode::kInvalidArgument, "bad_url", 400, "bad_url"},
      {ErrorCode::kNotFound, "folder_not_found", 404, "folder_not_found"},
      {ErrorCode::kPermissionDenied, "", 404, "permission_denied"},
      {ErrorCode::kMisconfigured, "no_credentials", 503, "no_credentials"},
      {ErrorCode::kUnauthenticated, "", 503, "unauthenticated"},
      {ErrorCode::kUnavailable, "", 503, "unavailable"},
      {ErrorCode::kRateLimited, "", 503, "rate_limited"},
      {ErrorCode::kInternal, "", 500, "internal"},
  }));
  GatewayFixture fixture;
  fixture.imports.fail_submits(
      Error(row.code, "The folder is the trouble").with_reason(row.reason).with_remedy("Mend it."));
  const Answer answer = fixture.ask(import_call());
  CHECK(answer.status == row.status);
  const auto json = answer.json();
  CHECK(json.at("code").as_string() == row.shown);
  CHECK(json.at("request_id").as_string() == "request-1");
  if (row.status == 500) return;
  CHECK(json.at("error").as_string() == "The folder is the trouble");
  CHECK(json.at("remedy").as_string() == "Mend it.");
}

TEST_CASE("how long Drive asks to wait is passed on to the client", "[gateway]") {
  GatewayFixture fixture;
  fixture.imports.fail_submits(Error(ErrorCode::kRateLimited, "Slower").with_retry_after(std::chrono::seconds(7)));
  const Answer answer = fixture.ask(import_call());
  CHECK(answer.status == 503);
  CHECK(answer.header("Retry-After") == "7");
}

TEST_CASE("a job that fails while it is listed answers the submit with its trouble", "[gateway]") {
  struct Row {
    std::string reason;
    int status;
  };
  const auto row = GENERATE(values<Row>({{"not_found", 404},
                                         {"trashed", 404},
                                         {"permission_denied", 404},
                                         {"app_not_authorized_to_file", 404},
                                         {"not_a_folder", 400},
                                         {"misconfigured", 503},
                                         {"daily_limit_exceeded", 503},
                                         {"internal", 500}}));
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  fixture.list(1);
  const auto failed = fixture.metadata.fail_job({}, fixture.imports.lease(), {row.reason, "It broke", "Mend it."});
  REQUIRE(failed.has_value());
  const Answer answer = pending.wait();
  CHECK(answer.status == row.status);
  CHECK(answer.json().at("code").as_string() == row.reason);
}

TEST_CASE("polls that fail do not spoil a submit", "[gateway]") {
  GatewayFixture fixture;
  fixture.imports.fail_progress(Error(ErrorCode::kUnavailable, "The database is away"));
  PendingAnswer pending = fixture.send(import_call());
  REQUIRE(eventually([&] { return fixture.imports.progress_calls() >= 3; }));
  CHECK_FALSE(pending.has_come());
  fixture.clock.advance(std::chrono::minutes(1));
  const Answer answer = pending.wait();
  CHECK(answer.status == 202);
  CHECK(answer.json().at("listing").as_bool());
}

TEST_CASE("a bad body or header never reaches the import", "[gateway]") {
  GatewayFixture fixture;
  CHECK(fixture.ask(import_call("{")).json().at("code").as_string() == "bad_json");
  CHECK(fixture.ask(import_call("{}")).json().at("code").as_string() == "bad_field");
  Call call = import_call();
  call.headers = {{"Idempotency-Key", "two words"}};
  const Answer answer = fixture.ask(call);
  CHECK(answer.status == 400);
  CHECK(answer.json().at("code").as_string() == "bad_parameter");
  CHECK(fixture.imports.requests().empty());
}

TEST_CASE("filters reach the import", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending =
      fixture.send(import_call(R"({"folder_url": " u ", "recursive": false, "filters": {"min_width": 100}})"));
  fixture.finish_listing();
  CHECK(pending.wait().status == 200);
  const ImportRequest request = fixture.imports.requests().front();
  CHECK(request.folder_url == "u");
  CHECK_FALSE(request.recursive);
  CHECK(request.filters.min_width == 100);
}

TEST_CASE("nothing is polled any more for a client that went away", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  REQUIRE(eventually([&] { return fixture.imports.progress_calls() >= 2; }));
  pending.leave();
  // The answer that nobody reads is sent when its watcher goes.
  CHECK(pending.wait().status == 503);
  CHECK(fixture.metrics.render().find("imgimport_api_waiting_clients 0") != std::string::npos);
}

TEST_CASE("a draining gateway answers waiting submits with the count so far", "[gateway]") {
  GatewayFixture fixture;
  PendingAnswer pending = fixture.send(import_call());
  fixture.gateway.drain();
  const Answer answer = pending.wait();
  CHECK(answer.status == 202);
  CHECK(answer.json().at("listing").as_bool());
  CHECK(fixture.ask(import_call()).json().at("listing").as_bool());
}

TEST_CASE("many submits of one job share its polls", "[gateway]") {
  GatewayFixture fixture;
  Call call = import_call();
  call.headers = {{"Idempotency-Key", "k"}};
  std::vector<PendingAnswer> pending;
  for (int i = 0; i < 20; ++i) pending.push_back(fixture.send(call));
  CHECK(fixture.metrics.render().find("imgimport_api_waiting_clients 20") != std::string::npos);
  fixture.list(1);
  fixture.finish_listing();
  for (PendingAnswer& answer : pending) CHECK(answer.wait().json().at("total_images").as_int64() == 1);
}

}  // namespace
}  // namespace imgimport::gateway_test
