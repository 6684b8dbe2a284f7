#include "storage/s3/credentials/instance_metadata.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>

#include "base/text.hpp"
#include "fakes/manual_clock.hpp"
#include "support/http_imposter.hpp"
#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

using test::direct_http;
using test::environment_of;
using test::has;
using test::HttpImposter;
using test::ImposterEnding;
using test::ImposterReply;
using test::ImposterRequest;
using test::shown;

constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kGood =
    R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA","SecretAccessKey":"SECRETWORD","Token":"t","Expiration":"2026-01-02T09:00:00Z"})";

ImposterReply text(std::string body, int status = 200) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
}

// A metadata service of version 2 alone: nothing without a token.
struct Bench {
  using Answer = std::function<ImposterReply(const ImposterRequest&)>;

  explicit Bench(Answer after_token = {}) : answer(std::move(after_token)), http(direct_http()), instance(http, clock) {
    server = std::make_unique<HttpImposter>([this](const ImposterRequest& request) { return serve(request); });
  }
  ~Bench() { server.reset(); }

  ImposterReply serve(const ImposterRequest& request) const {
    if (request.target == "/latest/api/token") {
      const bool good = request.method == "PUT" && request.header("X-aws-ec2-metadata-token-ttl-seconds") == "21600";
      return good ? text("SESSIONWORD") : text("", 400);
    }
    if (request.header("X-aws-ec2-metadata-token") != "SESSIONWORD") return text("", 401);
    if (answer) return answer(request);
    if (request.target == kRoles) return text("my-role\n");
    return request.target == std::string(kRoles) + "my-role" ? text(std::string(kGood)) : text("", 404);
  }
  Result<AwsCredentials> ask() { return instance.credentials({}, server->url()); }

  Answer answer;
  std::unique_ptr<HttpImposter> server;
  CurlHttpClient http;
  ManualClock clock;
  InstanceMetadata instance;
};

// A role's credentials answered by that.
Bench::Answer for_role(std::string body, int status = 200) {
  return [body, status](const ImposterRequest& request) {
    return request.target == kRoles ? text("my-role") : text(body, status);
  };
}

TEST_CASE("an instance's role gives credentials, for a token alone", "[instance_metadata]") {
  Bench bench;
  CHECK(*bench.ask() == AwsCredentials{"ASIA", "SECRETWORD", "t", from_rfc3339("2026-01-02T09:00:00Z")});
  CHECK(bench.server->requests().size() == 3);
}

TEST_CASE("where nobody listens there is no instance", "[instance_metadata]") {
  Bench bench;
  const std::string url = bench.server->url();
  bench.server.reset();
  const auto answer = bench.instance.credentials({}, url);
  CHECK(answer.error().code() == ErrorCode::kNotFound);
  CHECK(answer.error().message() == "the instance metadata service at " + url + " does not answer");
}

TEST_CASE("a token that never comes is no instance either, after two tries", "[instance_metadata]") {
  // What a container sees whose metadata hop limit is 1.
  HttpImposter server([](const ImposterRequest&) { return ImposterReply::nothing(ImposterEnding::kStall); });
  CurlHttpClient http(direct_http());
  const ManualClock clock;
  CHECK(InstanceMetadata(http, clock).credentials({}, server.url()).error().code() == ErrorCode::kNotFound);
  CHECK(server.requests().size() == 2);
  server.release();
}

TEST_CASE("the caller's end is its own error", "[instance_metadata]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply::nothing(ImposterEnding::kStall); });
  CurlHttpClient http(direct_http());
  const ManualClock clock;
  const CallContext context = CallContext().with_timeout(std::chrono::milliseconds(30));
  CHECK(InstanceMetadata(http, clock).credentials(context, server.url()).error().code() ==
        ErrorCode::kDeadlineExceeded);
  server.release();
}

