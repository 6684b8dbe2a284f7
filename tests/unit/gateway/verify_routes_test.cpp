#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

Call verify_call(const JobId& job) {
  return {.method = HttpMethod::kPost, .target = "/api/import/" + job.value() + "/verify"};
}

// Holds every inspection until it is opened, or its caller stops.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<int> waiting{0};

  void guard(FlakyObjects& objects) {
    objects.on_inspect([this](const CallContext& context, const ObjectKey&) -> std::optional<Result<ObjectInfo>> {
      ++waiting;
      eventually([&] { return open || context.stop.stop_requested(); });
      if (const auto stopped = context.check(); !stopped.has_value()) return Result<ObjectInfo>(stopped.error());
      return std::nullopt;
    });
  }
};

TEST_CASE("verify answers with the report", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(4);
  REQUIRE(fixture.objects.remove({}, ObjectKey("images/drive-3/v1/photo.jpg")).has_value());
  const Answer answer = fixture.ask(verify_call(job));
  REQUIRE(answer.status == 200);
  const auto json = answer.json();
  CHECK(json.at("job_id").as_string() == job.value());
  CHECK(json.at("complete").as_bool());
  CHECK(json.at("checked").as_int64() == 4);
  CHECK(json.at("ok").as_int64() == 3);
  CHECK(json.at("missing_count").as_int64() == 1);
  CHECK(json.at("different_count").as_int64() == 0);
  CHECK(json.at("different").as_array().empty());
  REQUIRE(json.at("missing").as_array().size() == 1);
  const auto& finding = json.at("missing").as_array()[0].as_object();
  CHECK(finding.at("name").as_string() == "photo 3.jpg");
  CHECK(finding.at("object_key").as_string() == "images/drive-3/v1/photo.jpg");
  CHECK(finding.at("image_id").as_int64() == 3);
  CHECK(finding.at("item_id").as_int64() == 3);
  CHECK(finding.at("found_size").is_null());
  CHECK(fixture.get("/api/import/status/" + job.value()).json().at("failed").as_int64() == 1);

  const auto again = fixture.ask(verify_call(job)).json();
  CHECK(again.at("missing_count").as_int64() == 1);
  CHECK(again.at("failed_items").as_int64() == 1);
  const auto& known = again.at("missing").as_array().at(0).as_object();
  CHECK(known.at("name").as_string() == "photo 3.jpg");
  CHECK(known.at("item_id").as_int64() == 3);
  CHECK(known.at("image_id").is_null());
  CHECK(known.at("object_key").is_null());
}

TEST_CASE("verify refuses an unknown job, a bad id and a dry run", "[gateway]") {
  GatewayFixture fixture;
  CHECK(fixture.ask(verify_call(JobId("no-uuid"))).status == 400);
  CHECK(fixture.ask(verify_call(JobId("11111111-2222-4333-8444-555555555555"))).status == 404);
  const auto dry = fixture.imports.submit({}, {.folder_url = "mem:folder", .dry_run = true}).value().job.id;
  const Answer refused = fixture.ask(verify_call(dry));
  CHECK(refused.status == 409);
  CHECK(refused.json().at("code").as_string() == "dry_run");
}

TEST_CASE("verify says why it could not go on", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(4);
  fixture.objects.fail(Error(ErrorCode::kMisconfigured, "the key is wrong").with_remedy("Set another key."));
  const Answer answer = fixture.ask(verify_call(job));
  CHECK(answer.status == 503);
  CHECK_THAT(std::string(answer.json().at("error").as_string()), Catch::Contains("after 0 of 4 objects"));
  CHECK(answer.json().at("remedy").as_string() == "Set another key.");
}

TEST_CASE("a job is verified by one run at a time, and few jobs at once; no request thread waits", "[gateway]") {
  GatewayFixture fixture;
  const std::vector<JobId> jobs = {fixture.imported_job(2), fixture.imported_job(2), fixture.imported_job(2)};
  Gate gate;
  gate.guard(fixture.objects);
  PendingAnswer first = fixture.send(verify_call(jobs[0]));
  const Answer same = fixture.ask(verify_call(jobs[0]));
  CHECK(same.status == 409);
  CHECK(same.json().at("code").as_string() == "verification_running");
  PendingAnswer second = fixture.send(verify_call(jobs[1]));
  const Answer third = fixture.ask(verify_call(jobs[2]));
  CHECK(third.status == 503);
  CHECK(third.json().at("code").as_string() == "too_many_verifications");
  CHECK_FALSE(first.has_come());
  gate.open = true;
  CHECK(first.wait().status == 200);
  CHECK(second.wait().status == 200);
  CHECK(fixture.ask(verify_call(jobs[0])).status == 200);
  CHECK(fixture.ask(verify_call(jobs[2])).status == 200);
}

TEST_CASE("a client that goes away ends its run", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  Gate gate;
  gate.guard(fixture.objects);
  PendingAnswer gone = fixture.send(verify_call(job));
  REQUIRE(eventually([&] { return gate.waiting > 0; }));
  gone.leave();
  CHECK(gone.wait().status == 503);
  gate.open = true;
  CHECK(fixture.ask(verify_call(job)).status == 200);
}

TEST_CASE("a server that drains ends its runs and begins no more", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  Gate gate;
  gate.guard(fixture.objects);
  PendingAnswer pending = fixture.send(verify_call(job));
  REQUIRE(eventually([&] { return gate.waiting > 0; }));
  fixture.gateway.drain();
  const Answer answer = pending.wait();
  CHECK(answer.status == 503);
  CHECK(answer.json().at("code").as_string() == "server_ending");
  CHECK(fixture.ask(verify_call(job)).status == 503);
  fixture.gateway.stop(std::chrono::steady_clock::now());
}

TEST_CASE("a gateway that stops while a run is under way waits for its end", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  Gate gate;
  gate.guard(fixture.objects);
  PendingAnswer pending = fixture.send(verify_call(job));
  REQUIRE(eventually([&] { return gate.waiting > 0; }));
  fixture.gateway.stop(std::chrono::steady_clock::now());
  CHECK(pending.has_come());
}

}  // namespace
}  // namespace imgimport::gateway_test
