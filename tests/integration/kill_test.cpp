// kill -9 at random moments: after restarts, the same objects and records as an undisturbed import, each once.
// Rounds: IMGIMPORT_KILL_ROUNDS (default 6; the long run uses 20).
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <random>

#include "contract/metadata_store_search_check.hpp"
#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

int rounds() {
  const char* given = std::getenv("IMGIMPORT_KILL_ROUNDS");
  return given != nullptr ? std::atoi(given) : 6;
}

}  // namespace

TEST_CASE("kill -9 at random moments of an import loses nothing and doubles nothing") {
  const int kill_rounds = rounds();
  constexpr std::size_t kImages = 5'000;
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  for (int folder = 0; folder < 10; ++folder) {
    drive.tree().add_files(drive.tree().add_folder(album, "f" + std::to_string(folder)),
                           {.count = kImages / 10, .size = 8'000, .name_prefix = "f" + std::to_string(folder) + "-"});
  }
  emulator::FaultRule latency;  // so that the import lasts as long as the rounds do
  latency.latency = std::chrono::milliseconds(10 * kill_rounds);
  drive.faults().add(latency);
  REQUIRE(drive.start().has_value());

  const TempDir dir;
  const auto data = dir.path() / "data";
  auto settings = settings_for(drive);
  settings["WORKER_THREADS"] = "50";
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 chance(seed);

  auto server = std::make_unique<ServerProcess>(data, settings);
  const std::string job = server->import_folder(DriveEmulator::folder_link(album));
  int kills_at_work = 0;
  for (int round = 0; round < kill_rounds; ++round) {
    let_it_run(std::chrono::milliseconds(50 + chance() % 900));
    server->kill_hard();
    server = std::make_unique<ServerProcess>(data, settings);
    const Reply status = server->get("/api/import/status/" + job + "?imported=0");
    REQUIRE(status.status == 200);
    REQUIRE(equation_error(status.json.as_object()) == "");
    const auto& name = status.json.as_object().at("status").as_string();
    if (name == "processing" || name == "listing") ++kills_at_work;
  }
  CHECK(kills_at_work > kill_rounds / 2);
  drive.faults().clear();
  const auto status = server->wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(status.at("total").to_number<std::size_t>() == kImages);
  CHECK(status.at("processed").to_number<std::size_t>() == kImages);
  const auto records = all_records(*server);
  CHECK(records.size() == kImages);
  CHECK(audit_objects(data, records) == "");
  CHECK(audit_against_source(drive.tree(), records) == "");
  CHECK(server->stop() == 0);
  // What lists are found and counted by has followed each of them.
  const metadata_suite::HandClock clock;
  CHECK(metadata_suite::lists_agree(*metadata_suite::open_sqlite(data / "imgimport.db", clock)));
  // Half-written files of the killed processes are gone after a start; those of the last one after its stop.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "incoming")) {
    INFO(entry.path());
    CHECK((entry.is_directory() || entry.file_size() == 0));
  }
}
