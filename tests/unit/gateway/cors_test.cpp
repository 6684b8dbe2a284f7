#include "gateway/cors.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

HttpRequest from(std::string origin) {
  HttpRequest request;
  if (!origin.empty()) request.headers.set("Origin", std::move(origin));
  return request;
}

std::string header(const HttpResponse& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or(""));
}

HttpResponse allowed(const std::vector<std::string>& origins, std::string origin) {
  HttpResponse response;
  Cors(origins).allow(from(std::move(origin)), response);
  return response;
}

TEST_CASE("an origin is scheme, host and port in lower case, without the default port", "[gateway]") {
  CHECK(origin_of("HTTPS://Photos.Example.org:443/app?x#y") == "https://photos.example.org");
  CHECK(origin_of("http://localhost:80") == "http://localhost");
  CHECK(origin_of("http://localhost:3000/") == "http://localhost:3000");
  CHECK(origin_of("http://[::1]:5000") == "http://[::1]:5000");
  for (const char* none : {"", "null", "localhost:3000", "://x", "http://", "http:///path"})
    CHECK(origin_of(none).empty());
}

TEST_CASE("a page of an allowed origin may read the answer, with its cookie", "[gateway]") {
  const auto response = allowed({"http://localhost:3000/"}, "http://localhost:3000");
  CHECK(header(response, "Access-Control-Allow-Origin") == "http://localhost:3000");
  CHECK(header(response, "Access-Control-Allow-Credentials") == "true");
  CHECK_THAT(header(response, "Access-Control-Expose-Headers"),
             Catch::Contains("ETag") && Catch::Contains("X-Request-Id"));
  CHECK(header(response, "Vary") == "Origin");
}

TEST_CASE("a page of another origin may not, and caches keep the two apart", "[gateway]") {
  const std::string origin = GENERATE("", "null", "https://evil.example", "http://localhost:30000",
                                      "https://localhost:3000", "http://localhost:3000.evil.example");
  const auto response = allowed({"http://localhost:3000"}, origin);
  CHECK(header(response, "Access-Control-Allow-Origin").empty());
  CHECK(header(response, "Access-Control-Allow-Credentials").empty());
  CHECK(header(response, "Vary") == "Origin");
}

TEST_CASE("a star lets every page read, without cookies", "[gateway]") {
  const auto response = allowed({"*"}, "https://anywhere.example");
  CHECK(header(response, "Access-Control-Allow-Origin") == "*");
  CHECK(header(response, "Access-Control-Allow-Credentials").empty());
  CHECK_FALSE(Cors({"*"}).names("https://anywhere.example"));
}

TEST_CASE("without allowed origins no answer speaks of CORS", "[gateway]") {
  CHECK(allowed({}, "http://localhost:3000").headers.all().empty());
}

TEST_CASE("a preflight names the methods and headers to allowed origins only", "[gateway]") {
  const Cors cors({"http://localhost:3000"});
  const auto good = cors.preflight(from("http://localhost:3000"), {HttpMethod::kGet, HttpMethod::kDelete});
  CHECK(good.status == 204);
  CHECK(header(good, "Access-Control-Allow-Methods") == "GET, HEAD, DELETE");
  CHECK_THAT(header(good, "Access-Control-Allow-Headers"),
             Catch::Contains("Authorization") && Catch::Contains("Content-Type") && Catch::Contains("Idempotency-Key"));
  CHECK(header(good, "Allow") == "GET, HEAD, DELETE, OPTIONS");
  CHECK_FALSE(header(good, "Access-Control-Max-Age").empty());
  const auto bad = cors.preflight(from("https://evil.example"), {HttpMethod::kGet});
  CHECK(header(bad, "Access-Control-Allow-Methods").empty());
  CHECK(header(bad, "Access-Control-Allow-Origin").empty());
}

}  // namespace
}  // namespace imgimport
