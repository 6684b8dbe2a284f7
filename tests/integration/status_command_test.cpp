// `imgimport status` and --health, asked as an operator or a container asks them.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "split_scene.hpp"
#include "support/child_process.hpp"
#include "support/import_audit.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

namespace {

struct Ran {
  int code = -1;
  std::string said;
  std::string errors;
  boost::json::object json() const { return boost::json::parse(said).as_object(); }
};

Ran run(const std::vector<std::string>& arguments, const Settings& environment = {}) {
  const TempDir nowhere;  // neither ./config nor ./.env
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = arguments;
  options.environment = environment;
  options.directory = nowhere.path();
  ChildProcess process(options);
  Ran ran;
  ran.said = process.read_all(std::chrono::seconds(60));
  ran.code = process.wait(std::chrono::seconds(60)).value_or(-1);
  ran.errors = process.error_output();
  return ran;
}

// Until the deployment counts so many workers.
boost::json::object wait_for_workers(const std::string& url, std::int64_t workers) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  for (;;) {
    const Ran ran = run({"status", url, "--json"});
    CAPTURE(ran.said, ran.errors);
    REQUIRE(ran.code <= 1);
    auto json = ran.json();
    if (json.at("workers").is_int64() && json.at("workers").as_int64() == workers) return json;
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

std::string port_of(const std::string& url) {
  return url.substr(url.rfind(':') + 1);
}

}  // namespace

TEST_CASE("imgimport status counts the workers of a split deployment, and names what is away", "[split][status]") {
  Scene scene({.images = 1'200, .latency = std::chrono::milliseconds(1'000)});
  SplitDeployment services(scene.data, scene.settings(), 3);
  ServerProcess& gateway = services.gateway();
  auto json = wait_for_workers(gateway.url(), 3);
  CHECK(json.at("status").as_string() == "healthy");
  CHECK(json.at("jobs").as_array().empty());
  CHECK(run({"status", gateway.url()}).code == 0);

  const std::string job = gateway.import_folder(scene.link());
  wait_for_images(gateway, job, 40);
  const Ran text = run({"status", gateway.url()});
  CAPTURE(text.said);
  CHECK(text.code == 0);
  CHECK_THAT(text.said, Catch::Contains("3 workers") && Catch::Contains(job) && Catch::Contains("/1200"));
  CHECK_THAT(text.said, Catch::Contains("storage-service    healthy"));
  json = wait_for_workers(gateway.url(), 3);
  CHECK(json.at("jobs").as_array().size() == 1);
  CHECK(json.at("batches_leased").as_int64() > 0);

  services.kill("worker1");
  wait_for_workers(gateway.url(), 2);
  services.start("worker1");
  wait_for_workers(gateway.url(), 3);
  services.stop("worker2");
  wait_for_workers(gateway.url(), 2);

  services.kill("storage");
  wait_for_health(gateway, "storage");
  const Ran without = run({"status", gateway.url()});
  CAPTURE(without.said);
  CHECK(without.code == 1);
  CHECK_THAT(without.said, Catch::Contains("storage-service    away: "));
  CHECK_THAT(without.said, Catch::Contains("metadata-service   healthy"));
  CHECK(run({"status", gateway.url(), "--json"}).json().at("parts").as_object().contains("storage"));
  services.start("storage");
  wait_for_health(gateway, "");

  services.kill("import");
  wait_for_health(gateway, "import");
  const Ran blind = run({"status", gateway.url()});
  CAPTURE(blind.said);
  CHECK(blind.code == 1);
  CHECK_THAT(blind.said, Catch::Contains("worker-service     not known: ") && Catch::Contains(job));
  services.start("import");
  wait_for_health(gateway, "");

  // Nothing that it knows is made up: numbers and imports are not known, and import says that it lacks the metadata.
  services.kill("metadata");
  wait_for_health(gateway, "import");
  const Ran dumb = run({"status", gateway.url()});
  CAPTURE(dumb.said);
  CHECK(dumb.code == 1);
  CHECK_THAT(dumb.said, Catch::Contains("  metadata-service   away: the metadata service does not answer\n"));
  CHECK_THAT(dumb.said, Catch::Contains("  import-service     degraded: ") && Catch::Contains("metadata: "));
  CHECK_THAT(dumb.said, Catch::Contains("  images             not known: the metadata service"));
  CHECK_THAT(dumb.said, Catch::Contains("  imports            not known: the metadata service"));
  const Ran scripted = run({"status", gateway.url(), "--json"});
  CHECK(scripted.code == 1);
  const auto unknown = scripted.json();
  CHECK(unknown.at("jobs").is_null());
  CHECK(unknown.at("total_images").is_null());
  CHECK(unknown.at("parts").as_object().contains("jobs"));
  services.start("metadata");
  wait_for_health(gateway, "");

