#include "gateway/gateway_module.hpp"

#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "gateway/api_router.hpp"

#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

GatewayOptions with_token() {
  GatewayOptions options = GatewayFixture::fast_options();
  options.api_token = "s3cret";
  return options;
}

TEST_CASE("every route but the session needs the token", "[gateway]") {
  GatewayFixture fixture(with_token());
  const Answer refused = fixture.get("/api/stats");
  CHECK(refused.status == 401);
  CHECK_THAT(refused.header("WWW-Authenticate"), Catch::StartsWith("Bearer"));
  CHECK(refused.json().at("code").as_string() == "token_needed");
  CHECK(refused.json().at("request_id").as_string() == "request-1");
  CHECK(fixture.get("/api/images/1/content").status == 401);
  CHECK(fixture.ask({.target = "/api/stats", .headers = {{"Authorization", "Bearer s3cret"}}}).status == 200);
}

TEST_CASE("a session opens the API to a browser's own pages", "[gateway]") {
  GatewayFixture fixture(with_token());
  const Call sign_in{.method = HttpMethod::kPost, .target = "/api/session", .body = R"({"token": "s3cret"})"};
  const Answer answer = fixture.ask(sign_in);
  REQUIRE(answer.status == 200);
  const std::string cookie = answer.header("Set-Cookie");
  CHECK_THAT(cookie, Catch::Contains("HttpOnly") && Catch::Contains("SameSite=Strict"));
  const std::pair<std::string, std::string> header("Cookie", cookie.substr(0, cookie.find(';')));
  CHECK(fixture.ask({.target = "/api/stats", .headers = {header}}).status == 200);
  const Call forged{.method = HttpMethod::kDelete,
                    .target = "/api/images/1",
                    .headers = {header, {"Origin", "https://evil.example"}}};
  CHECK(fixture.ask(forged).status == 403);
  const Call own{.method = HttpMethod::kDelete,
                 .target = "/api/images/1",
                 .headers = {header, {"Origin", "http://localhost:3000"}}};
  CHECK(fixture.ask(own).status == 404);
  const Answer out = fixture.ask({.method = HttpMethod::kDelete, .target = "/api/session"});
  CHECK_THAT(out.header("Set-Cookie"), Catch::Contains("Max-Age=0"));
}

TEST_CASE("anybody may ask whether a token is needed, and whether they have shown it", "[gateway]") {
  const auto state = [](GatewayFixture& fixture, std::vector<std::pair<std::string, std::string>> headers) {
    return fixture.ask({.target = "/api/session", .headers = std::move(headers)}).json();
  };
  GatewayOptions options = GatewayFixture::fast_options();
  GatewayFixture open(options);
  CHECK_FALSE(state(open, {}).at("token_needed").as_bool());
  CHECK(state(open, {}).at("signed_in").as_bool());
  options.api_token = "s3cret";
  GatewayFixture guarded(options);
  CHECK(state(guarded, {}).at("token_needed").as_bool());
  CHECK_FALSE(state(guarded, {}).at("signed_in").as_bool());
  CHECK_FALSE(state(guarded, {{"Authorization", "Bearer guess"}}).at("signed_in").as_bool());
  CHECK(state(guarded, {{"Authorization", "Bearer s3cret"}}).at("signed_in").as_bool());
}

TEST_CASE("a session is refused to a wrong token or body", "[gateway]") {
  GatewayFixture fixture(with_token());
  Call call{.method = HttpMethod::kPost, .target = "/api/session", .body = R"({"token": "guess"})"};
  const Answer wrong = fixture.ask(call);
  CHECK(wrong.status == 401);
  CHECK(wrong.header("Set-Cookie").empty());
  call.body = R"({"token": 5})";
  CHECK(fixture.ask(call).status == 400);
  call.body = "token=s3cret";
  CHECK(fixture.ask(call).json().at("code").as_string() == "bad_json");
}

TEST_CASE("a server without a token needs no session", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer =
      fixture.ask({.method = HttpMethod::kPost, .target = "/api/session", .body = R"({"token": "any"})"});
  CHECK(answer.status == 200);
  CHECK(answer.header("Set-Cookie").empty());
}

