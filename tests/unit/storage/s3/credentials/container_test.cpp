#include "storage/s3/credentials/container.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"
#include "support/http_imposter.hpp"
#include "support/temp_dir.hpp"
#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

using test::direct_http;
using test::environment_of;
using test::has;
using test::HttpImposter;
using test::ImposterReply;
using test::ImposterRequest;
using test::shown;
using test::write_file;

TEST_CASE("credentials are asked for over TLS, or where only AWS and this machine are", "[container]") {
  for (const char* good :
       {"https://example.com/x", "HTTPS://10.0.0.1:8443/x", "http://127.0.0.1/x", "http://127.8.9.1:80/x",
        "http://localhost:51679/get", "http://LOCALHOST", "http://[::1]:8080/x", "http://[0:0:0:0:0:0:0:1]/x",
        "http://169.254.170.2/v2", "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials",
        "Http://[fd00:0ec2:0::0023]"}) {
    INFO(good);
    CHECK(is_allowed_container_url(good));
  }
  for (const char* bad : {"",
                          "/x",
                          "ftp://127.0.0.1/",
                          "http://",
                          "http:///x",
                          "https://",
                          "http://example.com/",
                          "http://10.0.0.1/",
                          "http://169.254.169.254/",
                          "http://169.254.170.3/",
                          "http://127.0.0.1.example.com/",
                          "http://127.1/",
                          "http://2130706433/",
                          "http://127.0.0.1@example.com/",
                          "https://a@example.com/",
                          "http://example.com#@127.0.0.1/",
                          "http://example.com\\@127.0.0.1/",
                          "http://127.0.0.1:80@example.com/",
                          "http://127.0.0.1:8x/",
                          "http://[::1/",
                          "http://[::1]x/",
                          "http://[::2]/",
                          "http://[fd00:ec2::254]/",
                          "http://127.0.0.1/a b",
                          "http://127.0.0.1/\r\nx"}) {
    INFO(bad);
    CHECK_FALSE(is_allowed_container_url(bad));
  }
}

TEST_CASE("the relative URI is at ECS's own address and wins", "[container]") {
  CHECK_FALSE(container_endpoint(environment_of({}))->has_value());
  CHECK_FALSE(container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ""}}))->has_value());
  const auto endpoint =
      container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1?a=b"},
                                         {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x"},
                                         {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x"}}));
  REQUIRE(endpoint->has_value());
  CHECK((*endpoint)->url == "http://169.254.170.2/v2/credentials/1?a=b");
  CHECK((*endpoint)->authorization == "Bearer x");
  for (const char* bad : {"v2/credentials", "@example.com/", ".example.com/", "/a\r\nb"}) {
    INFO(bad);
    CHECK(container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", bad}})).error().code() ==
          ErrorCode::kMisconfigured);
  }
}

TEST_CASE("the token file wins over the token, and is one line", "[container]") {
  const TempDir folder;
  const std::string file = write_file(folder.path() / "token", "from-file\n");
  const std::string url = "http://localhost/x";
  const auto endpoint = container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url},
                                                           {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "plain"},
                                                           {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file}}));
  CHECK(endpoint.value()->authorization == "from-file");

  write_file(file, "SECRETWORD\r\nX-Evil: 1");
  const auto two_lines = container_endpoint(
      environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file}}));
  REQUIRE_FALSE(two_lines.has_value());
  CHECK_FALSE(has(shown(two_lines.error()), "SECRETWORD"));

  const auto missing = container_endpoint(environment_of(
      {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file + ".gone"}}));
  CHECK(missing.error().code() == ErrorCode::kMisconfigured);
  CHECK(has(missing.error().message(), file + ".gone"));
}

TEST_CASE("a URL that credentials must not come from is an error, not a reason to look elsewhere", "[container]") {
  const auto endpoint = container_endpoint(
      environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://user:SECRETWORD@example.com/"}}));
  REQUIRE_FALSE(endpoint.has_value());
  CHECK(endpoint.error().code() == ErrorCode::kMisconfigured);
  CHECK(has(endpoint.error().message(), "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  CHECK_FALSE(has(shown(endpoint.error()), "SECRETWORD"));
}

struct Bench {
  explicit Bench(HttpImposter::Script script) : server(std::move(script)), http(direct_http()) {}
  Result<AwsCredentials> ask() { return credentials_from_container({}, {server.url("/v2/creds"), "TOKENWORD"}, http); }
  HttpImposter server;
  CurlHttpClient http;
};

TEST_CASE("the container service's answer becomes credentials", "[container]") {
  Bench bench([](const ImposterRequest&) {
    return ImposterReply::json(
        R"({"RoleArn":"r","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T05:00:00Z"})");
  });
  CHECK(*bench.ask() == AwsCredentials{"ASIA", "s", "t", from_rfc3339("2026-01-02T05:00:00Z")});
  CHECK(bench.server.requests().at(0).target == "/v2/creds");
  CHECK(bench.server.requests().at(0).header("Authorization") == "TOKENWORD");
}

TEST_CASE("the container service's refusals and faults", "[container]") {
  int status = 200;
  std::string body;
  Bench bench([&](const ImposterRequest&) { return ImposterReply::json(body, status); });
  const auto code_of = [&](int code, std::string text) {
    status = code;
    body = std::move(text);
    const auto answer = bench.ask();
    REQUIRE_FALSE(answer.has_value());
    CHECK_FALSE(has(shown(answer.error()), "TOKENWORD"));
    return answer.error().code();
  };
  CHECK(code_of(403, R"({"code":"AccessDenied","message":"not with TOKENWORD"})") == ErrorCode::kMisconfigured);
  CHECK(has(bench.ask().error().message(), "answered 403: not with ***"));
  CHECK(code_of(404, "nothing") == ErrorCode::kMisconfigured);
  CHECK(code_of(429, "{}") == ErrorCode::kRateLimited);
  CHECK(code_of(500, "{}") == ErrorCode::kUnavailable);
  CHECK(code_of(200, "{}") == ErrorCode::kUnavailable);
  CHECK(code_of(200, "<html>") == ErrorCode::kUnavailable);
}

TEST_CASE("a container service that does not answer is unavailable", "[container]") {
  Bench bench([](const ImposterRequest&) { return ImposterReply::nothing(test::ImposterEnding::kReset); });
  CHECK(bench.ask().error().code() == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace imgimport
