// Services that do not trust each other: another token or none, another version, another program, a Redis that asks for
// a password, a certificate that nobody knows. One clear sentence: at the start as exit code 2, later as 503.
#include <atomic>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "rest/protocol.hpp"
#include "split_scene.hpp"
#include "support/child_process.hpp"
#include "support/http_imposter.hpp"
#include "support/import_audit.hpp"
#include "support/split_deployment.hpp"
#include "support/tls_identity.hpp"

using namespace imgimport;
using namespace imgimport::split;

namespace {

constexpr const char* kToken = "the-services-own-token";

// What a start with these settings ends with.
struct Ended {
  int code = -1;
  std::string said;
};

Ended start_and_end(const Scene& scene, const std::string& role, Settings settings) {
  settings.emplace("PORT", "0");
  settings.emplace("FRONTEND_PORT", "0");
  settings.emplace("DATA_DIR", scene.data.string());
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = {"--role=" + role};
  options.environment = std::move(settings);
  options.directory = scene.dir.path();
  ChildProcess process(options);
  const auto code = process.wait(std::chrono::seconds(60));
  return {code.value_or(-1), process.error_output()};
}

std::int64_t sentences(const std::string& said) {
  return std::count(said.begin(), said.end(), '\n');
}

// A metadata service of the wire version that `version` holds.
test::HttpImposter another_version(const std::atomic<int>& version) {
  return test::HttpImposter([&version](const test::ImposterRequest&) {
    auto reply = test::ImposterReply::json("{}");
    reply.headers.emplace_back(std::string(kWireVersionHeader), std::to_string(version.load()));
    return reply;
  });
}

void check_refused(const Reply& reply, const std::string& word) {
  CAPTURE(reply.body);
  CHECK(reply.status == 503);
  const auto& error = reply.json.as_object();
  const std::string all =
      std::string(error.at("error").as_string()) + " " + std::string(error.at("remedy").as_string());
  CHECK_THAT(all, Catch::Contains(word));
}

}  // namespace

TEST_CASE("a service that is refused, or finds another one in its neighbour's place, says so in one sentence and ends",
          "[split]") {
  Scene scene({});
  SplitDeployment services(scene.data, scene.settings());
  const std::atomic<int> other_version{77};
  const auto imposter = another_version(other_version);
  struct Case {
    const char* setting;
    std::string value;
    const char* says;
  };
  for (const Case& wrong :
       {Case{"INTERNAL_TOKEN", "another", "INTERNAL_TOKEN"}, Case{"INTERNAL_TOKEN", "", "INTERNAL_TOKEN"},
        Case{"METADATA_SERVICE_URL", services.service("storage").url(), "METADATA_SERVICE_URL"},
        Case{"METADATA_SERVICE_URL", imposter.url(), "another version of imgimport"},
        Case{"STORAGE_SERVICE_URL", scene.drive.url(), "STORAGE_SERVICE_URL"}}) {
    for (const char* role : {"worker", "gateway"}) {
      CAPTURE(wrong.setting, wrong.value, role);
      Settings settings = scene.settings();
      settings["INTERNAL_TOKEN"] = kToken;
      settings["METADATA_SERVICE_URL"] = services.service("metadata").url();
      settings["STORAGE_SERVICE_URL"] = services.service("storage").url();
      settings["IMPORT_SERVICE_URL"] = services.service("import").url();
      settings[wrong.setting] = wrong.value;
      const Ended ended = start_and_end(scene, role, settings);
      CAPTURE(ended.said);
      CHECK(ended.code == 2);
      CHECK_THAT(ended.said, Catch::Contains(wrong.says));
      CHECK_THAT(ended.said, !Catch::Contains("\"another\""));
      CHECK(sentences(ended.said) <= 2);  // what is wrong, and the remedy
    }
  }
}

TEST_CASE("a neighbour that comes back with another token is a 503 with that sentence, until it has ours again",
          "[split]") {
  Scene scene({.images = 3});
  SplitDeployment services(scene.data, scene.settings());
  ServerProcess& gateway = services.gateway();
  gateway.wait_for_job(gateway.import_folder(scene.link()));
  services.stop("storage");
  services.start("storage", {{"INTERNAL_TOKEN", "another"}});
  wait_for_health(gateway, "storage");
  check_refused(gateway.get("/api/images/1/content"), "INTERNAL_TOKEN");
  CHECK(status_of(gateway, "/api/images?per_page=1") == 200);
  services.stop("storage");
  services.start("storage");
  wait_for_health(gateway, "");
  CHECK(status_of(gateway, "/api/images/1/content") == 200);
}

