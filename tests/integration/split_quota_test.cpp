// Ten workers share one Drive budget in Redis.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "split_scene.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

TEST_CASE("ten workers together never ask Drive for more than the quota", "[split]") {
  // The long run spans three of Google's minutes; the short one looks at every moment of its own ten seconds.
  const bool is_long = kill_rounds(0) > 0;
  constexpr std::uint64_t kPerMinute = 150'000;
  const std::uint64_t seconds = is_long ? 150 : 10;
  constexpr std::uint64_t kDownload = 200;
  const std::size_t images = kPerMinute / 60 * seconds / kDownload;
  Scene scene({.images = images});
  scene.drive.faults().set_quota_per_minute(kPerMinute);
  Settings settings = scene.settings();
  settings["DRIVE_QUOTA_PER_MINUTE"] = std::to_string(kPerMinute);
  settings["BATCH_SIZE"] = "5";  // so that each of them gets some
  SplitDeployment services(scene.data, settings, 10);
  const auto began = std::chrono::steady_clock::now();
  const std::string job = services.gateway().import_folder(scene.link());
  for (;;) {
    // The counter is read before the clock: an honest bound whatever this machine does in between.
    const std::uint64_t spent = scene.drive.counters().values().units;
    const auto elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began);
    REQUIRE(static_cast<double>(spent) <= elapsed.count() * static_cast<double>(kPerMinute) / 60);
    const Reply reply = services.gateway().get("/api/import/status/" + job + "?imported=0");
    REQUIRE(reply.status == 200);
    if (reply.json.at("status").as_string() == "completed") break;
    let_it_run(std::chrono::milliseconds(20));
  }
  check_complete(services.gateway(), scene, job);
  const auto taken = scene.drive.faults().taken();
  CHECK(taken.find("quota") == taken.end());  // Drive itself refused nothing
  CHECK(scene.drive.counters().values().download == images);
}
