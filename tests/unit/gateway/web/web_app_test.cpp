#include "gateway/web/web_app.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "gateway/web/embedded.hpp"
#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport {
namespace {

using gateway_test::Answer;
using gateway_test::GatewayFixture;

WebApp small_app() {
  return WebApp(
      *WebFiles::unpack("imgimport-web 1 2\n"
                        "/index.html\ttext/html; charset=utf-8\trevalidate\tabc\t4\t2\t1\n"
                        "/assets/a.js\ttext/javascript\timmutable\tdef\t2\t0\t0\n"
                        "\n"
                        "pagegzbJS"));
}

HttpResponse ask(const WebApp& app, const std::string& path,
                 const std::vector<std::pair<std::string, std::string>>& headers = {}) {
  HttpRequest request;
  request.path = path;
  for (const auto& [name, value] : headers) request.headers.set(name, value);
  return app.answer(request);
}

std::string body_of(const HttpResponse& response) {
  if (const auto* shared = std::get_if<HttpSharedBody>(&response.body)) return **shared;
  return std::get<std::string>(response.body);
}

std::string header(const HttpResponse& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or(""));
}

TEST_CASE("every address of the app is its page, and a missing file is missing", "[gateway][web]") {
  const WebApp app = small_app();
  for (const char* path : {"/", "/jobs", "/jobs/1234", "/gallery/"}) {
    INFO(path);
    const HttpResponse response = ask(app, path);
    CHECK(response.status == 200);
    CHECK(body_of(response) == "page");
    CHECK(header(response, "Cache-Control") == "no-cache");
    CHECK(header(response, "X-Frame-Options") == "DENY");
    CHECK_THAT(header(response, "Content-Security-Policy"),
               Catch::Contains("default-src 'none'") && !Catch::Contains("unsafe"));
  }
  CHECK(body_of(ask(app, "/assets/a.js")) == "JS");
  CHECK_THAT(header(ask(app, "/assets/a.js"), "Cache-Control"), Catch::Contains("immutable"));
  CHECK(ask(app, "/assets/b.js").status == 404);
  CHECK(ask(app, "/favicon.ico").status == 404);
  CHECK(ask(app, "/../index.html/x.txt").status == 404);
}

TEST_CASE("a path that is no page is 404, also where a browser is shown the app", "[gateway][web]") {
  const WebApp app = small_app();
  for (const char* path : {"/healthz", "/Health", "/health/x", "//api/stats", "/jobs/1/2", "/jobs//", "//", "/apis"}) {
    INFO(path);
    const HttpResponse response = ask(app, path, {{"Accept", "*/*"}});
    CHECK(response.status == 404);
    CHECK_THAT(body_of(response), Catch::Contains("no_such_path"));
    const HttpResponse page =
        ask(app, path, {{"Accept", "text/html,*/*;q=0.8"}, {"If-None-Match", "\"abc\""}, {"Accept-Encoding", "gzip"}});
    CHECK(page.status == 404);
    CHECK(body_of(page) == "gz");
    CHECK(header(page, "X-Frame-Options") == "DENY");
  }
}

TEST_CASE("the app's own routes are the pages that are served", "[gateway][web]") {
  std::ifstream file(std::string(IMGIMPORT_SOURCE_DIR) + "/frontend/src/app.tsx");
  REQUIRE(file);
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  const std::regex route("<Route path=\"([^\"]*)\"");
  int routes = 0;
  for (std::sregex_iterator found(source.begin(), source.end(), route), end; found != end; ++found, ++routes) {
    const std::string path = std::regex_replace((*found)[1].str(), std::regex(":[a-z]+"), "0f3c");
    INFO(path);
    CHECK(is_page_path(path));
  }
  CHECK(routes >= 6);
}