TEST_CASE("every answer may be read by allowed pages, refusals too", "[gateway]") {
  GatewayFixture fixture(with_token());
  const std::pair<std::string, std::string> origin("Origin", "http://localhost:3000");
  const std::pair<std::string, std::string> token("Authorization", "Bearer s3cret");
  for (const std::string target : {"/api/stats", "/api/images/77", "/api/images?page=0"}) {
    CHECK(fixture.ask({.target = target, .headers = {origin}}).header("Access-Control-Allow-Origin") == origin.second);
    const Answer answer = fixture.ask({.target = target, .headers = {origin, token}});
    CHECK(answer.header("Access-Control-Allow-Origin") == origin.second);
    CHECK(answer.header("Vary") == "Origin");
    CHECK(answer.header("Cache-Control") == "no-store");
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("what the server itself answers on the public port may be read by allowed pages, too", "[gateway]") {
  const auto finish = finish_public_answers({"http://localhost:3000"});
  const auto finished = [&](std::string origin) {
    HttpRequest request;
    if (!origin.empty()) request.headers.set("Origin", std::move(origin));
    Answer answer;
    HttpResponse response;
    response.headers.set("Retry-After", "1");
    finish(request, response);
    answer.headers = response.headers;
    return answer;
  };
  const Answer allowed = finished("http://localhost:3000");
  CHECK(allowed.header("Access-Control-Allow-Origin") == "http://localhost:3000");
  CHECK_THAT(allowed.header("Access-Control-Expose-Headers"), Catch::Contains("Retry-After"));
  CHECK(allowed.header("X-Content-Type-Options") == "nosniff");
  CHECK(allowed.header("Cache-Control") == "no-store");
  CHECK(allowed.header("Retry-After") == "1");
  for (const char* origin : {"", "https://evil.example"}) {
    const Answer other = finished(origin);
    CHECK(other.header("Access-Control-Allow-Origin").empty());
    CHECK(other.header("Vary") == "Origin");
    CHECK(other.header("X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("a preflight is answered without a token, for every path", "[gateway]") {
  GatewayFixture fixture(with_token());
  for (const std::string target :
       {"/api/import/google-drive", "/api/import/jobs", "/api/import/status/x", "/api/import/x/items",
        "/api/import/x/events", "/api/import/x/retry", "/api/import/x/cancel", "/api/images", "/api/images/all",
        "/api/images/1", "/api/images/1/content", "/api/stats", "/api/session"}) {
    INFO(target);
    const Answer answer = fixture.ask(
        {.method = HttpMethod::kOptions, .target = target, .headers = {{"Origin", "http://localhost:3000"}}});
    CHECK(answer.status == 204);
    CHECK_FALSE(answer.header("Access-Control-Allow-Methods").empty());
  }
  const Answer images = fixture.ask(
      {.method = HttpMethod::kOptions, .target = "/api/images/1", .headers = {{"Origin", "http://localhost:3000"}}});
  CHECK_THAT(images.header("Access-Control-Allow-Methods"), Catch::Contains("GET") && Catch::Contains("DELETE"));
}

TEST_CASE("requests are counted by route and outcome", "[gateway]") {
  GatewayFixture fixture;
  CHECK(fixture.get("/api/stats").status == 200);
  CHECK(fixture.get("/api/images/77").status == 404);
  const std::string metrics = fixture.metrics.render();
  CHECK_THAT(metrics,
             Catch::Contains(R"(imgimport_api_requests_total{method="GET",route="/api/stats",outcome="succeeded"} 1)"));
  CHECK_THAT(
      metrics,
      Catch::Contains(R"(imgimport_api_requests_total{method="GET",route="/api/images/{id}",outcome="refused"} 1)"));
}

TEST_CASE("health is degraded while the database is away, and recovers by itself", "[gateway]") {
  GatewayFixture fixture;
  CHECK(fixture.gateway.health().status == HealthStatus::kHealthy);
  REQUIRE(fixture.gateway.start().has_value());
  fixture.metadata.fail_after(0);
  CHECK(eventually([&] { return fixture.gateway.health().status == HealthStatus::kDegraded; }));
  const Health health = fixture.gateway.health();
  REQUIRE(health.troubles.size() == 1);
  CHECK(health.troubles.front().name == "database");
  CHECK(health.troubles.front().trouble == "The database does not answer at the moment");
  fixture.metadata.fail_after(std::nullopt);
  CHECK(eventually([&] { return fixture.gateway.health().status == HealthStatus::kHealthy; }));
}

TEST_CASE("a gateway may be stopped twice, started or not, with clients waiting", "[gateway]") {
  GatewayFixture fixture;
  if (GENERATE(true, false)) REQUIRE(fixture.gateway.start().has_value());
  PendingAnswer pending = fixture.send(
      {.method = HttpMethod::kPost, .target = "/api/import/google-drive", .body = R"({"folder_url": "x"})"});
  fixture.gateway.drain();
  fixture.gateway.stop(std::chrono::steady_clock::now());
  fixture.gateway.stop(std::chrono::steady_clock::now());
  CHECK(pending.wait().status == 202);
}

}  // namespace
}  // namespace imgimport::gateway_test
