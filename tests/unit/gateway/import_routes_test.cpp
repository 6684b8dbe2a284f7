#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

const std::string kUnknownJob = "123e4567-e89b-42d3-a456-426614174000";

std::int64_t number(const boost::json::object& json, std::string_view name) {
  return json.at(name).as_int64();
}

bool equation_holds(const boost::json::object& json) {
  return number(json, "processed") + number(json, "failed") + number(json, "deferred") + number(json, "cancelled") +
             number(json, "pending") ==
         number(json, "total");
}

TEST_CASE("the status shows every field of a job, and the equation holds", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(5);
  fixture.imports.set_speed(12.345, 60);
  const auto json = fixture.get("/api/import/status/" + job.value()).json();
  CHECK(json.at("job_id").as_string() == job.value());
  CHECK(json.at("status").as_string() == "listing");
  CHECK(number(json, "total") == 5);
  CHECK(number(json, "pending") == 5);
  CHECK(equation_holds(json));
  for (const char* zero : {"processed", "failed", "imported_count", "skipped", "deduplicated", "deferred", "cancelled",
                           "ignored", "bytes"}) {
    CHECK(number(json, zero) == 0);
  }
  CHECK(json.at("rate").as_double() == 12.35);
  CHECK(number(json, "eta_seconds") == 60);
  CHECK(json.at("created_at").as_string() == "2026-11-23T20:17:14.123Z");
  CHECK(json.at("finished_at").is_null());
  CHECK_FALSE(json.at("dry_run").as_bool());
  CHECK_FALSE(json.contains("error"));
  CHECK(json.at("imported").as_array().empty());
}

TEST_CASE("an unknown ETA is null", "[gateway]") {
  GatewayFixture fixture;
  const auto json = fixture.get("/api/import/status/" + fixture.submit().value()).json();
  CHECK(json.at("eta_seconds").is_null());
  CHECK(json.at("rate") == 0);
}

TEST_CASE("the status lists every imported record, however many pages it takes", "[gateway]") {
  const std::size_t count = GENERATE(0u, 1u, 2u, 3u, 4u, 6u, 17u);
  GatewayFixture fixture;  // three records a page
  const JobId job = fixture.imported_job(count);
  const Answer answer = fixture.get("/api/import/status/" + job.value());
  CHECK(answer.status == 200);
  const auto json = answer.json();
  CHECK(number(json, "imported_count") == static_cast<std::int64_t>(count));
  CHECK(equation_holds(json));
  CHECK(json.at("imported").as_array().size() == count);
  std::set<std::string> ids;
  for (const auto& image : json.at("imported").as_array()) {
    ids.emplace(image.as_object().at("google_drive_id").as_string());
  }
  CHECK(ids.size() == count);
}

TEST_CASE("a number caps the records of a status", "[gateway]") {
  GatewayFixture fixture;
  const std::string target = "/api/import/status/" + fixture.imported_job(8).value() + "?imported=";
  for (const std::size_t limit : {0u, 1u, 3u, 4u, 8u}) {
    CHECK(fixture.get(target + std::to_string(limit)).json().at("imported").as_array().size() == limit);
  }
  CHECK(fixture.get(target + "100").json().at("imported").as_array().size() == 8);
  CHECK(fixture.get(target).json().at("imported").as_array().size() == 8);
  for (const char* wrong : {"-1", "all"}) {
    const Answer answer = fixture.get(target + wrong);
    CHECK(answer.status == 400);
    CHECK_THAT(std::string(answer.json().at("error").as_string()), Catch::Contains("imported must be"));
  }
}

TEST_CASE("the status of a failed job says why, and what to do", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  const JobTrouble trouble{"daily_limit_exceeded", "Drive's \"daily limit\" is used up", "Raise it."};
  REQUIRE(fixture.metadata.fail_job({}, fixture.imports.lease(), trouble).has_value());
  const auto json = fixture.get("/api/import/status/" + job.value()).json();
  CHECK(json.at("status").as_string() == "failed");
  CHECK(json.at("error").as_string() == trouble.message);
  CHECK(json.at("reason").as_string() == trouble.reason);
  CHECK(json.at("remedy").as_string() == trouble.remedy);
}