  scene.redis.kill();
  wait_for_health(gateway, "import");
  const Ran stuck = run({"status", gateway.url()});
  CAPTURE(stuck.said);
  CHECK(stuck.code == 1);
  CHECK_THAT(stuck.said, Catch::Contains("  import-service     degraded: ") && Catch::Contains("queue: "));
  scene.redis.restart();
  scene.drive.faults().clear();
  check_complete(gateway, scene, job);
}

TEST_CASE("imgimport status of one process: one worker; a wrong token, no gateway and no imgimport are told apart",
          "[status]") {
  const TempDir dir;
  {
    ServerProcess all(dir.path() / "data", {{"API_TOKEN", "sesame"}});
    const Ran ran = run({"status", all.url(), "--json"}, {{"API_TOKEN", "sesame"}});
    CAPTURE(ran.said, ran.errors);
    CHECK(ran.code == 0);
    CHECK(ran.json().at("workers").as_int64() == 1);
    CHECK(ran.json().at("total_images").as_int64() == 0);

    for (const char* token : {"", "wrong"}) {
      const Ran refused = run({"status", all.url()}, {{"API_TOKEN", token}});
      CAPTURE(refused.errors);
      CHECK(refused.code == 2);
      CHECK_THAT(refused.errors, Catch::Contains("API_TOKEN"));
      CHECK_THAT(refused.errors, !Catch::Contains("wrong"));
      CHECK(refused.said.empty());
      const Ran scripted = run({"status", all.url(), "--json"}, {{"API_TOKEN", token}});
      CHECK(scripted.code == 2);
      CHECK(scripted.json().at("code").as_string() == "unauthenticated");
      CHECK_THAT(std::string(scripted.json().at("remedy").as_string()), Catch::Contains("API_TOKEN"));
    }
    const Ran stranger = run({"status", all.port_line("storage-service")}, {{"API_TOKEN", "sesame"}});
    CHECK(stranger.code == 2);
    CHECK_THAT(stranger.errors, Catch::Contains("is not imgimport's gateway"));

    // What was set is what is asked.
    CHECK(run({"status"}, {{"API_TOKEN", "sesame"}, {"GATEWAY_PORT", port_of(all.url())}}).code == 0);
    CHECK(all.stop() == 0);
    const Ran gone = run({"status", all.url()});
    CHECK(gone.code == 2);
    CHECK_THAT(gone.errors, Catch::Contains("no gateway answers at " + all.url()));
    CHECK(run({"status", all.url(), "--json"}).json().contains("error"));
  }
}

TEST_CASE("--health asks the first port of this host that somebody listens on, or the role's own, or the URL",
          "[status]") {
  Scene scene({});
  SplitDeployment services(scene.data, scene.settings());
  const std::string storage = port_of(services.service("storage").url());
  // Nobody listens on port 1, and the others are those of a container that runs storage alone.
  Settings ports{{"GATEWAY_PORT", "1"},
                 {"IMPORT_PORT", "1"},
                 {"METADATA_PORT", "1"},
                 {"STORAGE_PORT", storage},
                 {"WORKER_PORT", "1"}};
  const Ran found = run({"--health"}, ports);
  CAPTURE(found.said, found.errors);
  CHECK(found.code == 0);
  CHECK_THAT(found.said, Catch::Contains("storage-service"));
  CHECK(run({"--health", "--role=storage"}, ports).code == 0);
  CHECK(run({"--health", "--role=metadata"}, ports).code == 1);
  for (const char* port : {"IMPORT_PORT", "METADATA_PORT", "STORAGE_PORT", "WORKER_PORT"}) ports[port] = "2";
  const Ran nobody = run({"--health"}, ports);
  CHECK(nobody.code == 1);
  CHECK_THAT(nobody.errors, Catch::StartsWith("http://127.0.0.1:1/health, http://127.0.0.1:2/health: nobody listens"));
  const Ran named = run({"--health=" + services.service("worker0").url()}, ports);
  CHECK(named.code == 0);
  CHECK_THAT(named.said, Catch::Contains("worker-service"));
  // A neighbour that is away makes it degraded, which is no reason to restart it.
  services.kill("metadata");
  wait_for_health(services.service("worker0"), "metadata");
  const Ran degraded = run({"--health=" + services.service("worker0").url()}, ports);
  CHECK(degraded.code == 0);
  CHECK_THAT(degraded.said, Catch::Contains("degraded"));
}