TEST_CASE("version 1 is never used, nor another cloud's service", "[instance_metadata]") {
  for (const int status : {400, 403, 404, 405, 301, 200}) {
    INFO(status);
    HttpImposter server([status](const ImposterRequest& request) {
      return request.method == "PUT" ? text("", status) : text("my-role");
    });
    CurlHttpClient http(direct_http());
    const ManualClock clock;
    CHECK(InstanceMetadata(http, clock).credentials({}, server.url()).error().code() == ErrorCode::kNotFound);
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("a service in trouble is asked twice, and is no reason to look elsewhere", "[instance_metadata]") {
  std::atomic<int> calls{0};
  HttpImposter server([&calls](const ImposterRequest&) {
    ++calls;
    return text("", 503);
  });
  CurlHttpClient http(direct_http());
  const ManualClock clock;
  CHECK(InstanceMetadata(http, clock).credentials({}, server.url()).error().code() == ErrorCode::kUnavailable);
  CHECK(calls == 2);

  std::atomic<int> failures{1};
  Bench bench([&failures](const ImposterRequest& request) {
    if (failures-- > 0) return text("", 500);
    return request.target == kRoles ? text("my-role") : text(std::string(kGood));
  });
  CHECK(bench.ask().has_value());
  failures = 100;
  CHECK(bench.ask().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("an instance without a role has no credentials", "[instance_metadata]") {
  Bench none([](const ImposterRequest&) { return text("<html>404</html>", 404); });
  CHECK(none.ask().error().code() == ErrorCode::kNotFound);
  CHECK(none.ask().error().message() == "the instance has no IAM role");
  Bench empty([](const ImposterRequest&) { return text("\n"); });
  CHECK(empty.ask().error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a role's name is a part of the path, whatever it is", "[instance_metadata]") {
  Bench bench([](const ImposterRequest& request) {
    return request.target == kRoles ? text("a b/../c?\nother") : text(std::string(kGood));
  });
  CHECK(bench.ask().has_value());
  CHECK(bench.server->requests().back().target == std::string(kRoles) + "a%20b%2F..%2Fc%3F");
}

TEST_CASE("answers without credentials", "[instance_metadata]") {
  Bench refused(for_role(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"})"));
  CHECK(refused.ask().error().code() == ErrorCode::kMisconfigured);
  CHECK(has(refused.ask().error().message(), "AssumeRoleUnauthorizedAccess"));
  CHECK(has(refused.ask().error().message(), "my-role"));
  for (const char* body : {"{}", "", "<html>", R"({"Code":"Success","SecretAccessKey":"SECRETWORD"})",
                           R"({"Code":"Success","SecretAccessKey":"SECRETWORD","Expiration":"SECRETWORD"})"}) {
    INFO(body);
    Bench bench(for_role(body));
    CHECK(bench.ask().error().code() == ErrorCode::kUnavailable);
    CHECK_FALSE(has(shown(bench.ask().error()), "SECRETWORD"));
  }
  Bench gone(for_role("", 404));
  CHECK(gone.ask().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("credentials that the service could not renew are used on", "[instance_metadata]") {
  Bench bench;
  bench.clock.advance(std::chrono::hours(10));
  const auto credentials = bench.ask();
  REQUIRE(credentials.has_value());
  CHECK(credentials->expires_at == bench.clock.now() + std::chrono::minutes(10));
}

TEST_CASE("the endpoint comes from variables, then the profile, then the mode", "[instance_metadata]") {
  const auto endpoint = [](std::map<std::string, std::string, std::less<>> variables, const AwsProfile& profile = {}) {
    const auto settings = instance_metadata_settings(environment_of(std::move(variables)), profile);
    return settings.has_value() ? settings->endpoint : settings.error().message();
  };
  CHECK(endpoint({}) == "http://169.254.169.254");
  CHECK(endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"}}) == "http://[fd00:ec2::254]");
  CHECK(endpoint({}, {{"ec2_metadata_service_endpoint_mode", "IPv6"}}) == "http://[fd00:ec2::254]");
  CHECK(endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4"}},
                 {{"ec2_metadata_service_endpoint_mode", "IPv6"}}) == "http://169.254.169.254");
  CHECK(endpoint({}, {{"ec2_metadata_service_endpoint", "http://a:1/"}}) == "http://a:1");
  CHECK(
      endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://b"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}},
               {{"ec2_metadata_service_endpoint", "http://a:1/"}}) == "http://b");
  CHECK(has(endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"}}), "IPv5"));
  CHECK(instance_metadata_settings(environment_of({{"AWS_EC2_METADATA_DISABLED", "TRUE"}}), {})->enabled == false);
  CHECK(instance_metadata_settings(environment_of({{"AWS_EC2_METADATA_DISABLED", "false"}}), {})->enabled);
}

}  // namespace
}  // namespace imgimport