TEST_CASE("a neighbour that becomes another version while we run is a 503 with that sentence", "[split]") {
  Scene scene({});
  std::atomic<int> version{std::stoi(std::string(kWireVersion))};
  const auto imposter = another_version(version);
  ServerProcess gateway(scene.data,
                        {{"INTERNAL_TOKEN", kToken},
                         {"METADATA_SERVICE_URL", imposter.url()},
                         {"STORAGE_SERVICE_URL", imposter.url()},
                         {"IMPORT_SERVICE_URL", imposter.url()}},
                        "gateway");
  version = 77;
  wait_for_health(gateway, "metadata");
  check_refused(gateway.get("/api/images?per_page=1"), "another version of imgimport");
  CHECK(status_of(gateway, "/ready") == 503);
}

TEST_CASE(
    "a Redis that asks for a password: exit 2 at the start of import and worker, later a 503 and a trouble by name",
    "[split][redis]") {
  Scene scene({.images = 40});
  SplitDeployment services(scene.data, scene.settings());
  ServerProcess& gateway = services.gateway();
  RedisClient client(scene.redis.options());
  REQUIRE(client.run(CallContext{}, {"CONFIG", "SET", "requirepass", "sesame"}).has_value());
  for (const char* role : {"import", "worker"}) {
    CAPTURE(role);
    Settings settings = scene.settings();
    settings["INTERNAL_TOKEN"] = kToken;
    settings["METADATA_SERVICE_URL"] = services.service("metadata").url();
    settings["STORAGE_SERVICE_URL"] = services.service("storage").url();
    const Ended ended = start_and_end(scene, role, settings);
    CAPTURE(ended.said);
    CHECK(ended.code == 2);
    CHECK_THAT(ended.said, Catch::Contains("REDIS_URL") && Catch::Contains("password"));
    CHECK(sentences(ended.said) <= 2);
  }
  // Those that run have been let in before; Redis asks them when they come again.
  REQUIRE(client.run(CallContext{}, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).has_value());
  wait_for_health(services.service("import"), "queue");
  check_refused(gateway.get("/api/import/queue"), "password");
  const std::string job = gateway.import_folder(scene.link());  // accepted, and waits
  CHECK(count(gateway.get("/api/import/status/" + job + "?imported=0").json.as_object(), "imported_count") == 0);
  REQUIRE(client.run(CallContext{}, {"CONFIG", "SET", "requirepass", ""}).has_value());
  check_complete(gateway, scene, job);
}

TEST_CASE("services call each other by HTTPS where the URLs say so, and check the certificate", "[split]") {
  Scene scene({.images = 200});
  const test::TlsIdentity identity = test::make_tls_identity("127.0.0.1");
  const auto certificate = scene.dir.path() / "service.pem";
  const auto key = scene.dir.path() / "service.key";
  identity.write_certificate(certificate);
  identity.write_key(key);
  Settings settings = scene.settings();
  settings["TLS_CERT_FILE"] = certificate.string();
  settings["TLS_KEY_FILE"] = key.string();
  settings["CURL_CA_BUNDLE"] = certificate.string();
  SplitDeployment services(scene.data, settings, 2);
  for (const std::string& name : services.names()) CHECK(services.service(name).url().starts_with("https://"));
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  check_complete(gateway, scene, job);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  CHECK(gateway.get("/api/images/1/content").body.size() == 4'000);

  // A gateway that trusts another authority calls nobody, and says why.
  const auto stranger = scene.dir.path() / "stranger.pem";
  test::make_tls_identity("127.0.0.1").write_certificate(stranger);
  services.stop("gateway");
  services.start("gateway", {{"CURL_CA_BUNDLE", stranger.string()}, {"TLS_CERT_FILE", ""}, {"TLS_KEY_FILE", ""}});
  wait_for_health(services.gateway(), "metadata");
  check_refused(services.gateway().get("/api/images?per_page=1"), "certificate");
}