TEST_CASE("a job's records that cannot be read give an error, later ones break the answer off", "[gateway]") {
  GatewayFixture fixture;
  const std::string target = "/api/import/status/" + fixture.imported_job(8).value();
  fixture.metadata.fail_after(0);
  const Answer at_once = fixture.get(target);
  CHECK(at_once.status == 503);
  CHECK(at_once.json().contains("error"));
  fixture.metadata.fail_after(1);
  const Answer later = fixture.get(target);
  CHECK(later.status == 200);
  REQUIRE(later.read_error.has_value());
  CHECK(later.read_error->code() == ErrorCode::kUnavailable);
}

TEST_CASE("a job id that is none is refused, an unknown one not found, on every route", "[gateway]") {
  struct Row {
    HttpMethod method;
    std::string before;
    std::string after;
  };
  const auto row = GENERATE(values<Row>({{HttpMethod::kGet, "/api/import/status/", ""},
                                         {HttpMethod::kGet, "/api/import/", "/items"},
                                         {HttpMethod::kGet, "/api/import/", "/events"},
                                         {HttpMethod::kPost, "/api/import/", "/retry"},
                                         {HttpMethod::kPost, "/api/import/", "/cancel"}}));
  GatewayFixture fixture;
  for (const char* id : {"42", "jobs!", "%3Cscript%3E", "..%2f..", "123e4567-e89b-42d3-a456-42661417400"}) {
    const Answer wrong = fixture.ask({.method = row.method, .target = row.before + id + row.after});
    CHECK(wrong.status == 400);
    CHECK_THAT(std::string(wrong.json().at("error").as_string()), Catch::Contains("must be a UUID"));
  }
  const Answer unknown = fixture.ask({.method = row.method, .target = row.before + kUnknownJob + row.after});
  CHECK(unknown.status == 404);
  CHECK(unknown.header("Content-Type") == "application/json");
}

TEST_CASE("jobs are listed newest first, a page at a time", "[gateway]") {
  GatewayFixture fixture;
  std::vector<std::string> submitted;
  for (int i = 0; i < 5; ++i) {
    submitted.push_back(fixture.submit().value());
    fixture.clock.advance(std::chrono::seconds(1));
  }
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const auto json = fixture.get("/api/import/jobs?limit=2" + cursor).json();
    CHECK(json.at("jobs").as_array().size() <= 2);
    for (const auto& job : json.at("jobs").as_array()) {
      seen.emplace_back(job.as_object().at("job_id").as_string());
      CHECK(equation_holds(job.as_object()));
    }
    const auto& next = json.at("next_cursor");
    cursor = next.is_null() ? "" : "&cursor=" + std::string(next.as_string());
  } while (!cursor.empty());
  std::reverse(submitted.begin(), submitted.end());
  CHECK(seen == submitted);
}

TEST_CASE("no jobs are an empty list", "[gateway]") {
  GatewayFixture fixture;
  const auto json = fixture.get("/api/import/jobs").json();
  CHECK(json.at("jobs").as_array().empty());
  CHECK(json.at("next_cursor").is_null());
  CHECK(fixture.get("/api/import/jobs?limit=0").status == 400);
  CHECK(fixture.get("/api/import/jobs?limit=1001").status == 400);
  CHECK(fixture.get("/api/import/jobs?cursor=abc").status == 400);
}

TEST_CASE("what lies between import and the workers is told", "[gateway]") {
  GatewayFixture fixture;
  fixture.imports.set_speed(12.345, std::nullopt);
  CHECK(fixture.get("/api/import/queue").body ==
        R"({"batches_waiting":3,"batches_leased":2,"workers":1,"rate":12.35})");
  fixture.imports.fail_progress(Error(ErrorCode::kUnavailable, "Redis is away"));
  CHECK(fixture.get("/api/import/queue").status == 503);
}

