#include "storage/s3/credentials/sts.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fakes/manual_clock.hpp"
#include "support/http_imposter.hpp"
#include "support/temp_dir.hpp"
#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

using test::direct_http;
using test::has;
using test::HttpImposter;
using test::ImposterReply;
using test::ImposterRequest;
using test::shown;
using test::write_file;

constexpr std::string_view kArn = "arn:aws:iam::123456789012:role/importer";

ImposterReply xml(std::string text, int status = 200) {
  return {.status = status, .headers = {{"Content-Type", "text/xml"}}, .body = std::move(text)};
}

ImposterReply role_credentials(std::string_view action) {
  const std::string name(action);
  return xml("<" + name + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + name +
             "Result><AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser><Credentials>\n"
             "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role/secret+=</SecretAccessKey>\n"
             "<SessionToken> role-token== </SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>\n"
             "</Credentials></" +
             name + "Result></" + name + "Response>");
}

ImposterReply refusal(int status, std::string_view code, std::string_view message) {
  return xml("<ErrorResponse><Error><Type>Sender</Type><Code>" + std::string(code) + "</Code><Message>" +
                 std::string(message) + "</Message></Error><RequestId>1</RequestId></ErrorResponse>",
             status);
}

// A form's field as sent, decoded; "-" when there is none.
std::string field(const ImposterRequest& request, std::string_view name) {
  const std::string body = "&" + request.body;
  const std::string key = "&" + std::string(name) + "=";
  const std::size_t begin = body.find(key);
  if (begin == std::string::npos) return "-";
  const std::size_t from = begin + key.size();
  return percent_decode(body.substr(from, body.find('&', from) - from)).value_or("?");
}

struct Bench {
  explicit Bench(HttpImposter::Script script)
      : server(std::move(script)), http(direct_http()), sts({"eu-west-1", server.url()}, http, clock) {}

  Result<AwsCredentials> web_identity(const AwsRole& role = {.arn = std::string(kArn)}) {
    return sts.assume_with_web_identity({}, role, token_file);
  }
  Result<AwsCredentials> assume(const AwsRole& role = {.arn = std::string(kArn)}) {
    return sts.assume({}, role, {"AKIDSOURCE", "source-secret", "source-token", std::nullopt},
                      "the AWS profile \"base\"");
  }

  HttpImposter server;
  CurlHttpClient http;
  ManualClock clock;
  Sts sts;
  TempDir folder;
  std::string token_file = write_file(folder.path() / "token", "WEB.IDENTITY/TOKEN+=\n");
};

// What SigV4 says the signature of a received request must be.
std::string expected_signature(const ImposterRequest& request, const std::string& secret) {
  const std::string authorization = request.header("Authorization");
  const std::size_t begin = authorization.find("SignedHeaders=") + 14;
  const std::string names = authorization.substr(begin, authorization.find(',', begin) - begin);
  std::string canonical = request.method + "\n" + request.path() + "\n\n";
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(';', at), names.size());
    const std::string name = names.substr(at, end - at);
    canonical += name + ":" + request.header(name) + "\n";
    at = end + 1;
  }
  canonical += "\n" + names + "\n" + sha256_hex(request.body);
  const std::string time = request.header("x-amz-date");
  const std::string scope = time.substr(0, 8) + "/eu-west-1/sts/aws4_request";
  auto key = hmac_sha256("AWS4" + secret, time.substr(0, 8));
  const auto add = [&key](const std::string& part) { key = hmac_sha256(key, std::as_bytes(std::span(part))); };
  add("eu-west-1");
  add("sts");
  add("aws4_request");
  add("AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(canonical));
  return to_hex(key);
}

TEST_CASE("a web identity token is exchanged for a role's credentials, unsigned", "[sts]") {
  Bench bench([](const ImposterRequest&) { return role_credentials("AssumeRoleWithWebIdentity"); });
  const auto credentials = bench.web_identity({.arn = std::string(kArn), .session_name = "me"});
  REQUIRE(credentials.has_value());
  CHECK(*credentials ==
        AwsCredentials{"ASIAROLE", "role/secret+=", "role-token==", from_rfc3339("2026-01-02T04:04:05Z")});
  const auto requests = bench.server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target == "/");
  CHECK(requests[0].header("Authorization").empty());
  CHECK(field(requests[0], "Action") == "AssumeRoleWithWebIdentity");
  CHECK(field(requests[0], "Version") == "2011-06-15");
  CHECK(field(requests[0], "RoleArn") == kArn);
  CHECK(field(requests[0], "RoleSessionName") == "me");
  CHECK(field(requests[0], "WebIdentityToken") == "WEB.IDENTITY/TOKEN+=");
  CHECK(field(requests[0], "DurationSeconds") == "-");
}

TEST_CASE("the token file is read anew each time", "[sts]") {
  Bench bench([](const ImposterRequest&) { return role_credentials("AssumeRoleWithWebIdentity"); });
  REQUIRE(bench.web_identity().has_value());
  write_file(bench.token_file, "SECOND");
  REQUIRE(bench.web_identity().has_value());
  CHECK(field(bench.server.requests()[1], "WebIdentityToken") == "SECOND");
  CHECK(field(bench.server.requests()[1], "RoleSessionName") == "imgimport-1767323045000");
}

TEST_CASE("a token file that is missing or empty is named", "[sts]") {
  Bench bench([](const ImposterRequest&) { return role_credentials("AssumeRoleWithWebIdentity"); });
  write_file(bench.token_file, "\n");
  CHECK(has(bench.web_identity().error().message(), bench.token_file + " is empty"));
  std::filesystem::remove(bench.token_file);
  const auto error = bench.web_identity().error();
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(has(error.message(), bench.token_file + " cannot be read"));
  CHECK(bench.server.requests().empty());
}

