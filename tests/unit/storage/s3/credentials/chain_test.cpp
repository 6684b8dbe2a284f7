#include "storage/s3/credentials/chain.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "base/text.hpp"
#include "fakes/manual_clock.hpp"
#include "storage/s3/credentials/cached_credentials.hpp"
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

constexpr const char* kProcess =
    R"(sh -c 'echo "{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"s\"}"')";

ImposterReply json_keys(const std::string& id) {
  return ImposterReply::json(R"({"Code":"Success","AccessKeyId":")" + id +
                             R"(","SecretAccessKey":"SECRETWORD","Token":"t","Expiration":"2026-01-02T09:00:00Z"})");
}

// A machine with everything at one address: STS that names who asked, a container service and an instance's metadata.
struct Bench {
  Bench() : http(direct_http()) {
    server = std::make_unique<HttpImposter>([this](const ImposterRequest& request) { return serve(request); });
    variables = {{"AWS_SHARED_CREDENTIALS_FILE", (folder.path() / "credentials").string()},
                 {"AWS_CONFIG_FILE", (folder.path() / "config").string()},
                 {"AWS_EC2_METADATA_DISABLED", "true"}};
    options.endpoint_url = server->url();
    options.region = "eu-west-1";
  }
  ~Bench() { server.reset(); }

  static ImposterReply serve(const ImposterRequest& request) {
    if (request.target == "/container") return json_keys("ASIACONTAINER");
    if (request.target == "/latest/api/token") return {.body = "TOKEN"};
    if (request.target == "/latest/meta-data/iam/security-credentials/") return {.body = "role"};
    if (request.target == "/latest/meta-data/iam/security-credentials/role") return json_keys("ASIAINSTANCE");
    if (request.method != "POST") return {.status = 404};
    // Whose credentials signed it, and for which role.
    const std::string authorization = request.header("Authorization");
    const std::size_t begin = authorization.find("Credential=");
    const std::string signer =
        begin == std::string::npos ? "TOKEN" : authorization.substr(begin + 11, authorization.find('/') - begin - 11);
    const std::size_t arn = request.body.find("RoleArn=") + 8;
    const std::string role = request.body.substr(arn, request.body.find('&', arn) - arn);
    return {.body = "<R><Credentials><AccessKeyId>" + role + ":" + signer +
                    "</AccessKeyId><SecretAccessKey>SECRETWORD</SecretAccessKey><SessionToken>t</SessionToken>"
                    "<Expiration>2026-01-02T09:00:00Z</Expiration></Credentials></R>"};
  }

  void config(std::string_view text) { write_file(folder.path() / "config", text); }
  void credentials(std::string_view text) { write_file(folder.path() / "credentials", text); }
  void with_container() { variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server->url("/container"); }
  void with_instance() {
    variables.erase("AWS_EC2_METADATA_DISABLED");
    variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server->url();
  }
  void with_token() {
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write_file(folder.path() / "token", "WEBTOKEN");
    variables["AWS_ROLE_ARN"] = "web-role";
  }

  Result<SourcedCredentials> fetch() {
    options.environment = environment_of(variables);
    return AwsCredentialsChain(options, {http, http}, clock).fetch({});
  }
  std::string id() {
    auto fetched = fetch();
    return fetched.has_value() ? fetched->credentials.access_key_id : fetched.error().message();
  }
  Error error() {
    auto fetched = fetch();
    return fetched.has_value() ? Error() : fetched.error();
  }

  TempDir folder;
  std::unique_ptr<HttpImposter> server;
  CurlHttpClient http;
  ManualClock clock;
  std::map<std::string, std::string, std::less<>> variables;
  AwsCredentialsOptions options;
};

TEST_CASE("the first place that is set up gives the credentials", "[credentials_chain]") {
  Bench bench;
  bench.with_instance();
  CHECK(bench.id() == "ASIAINSTANCE");
  bench.with_container();
  CHECK(bench.id() == "ASIACONTAINER");
  bench.credentials("[default]\naws_access_key_id=AKIDFILE\naws_secret_access_key=s\n");
  CHECK(bench.id() == "AKIDFILE");
  bench.with_token();
  CHECK(bench.id() == "web-role:TOKEN");
  bench.options.keys = {"AKIDSETTING", "s", "t", std::nullopt};
  CHECK(bench.id() == "AKIDSETTING");
  CHECK(bench.fetch()->credentials == bench.options.keys);
}