TEST_CASE("the smallest form that a browser takes is sent, each with a tag of its own", "[gateway][web]") {
  const WebApp app = small_app();
  const HttpResponse plain = ask(app, "/");
  const HttpResponse gzip = ask(app, "/", {{"Accept-Encoding", "gzip"}});
  const HttpResponse brotli = ask(app, "/", {{"Accept-Encoding", "gzip, br"}});
  CHECK(body_of(gzip) == "gz");
  CHECK(header(gzip, "Content-Encoding") == "gzip");
  CHECK(body_of(brotli) == "b");
  CHECK(header(brotli, "Content-Encoding") == "br");
  CHECK(header(plain, "Content-Encoding").empty());
  CHECK(header(plain, "Vary") == "Accept-Encoding");
  CHECK(header(plain, "ETag") != header(gzip, "ETag"));
  CHECK(header(gzip, "ETag") != header(brotli, "ETag"));

  const HttpResponse known = ask(app, "/", {{"Accept-Encoding", "gzip"}, {"If-None-Match", header(gzip, "ETag")}});
  CHECK(known.status == 304);
  CHECK(body_of(known).empty());
  CHECK(ask(app, "/", {{"If-None-Match", header(gzip, "ETag")}}).status == 200);
}

TEST_CASE("a program without the app says so, and serves its API", "[gateway][web]") {
  const WebApp app{WebFiles()};
  const HttpResponse response = ask(app, "/");
  CHECK(response.status == 404);
  CHECK_THAT(body_of(response), Catch::Contains("no_web_app"));
}

TEST_CASE("the app hides nothing of the API: 404 and 405 stay what they are", "[gateway][web]") {
  GatewayFixture gateway;
  for (const char* path : {"/api", "/api/nothing", "/api/images/1/nothing", "/internal/v1/x", "/metrics"}) {
    INFO(path);
    CHECK(gateway.router.match(HttpMethod::kGet, path).route == nullptr);
    CHECK(gateway.router.match(HttpMethod::kGet, path).allowed.empty());
  }
  CHECK_FALSE(gateway.router.match(HttpMethod::kGet, "/api/import/google-drive").allowed.empty());
  CHECK(gateway.router.match(HttpMethod::kPost, "/jobs").route == nullptr);
  REQUIRE(gateway.router.match(HttpMethod::kHead, "/jobs").route != nullptr);
  CHECK_FALSE(gateway.router.match(HttpMethod::kGet, "/apis").route->options.guarded);
}

// "get /api/images/{id}"
std::set<std::string> described() {
  std::set<std::string> operations;
  const auto document = boost::json::parse(embedded_openapi());
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      operations.insert(std::string(operation.key()) + " " + std::string(path.key()));
    }
  }
  return operations;
}

TEST_CASE("every mounted route is described in openapi.json, and every described one is mounted", "[gateway][web]") {
  GatewayFixture gateway;
  // These are on every service's port, and mounted by the application.
  std::set<std::string> mounted = {"get /health", "get /ready", "get /metrics"};
  for (const Router::Route& route : gateway.router.routes()) {
    if (route.method == HttpMethod::kOptions) continue;
    std::string method(to_string(route.method));
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    mounted.insert(method + " " + route.pattern);
  }
  CHECK(mounted == described());
}

TEST_CASE("the description has what a body, a deadline and a range may lead to", "[gateway][web]") {
  const auto document = boost::json::parse(embedded_openapi());
  const auto has = [](const boost::json::object& operation, const char* list, std::string_view wanted) {
    const auto* parameters = operation.if_contains(list);
    return parameters != nullptr && boost::json::serialize(*parameters).find(wanted) != std::string::npos;
  };
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& entry : path.value().as_object()) {
      INFO(entry.key() << " " << path.key());
      const auto& operation = entry.value().as_object();
      const auto& responses = operation.at("responses").as_object();
      CHECK(responses.contains("413") == operation.contains("requestBody"));
      CHECK(responses.contains("504") == responses.contains("500"));
      CHECK(has(operation, "parameters", "parameters/Deadline") == responses.contains("504"));
      if (responses.contains("206")) CHECK(has(operation, "parameters", "If-Range"));
      if (responses.contains("204")) CHECK(has(operation, "parameters", "Last-Event-ID"));
    }
  }
  CHECK(document.at("components").at("schemas").at("Ready").at("properties").as_object().contains("reason"));
}

TEST_CASE("the description is served as it is, and by its tag", "[gateway][web]") {
  GatewayFixture gateway;
  const Answer answer = gateway.get("/api/openapi.json");
  CHECK(answer.status == 200);
  CHECK(answer.body == embedded_openapi());
  CHECK(answer.header("Content-Type") == "application/json");
  const Answer again =
      gateway.ask({.target = "/api/openapi.json", .headers = {{"If-None-Match", answer.header("ETag")}}});
  CHECK(again.status == 304);
}

}  // namespace
}  // namespace imgimport
