// kill -9 of each part of a split deployment during an import: what goes on, what is refused, and that every image
// arrives once. The table "What works while a service is down" in src/README.md is this file's.
// IMGIMPORT_KILL_ROUNDS makes it the long run, with 5,000 images.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "split_scene.hpp"
#include "support/api_callers.hpp"
#include "support/import_audit.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

namespace {

constexpr int kUsualRounds = 4;

struct Expected {
  HttpMethod method;
  std::string path;
  std::string body;
  int status;
};

class KilledInTurn {
 public:
  explicit KilledInTurn(std::size_t images)
      : scene_({.images = images, .latency = std::chrono::milliseconds(700)}),
        small_(scene_.drive.tree().add_folder(scene_.drive.root_id(), "small")),
        empty_(scene_.drive.tree().add_folder(scene_.drive.root_id(), "empty")),
        services_(scene_.data, scene_.settings(), 3) {
    scene_.drive.tree().add_files(small_, {.count = 2, .size = 2'000, .name_prefix = "small-"});
  }

  void run(int rounds) {
    const std::string small_job = gateway().import_folder(emulator::DriveEmulator::folder_link(small_));
    gateway().wait_for_job(small_job);
    const Reply both = gateway().get("/api/images?per_page=2");
    const auto path = [&](std::size_t number) {
      return "/api/images/" + std::to_string(both.json.at("images").as_array().at(number).at("id").as_int64());
    };
    small_image_ = path(0);
    image_to_delete_ = path(1);
    job_ = gateway().import_folder(scene_.link());
    wait_for_images(gateway(), job_, 40);
    // Two that ask for everything all the time, whatever is down.
    ApiCallers callers({.url = gateway().url(),
                        .calls = {{.path = status()},
                                  {.path = "/api/images?per_page=5"},
                                  {.path = small_image_ + "/content"},
                                  {.path = "/api/import/jobs?limit=5"},
                                  {.path = "/api/import/queue"},
                                  {.path = "/health"},
                                  {.path = "/api/stats"}}});
    storage_is_down();
    import_is_down();
    metadata_is_down();
    a_worker_is_down();
    redis_is_down();
    the_gateway_is_down();
    a_worker_dies_every_second(rounds);
    scene_.drive.faults().clear();
    gateway().wait_for_job(job_);
    CHECK(callers.stop() == "");
    CHECK(callers.answered() > 100);
    CHECK(callers.failed() > 0);
    // Deleted now that nothing is down; what is left is the album.
    CHECK(gateway().request(HttpMethod::kDelete, small_image_).status == 200);
    check_complete(gateway(), scene_, job_);
    CHECK(audit_objects(scene_.data, all_records(gateway())) == "");
    for (const std::string& name : services_.names()) {
      CAPTURE(name);
      CHECK(services_.stop(name) == 0);
    }
  }

 private:
  ServerProcess& gateway() { return services_.gateway(); }
  std::string status() const { return "/api/import/status/" + job_ + "?imported=0"; }
  std::size_t imported() {
    return static_cast<std::size_t>(count(gateway().get(status()).json.as_object(), "imported_count"));
  }
  std::uint64_t downloads() { return scene_.drive.counters().values().full_downloads; }

  // An empty folder makes no work: 200.
  Expected submit(int status) const {
    return {HttpMethod::kPost, "/api/import/google-drive",
            R"({"folder_url":")" + emulator::DriveEmulator::folder_link(empty_) + "\"}", status};
  }
  Expected get(const std::string& path, int status) const { return {HttpMethod::kGet, path, "", status}; }
  Expected post(const std::string& path, int status) const { return {HttpMethod::kPost, path, "", status}; }

  void check(const std::vector<Expected>& calls) {
    for (const Expected& call : calls) {
      const Reply reply = gateway().request(call.method, call.path, call.body);
      CAPTURE(call.path, reply.body.substr(0, 300));
      CHECK(reply.status == call.status);
      if (reply.status != 503) continue;
      CHECK_FALSE(reply.json.at("error").as_string().empty());
      CHECK_FALSE(reply.json.at("remedy").as_string().empty());
    }
  }
  void is_back(const std::string& name) {
    services_.start(name);
    wait_for_health(gateway(), "");
    wait_for_health(services_.service("import"), "");
    wait_for_images(gateway(), job_, imported() + 20);
  }

  void storage_is_down() {
    INFO("storage is down");
    services_.kill("storage");
    wait_for_health(gateway(), "storage");
    check({get("/api/images?per_page=1", 200),
           get("/api/images?q=small", 200),
           get("/api/images/all", 200),
           get("/api/stats", 200),
           get(status(), 200),
           get("/api/import/queue", 200),
           submit(200),
           get("/ready", 200),
           get(small_image_ + "/content", 503),
           {HttpMethod::kDelete, image_to_delete_, "", 503}});
    is_back("storage");
    check({get(small_image_ + "/content", 200),
           {HttpMethod::kDelete, image_to_delete_, "", 200},  // the rest of what was begun
           get(image_to_delete_, 404)});
  }

  void import_is_down() {
    INFO("import is down");
    const std::uint64_t before = downloads();
    services_.kill("import");
    wait_for_health(gateway(), "import");
    check({get("/api/images?per_page=1", 200), get(small_image_ + "/content", 200), get(status(), 200),
           get("/api/import/jobs", 200), get("/api/import/" + job_ + "/items?limit=5", 200), get("/ready", 200),
           submit(503), post("/api/import/" + job_ + "/cancel", 503), post("/api/import/" + job_ + "/retry", 503),
           get("/api/import/queue", 503)});
    while (downloads() < before + 20) let_it_run(std::chrono::milliseconds(20));  // what is queued is worked off
    is_back("import");
  }

  void metadata_is_down() {
    INFO("metadata is down");
    services_.kill("metadata");
    wait_for_health(gateway(), "metadata");
    CHECK(gateway().get("/ready").status == 503);
    check({get("/health", 200), get("/api/images?per_page=1", 503), get(small_image_ + "/content", 503),
           get(status(), 503), get("/api/stats", 503), submit(503)});
    is_back("metadata");
  }

  void a_worker_is_down() {
    INFO("a worker is down");
    services_.kill("worker0");
    check({get("/health", 200), get("/api/images?per_page=1", 200), get(small_image_ + "/content", 200),
           get(status(), 200), submit(200)});
    wait_for_images(gateway(), job_, imported() + 40);
    is_back("worker0");
  }

  void redis_is_down() {
    INFO("Redis is down");
    scene_.redis.kill();
    wait_for_health(services_.service("import"), "queue");
    check({get("/health", 200), get("/api/images?per_page=1", 200), get(small_image_ + "/content", 200),
           get(status(), 200), get("/api/import/jobs", 200), submit(200), get("/api/import/queue", 503)});
    scene_.redis.restart();  // empty
    wait_for_health(services_.service("import"), "");
    wait_for_images(gateway(), job_, imported() + 40);
  }

  void the_gateway_is_down() {
    INFO("the gateway is down");
    services_.kill("gateway");
    const std::uint64_t before = downloads();
    while (downloads() < before + 60) let_it_run(std::chrono::milliseconds(20));  // the import runs
    is_back("gateway");
  }

  void a_worker_dies_every_second(int rounds) {
    std::mt19937 chance(std::random_device{}());
    for (int round = 0; round < rounds; ++round) {
      const std::string name = "worker" + std::to_string(chance() % 3);
      INFO("round " << round << ": " << name);
      let_it_run(std::chrono::milliseconds(1'000));
      services_.kill(name);
      services_.start(name);
      CHECK(gateway().get(status()).status == 200);
    }
  }

  Scene scene_;
  const std::string small_;
  const std::string empty_;
  SplitDeployment services_;
  std::string job_;
  std::string small_image_;
  std::string image_to_delete_;
};

}  // namespace

TEST_CASE(
    "each service, Redis, and a worker every second killed during an import: what else works goes on, no call "
    "hangs, and every image arrives once",
    "[split]") {
  const int rounds = kill_rounds(kUsualRounds);
  KilledInTurn scenario(rounds > kUsualRounds ? 5'000 : 1'500);
  scenario.run(rounds);
}