TEST_CASE("items are listed by state, a page at a time", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(5);
  const std::string target = "/api/import/" + job.value() + "/items";
  std::vector<std::string> names;
  std::string cursor;
  do {
    const auto json = fixture.get(target + "?state=imported&limit=2" + cursor).json();
    for (const auto& item : json.at("items").as_array()) names.emplace_back(item.as_object().at("name").as_string());
    const auto& next = json.at("next_cursor");
    cursor = next.is_null() ? "" : "&cursor=" + std::string(next.as_string());
  } while (!cursor.empty());
  CHECK(names == std::vector<std::string>{"photo 1.jpg", "photo 2.jpg", "photo 3.jpg", "photo 4.jpg", "photo 5.jpg"});
  CHECK(fixture.get(target + "?state=failed").json().at("items").as_array().empty());
  CHECK(fixture.get(target).json().at("items").as_array().size() == 5);
}

TEST_CASE("an item shows every field", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(1);
  fixture.finish_listing();
  const auto item =
      fixture.get("/api/import/" + job.value() + "/items").json().at("items").as_array().at(0).as_object();
  CHECK(item.at("google_drive_id").as_string() == "drive-1");
  CHECK(item.at("name").as_string() == "photo 1.jpg");
  CHECK(item.at("folder_path").as_string().empty());
  CHECK(item.at("size").as_int64() == 1001);
  CHECK(item.at("mime_type").as_string() == "image/jpeg");
  CHECK(item.at("state").as_string() == "pending");
  CHECK(item.at("attempts").as_int64() == 0);
  for (const char* unknown : {"reason", "remedy", "next_try_at", "image_id"}) CHECK(item.at(unknown).is_null());
}

TEST_CASE("a wrong state, limit or cursor of items is refused with what it must be", "[gateway]") {
  GatewayFixture fixture;
  const std::string target = "/api/import/" + fixture.submit().value() + "/items";
  const auto error_of = [&](const std::string& query) {
    const Answer answer = fixture.get(target + query);
    CHECK(answer.status == 400);
    return std::string(answer.json().at("error").as_string());
  };
  CHECK_THAT(error_of("?state=done"), Catch::Contains("one of pending, imported"));
  CHECK_THAT(error_of("?limit=0"), Catch::Contains("from 1 to 1000"));
  CHECK_THAT(error_of("?limit=1001"), Catch::Contains("from 1 to 1000"));
  CHECK_THAT(error_of("?cursor=x"), Catch::Contains("cursor must be"));
}

TEST_CASE("retry puts failed items back and says how many", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(2);
  fixture.finish_listing();
  REQUIRE(fixture.metadata.cancel_job({}, job).has_value());
  const Answer answer = fixture.ask({.method = HttpMethod::kPost, .target = "/api/import/" + job.value() + "/retry"});
  CHECK(answer.status == 202);
  CHECK(answer.json().at("retried").as_int64() == 2);
  CHECK(answer.json().at("message").as_string() == "2 items go back to the queue");
}

TEST_CASE("a dry run has nothing to retry", "[gateway]") {
  GatewayFixture fixture;
  const auto job = fixture.imports.submit({}, {.folder_url = "x", .dry_run = true}).value().job.id;
  const Answer answer = fixture.ask({.method = HttpMethod::kPost, .target = "/api/import/" + job.value() + "/retry"});
  CHECK(answer.status == 409);
  CHECK(answer.json().at("code").as_string() == "dry_run");
}

TEST_CASE("cancel ends a job, and may be repeated", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(2);
  fixture.finish_listing();
  const Call call{.method = HttpMethod::kPost, .target = "/api/import/" + job.value() + "/cancel"};
  for (int i = 0; i < 2; ++i) {
    const Answer answer = fixture.ask(call);
    CHECK(answer.status == 200);
    CHECK(answer.json().at("status").as_string() == "cancelled");
    CHECK(answer.json().at("message").as_string() == "Import job cancelled");
  }
  const JobId done = fixture.imported_job(1);
  const Answer late = fixture.ask({.method = HttpMethod::kPost, .target = "/api/import/" + done.value() + "/cancel"});
  CHECK(late.json().at("status").as_string() == "completed");
}

TEST_CASE("a path or method that is none of the API's is not matched", "[gateway]") {
  GatewayFixture fixture;
  CHECK(fixture.get("/api/import/google-drive").status == 405);
  CHECK(fixture.get("/api/nothing").status == 404);
  CHECK(fixture.ask({.method = HttpMethod::kPost, .target = "/api/images"}).status == 405);
}

}  // namespace
}  // namespace imgimport::gateway_test