TEST_CASE("a role is assumed with a signed request", "[sts]") {
  Bench bench([](const ImposterRequest&) { return role_credentials("AssumeRole"); });
  const AwsRole role{.arn = std::string(kArn), .session_name = "s", .external_id = "x 1", .duration_seconds = "900"};
  CHECK(bench.assume(role)->access_key_id == "ASIAROLE");
  const ImposterRequest request = bench.server.requests().at(0);
  CHECK(field(request, "Action") == "AssumeRole");
  CHECK(field(request, "ExternalId") == "x 1");
  CHECK(field(request, "DurationSeconds") == "900");
  CHECK(request.header("x-amz-security-token") == "source-token");
  CHECK(request.header("x-amz-date") == "20260102T030405Z");
  const std::string authorization = request.header("Authorization");
  CHECK(has(authorization, "Credential=AKIDSOURCE/20260102/eu-west-1/sts/aws4_request"));
  CHECK(has(authorization, "Signature=" + expected_signature(request, "source-secret")));
}

TEST_CASE("STS's refusals say who, for what and what to do, without secrets", "[sts]") {
  struct Row {
    int status;
    std::string code;
    ErrorCode expected;
    std::string_view remedy;
  };
  const Row rows[] = {{403, "AccessDenied", ErrorCode::kMisconfigured, "trust policy"},
                      {400, "ExpiredTokenException", ErrorCode::kUnauthenticated, "Renew"},
                      {400, "InvalidIdentityToken", ErrorCode::kUnauthenticated, "OpenID Connect"},
                      {403, "RegionDisabledException", ErrorCode::kMisconfigured, "AWS_REGION"},
                      {403, "InvalidClientTokenId", ErrorCode::kUnauthenticated, "access key"},
                      {400, "ValidationError", ErrorCode::kMisconfigured, "ARN"},
                      {400, "IDPCommunicationError", ErrorCode::kUnavailable, ""},
                      {400, "Throttling", ErrorCode::kRateLimited, ""},
                      {500, "InternalFailure", ErrorCode::kUnavailable, ""},
                      {503, "ServiceUnavailable", ErrorCode::kUnavailable, ""}};
  for (const Row& row : rows) {
    INFO(row.code);
    Bench bench([&row](const ImposterRequest&) {
      return refusal(row.status, row.code, "not with source-secret or source-token, nor WEB.IDENTITY/TOKEN+=");
    });
    const Error of_role = bench.assume().error();
    const Error of_token = bench.web_identity().error();
    for (const Error& error : {of_role, of_token}) {
      CHECK(error.code() == row.expected);
      CHECK(has(error.message(), row.code));
      CHECK(has(error.message(), kArn));
      CHECK(has(error.message(), "127.0.0.1"));
      CHECK(has(error.remedy(), row.remedy));
    }
    CHECK_FALSE(has(shown(of_role), "source-secret"));
    CHECK_FALSE(has(shown(of_role), "source-token"));
    CHECK_FALSE(has(shown(of_token), "IDENTITY/TOKEN"));
    CHECK(has(of_role.message(), "profile \"base\"") == !row.remedy.empty());
  }
}

TEST_CASE("a refused signature is not explained with what was signed", "[sts]") {
  Bench bench([](const ImposterRequest&) {
    return refusal(403, "SignatureDoesNotMatch", "The Canonical String should have been CANONICALWORD");
  });
  const Error error = bench.assume().error();
  CHECK(error.code() == ErrorCode::kUnauthenticated);
  CHECK_FALSE(has(shown(error), "CANONICALWORD"));
}

TEST_CASE("answers that are none are tried again later", "[sts]") {
  int status = 200;
  std::string body = "<html>captive portal</html>";
  Bench bench([&](const ImposterRequest&) { return xml(body, status); });
  CHECK(bench.web_identity().error().code() == ErrorCode::kUnavailable);
  status = 403;
  CHECK(bench.web_identity().error().code() == ErrorCode::kUnavailable);
  status = 200;
  body = role_credentials("AssumeRole").body;
  body.replace(body.find("2026-01-02T04:04:05Z"), 20, "in an hour");
  CHECK(bench.web_identity().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("STS that cannot be reached is unavailable", "[sts]") {
  Bench bench([](const ImposterRequest&) { return ImposterReply::nothing(test::ImposterEnding::kReset); });
  CHECK(bench.web_identity().error().code() == ErrorCode::kUnavailable);
  CHECK(bench.assume().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("the endpoint is the region's", "[sts]") {
  CHECK(test::text_of(sts_endpoint_of("eu-west-1")) == "https://sts.eu-west-1.amazonaws.com");
  CHECK(test::text_of(sts_endpoint_of("us-gov-west-1")) == "https://sts.us-gov-west-1.amazonaws.com");
  CHECK(test::text_of(sts_endpoint_of("cn-north-1")) == "https://sts.cn-north-1.amazonaws.com.cn");
  CHECK(test::text_of(sts_endpoint_of("us-iso-east-1")) == "https://sts.us-iso-east-1.c2s.ic.gov");
  CHECK(test::text_of(sts_endpoint_of("aws-global")) == "https://sts.amazonaws.com");
  for (const char* bad : {"", "evil.example/", "EU", "a@b", "eu west"}) {
    INFO(bad);
    CHECK(sts_endpoint_of(bad).error().code() == ErrorCode::kMisconfigured);
  }
}

}  // namespace
}  // namespace imgimport