TEST_CASE("without any, the error says where was looked and what to set", "[credentials_chain]") {
  Bench bench;
  const Error none = bench.error();
  CHECK(none.code() == ErrorCode::kMisconfigured);
  CHECK(none.reason() == "no_credentials");
  CHECK(none.stops_the_job());
  CHECK(has(none.message(), bench.variables["AWS_CONFIG_FILE"]));
  CHECK(has(none.message(), "AWS_EC2_METADATA_DISABLED"));
  for (const char* word : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "role"}) {
    CHECK(has(none.remedy(), word));
  }
  CHECK(bench.server->requests().empty());

  // A profile with a region alone sets nothing up.
  bench.config("[default]\nregion=eu-west-1\n");
  CHECK(bench.error().reason() == "no_credentials");
}

TEST_CASE("a machine without a metadata service has no credentials there", "[credentials_chain]") {
  Bench bench;
  bench.with_instance();
  bench.server.reset();
  CHECK(bench.error().reason() == "no_credentials");
  CHECK(has(bench.error().message(), "does not answer"));
}

TEST_CASE("a metadata service that answered once and falls silent is unavailable", "[credentials_chain]") {
  Bench bench;
  bench.with_instance();
  bench.options.environment = environment_of(bench.variables);
  AwsCredentialsChain chain(bench.options, {bench.http, bench.http}, bench.clock);
  CHECK(chain.fetch({}).has_value());
  bench.server.reset();
  CHECK(chain.fetch({}).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("what fails where it is set up is the answer", "[credentials_chain]") {
  Bench bench;
  bench.with_container();
  bench.credentials("[default]\naws_access_key_id=AKIDFILE\n");
  CHECK(has(bench.id(), "aws_secret_access_key"));
  CHECK(bench.error().code() == ErrorCode::kMisconfigured);
  bench.credentials("[default\n");
  CHECK(has(bench.id(), "line 1"));
  bench.credentials("[default]\ncredential_process = /nowhere/x\n");
  CHECK(has(bench.id(), "credential_process"));
  bench.credentials("");
  CHECK(bench.id() == "ASIACONTAINER");
  bench.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = bench.server->url("/nothing");
  CHECK(has(bench.id(), "404"));
  bench.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nowhere/token";
  CHECK(has(bench.id(), "AWS_ROLE_ARN"));
  bench.variables["AWS_ROLE_ARN"] = "r";
  CHECK(has(bench.id(), "/nowhere/token"));
  bench.options.keys.secret_access_key = "SECRETWORD";
  CHECK(has(bench.id(), "only AWS_SECRET_ACCESS_KEY"));
  CHECK_FALSE(has(shown(bench.error()), "SECRETWORD"));
}

TEST_CASE("AWS_PROFILE must name a profile that there is", "[credentials_chain]") {
  Bench bench;
  bench.with_container();
  bench.credentials(
      "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
      "[b]\naws_access_key_id=B\naws_secret_access_key=s\naws_session_token=t\n");
  bench.config("[profile c]\nregion=eu-west-1\n");
  bench.variables["AWS_PROFILE"] = "b";
  CHECK(bench.fetch()->credentials == AwsCredentials{"B", "s", "t", std::nullopt});
  CHECK(bench.fetch()->origin == "the AWS profile \"b\"");
  bench.variables["AWS_PROFILE"] = "gone";
  CHECK(bench.error().code() == ErrorCode::kMisconfigured);
  CHECK(has(bench.id(), "\"gone\""));
  CHECK(has(bench.error().remedy(), "AWS_PROFILE"));
  bench.variables["AWS_PROFILE"] = "c";
  CHECK(bench.id() == "ASIACONTAINER");
}

TEST_CASE("a profile's program gives credentials", "[credentials_chain]") {
  Bench bench;
  bench.config(std::string("[default]\ncredential_process = ") + kProcess + "\n");
  CHECK(bench.id() == "AKIDPROCESS");
  bench.config(
      std::string("[default]\nsso_session=x\naws_access_key_id=A\naws_secret_access_key=s\ncredential_process=") +
      kProcess + "\n");
  CHECK(bench.id() == "A");
}

TEST_CASE("profiles that need a person to sign in say what to do", "[credentials_chain]") {
  Bench bench;
  for (const char* key : {"sso_session", "sso_start_url", "login_session"}) {
    bench.config("[profile me]\n" + std::string(key) + " = x\n[sso-session x]\nsso_region=us-east-1\n");
    bench.variables["AWS_PROFILE"] = "me";
    const Error error = bench.error();
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(has(error.message(), key));
    CHECK(has(error.remedy(), "aws configure export-credentials --profile me"));
  }
}

TEST_CASE("a profile's role is assumed with a token, a profile, itself or a place", "[credentials_chain]") {
  Bench bench;
  bench.with_container();
  bench.with_instance();
  bench.variables["AWS_PROFILE"] = "r";
  const std::string token = write_file(bench.folder.path() / "token", "WEBTOKEN");
  bench.credentials("[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n");

  bench.config("[profile r]\nrole_arn=R\nweb_identity_token_file=" + token + "\nrole_session_name=me\n");
  CHECK(bench.id() == "R:TOKEN");
  CHECK(has(bench.server->requests().back().body, "RoleSessionName=me"));
  bench.config("[profile r]\nrole_arn=R\nsource_profile=base\nexternal_id=e\nduration_seconds=1200\n");
  CHECK(bench.id() == "R:BASE");
  CHECK(has(bench.server->requests().back().body, "DurationSeconds=1200&ExternalId=e"));
  bench.config("[profile r]\nrole_arn=R\nsource_profile=r\naws_access_key_id=OWN\naws_secret_access_key=s\n");
  CHECK(bench.id() == "R:OWN");
  bench.config(std::string("[profile r]\nrole_arn=R\nsource_profile=p\n[profile p]\ncredential_process=") + kProcess);
  CHECK(bench.id() == "R:AKIDPROCESS");
  bench.config("[profile r]\nrole_arn=R\nsource_profile=q\n[profile q]\nrole_arn=Q\nsource_profile=base\n");
  CHECK(bench.id() == "R:Q:BASE");
  bench.config("[profile r]\nrole_arn=R\ncredential_source=EcsContainer\n");
  CHECK(bench.id() == "R:ASIACONTAINER");
  bench.config("[profile r]\nrole_arn=R\ncredential_source=Ec2InstanceMetadata\n");
  CHECK(bench.id() == "R:ASIAINSTANCE");
  CHECK(bench.fetch()->origin == "the role of the AWS profile \"r\"");
}

TEST_CASE("a profile whose role cannot be assumed says why", "[credentials_chain]") {
  Bench bench;
  bench.variables["AWS_PROFILE"] = "r";
  const std::pair<std::string, std::string> rows[] = {
      {"", "neither source_profile nor credential_source"},
      {"source_profile=a\ncredential_source=Environment\n", "both source_profile and credential_source"},
      {"source_profile=gone\n", "does not exist"},
      {"source_profile=bare\n[profile bare]\nregion=x\n", "holds no credentials"},
      {"source_profile=r\n", "holds no credentials"},
      {"source_profile=a\n[profile a]\nrole_arn=A\nsource_profile=r\n", "leads back"},
      {"source_profile=a\nmfa_serial=arn:mfa\n", "mfa_serial"},
      {"credential_source=Moon\n", "\"Moon\""},
      {"credential_source=Environment\n", "Environment"},
      {"credential_source=EcsContainer\n", "variables are not set"},
      {"credential_source=Ec2InstanceMetadata\n", "AWS_EC2_METADATA_DISABLED"},
  };
  for (const auto& [text, word] : rows) {
    INFO(text);
    bench.config("[profile r]\nrole_arn=R\n" + text);
    const Error error = bench.error();
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(has(error.message(), word));
    CHECK_FALSE(error.remedy().empty());
  }
  CHECK(bench.server->requests().empty());
}

TEST_CASE("STS has an endpoint of its own where one is set", "[credentials_chain]") {
  Bench bench;
  bench.with_token();
  HttpImposter other([](const ImposterRequest&) { return ImposterReply{.status = 500}; });
  bench.variables["AWS_ENDPOINT_URL_STS"] = other.url();
  CHECK(bench.error().code() == ErrorCode::kUnavailable);
  CHECK(other.requests().size() == 1);
  CHECK(bench.server->requests().empty());
}

TEST_CASE("credentials come through the cache as from the chain", "[credentials_chain]") {
  Bench bench;
  bench.with_instance();
  bench.options.environment = environment_of(bench.variables);
  CachedAwsCredentials cached(std::make_unique<AwsCredentialsChain>(
                                  bench.options, AwsCredentialsChain::Clients{bench.http, bench.http}, bench.clock),
                              bench.clock);
  CHECK(cached.credentials({})->access_key_id == "ASIAINSTANCE");
  CHECK(cached.credentials({})->access_key_id == "ASIAINSTANCE");
  CHECK(bench.server->requests().size() == 3);
  // The instance's metadata has them until 09:00.
  bench.clock.advance(std::chrono::hours(5) + std::chrono::minutes(52));
  CHECK(cached.credentials({}).has_value());
  CHECK(bench.server->requests().size() == 6);
}

}  // namespace
}  // namespace imgimport
