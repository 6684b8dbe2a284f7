// `imgimport import LINK` that is killed, and run again.
#include <signal.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

constexpr std::chrono::seconds kPatience{120};

class Folder {
 public:
  Folder(const TempDir& dir, const DriveEmulator& drive) {
    options_.program = program_under_test();
    options_.environment = settings_for(drive);
    options_.environment.insert(
        {{"LOG_LEVEL", "warning"}, {"WORKER_THREADS", "10"}, {"DATA_DIR", (dir.path() / "data").string()}});
    options_.directory = dir.path();
  }

  ChildOptions command(const std::vector<std::string>& arguments) const {
    ChildOptions options = options_;
    options.arguments = arguments;
    options.arguments.insert(options.arguments.begin(), "import");
    return options;
  }

  // Its report, when it has ended with 0.
  boost::json::object import(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    ChildProcess process(command(arguments));
    const std::string said = process.read_all(kPatience);
    const auto code = process.wait(kPatience);
    INFO(said << process.error_output());
    REQUIRE(code == 0);
    return boost::json::parse(said).as_object();
  }

 private:
  ChildOptions options_;
};

// Files come and go meanwhile.
std::size_t objects_in(const std::filesystem::path& folder) {
  std::size_t found = 0;
  std::error_code gone;
  for (std::filesystem::recursive_directory_iterator entry(folder, gone), end; entry != end; entry.increment(gone)) {
    if (entry->is_regular_file(gone)) ++found;
  }
  return found;
}

// An import can be caught in its middle.
void start_slowly(DriveEmulator& drive) {
  emulator::FaultRule slow;
  slow.match = emulator::RequestKind::kDownload;
  slow.latency = std::chrono::milliseconds(300);
  drive.faults().add(slow);
  REQUIRE(drive.start().has_value());
}

void wait_for_objects(const std::filesystem::path& folder, std::size_t objects) {
  REQUIRE(eventually([&] { return objects_in(folder) >= objects; }, kPatience));
}

}  // namespace

TEST_CASE("a one-shot import that is killed is one job still: the same command drives it to its end, and no other",
          "[one-shot]") {
  constexpr int kImages = 300;
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = kImages, .size = 10'000});
  const auto other = drive.tree().add_folder(drive.root_id(), "other");
  drive.tree().add_files(other, {.count = 5, .size = 5'000, .name_prefix = "other-"});
  start_slowly(drive);
  const TempDir dir;
  const auto data = dir.path() / "data";
  const Folder folder(dir, drive);
  const std::string link = DriveEmulator::folder_link(album);

  {
    ChildProcess killed(folder.command({link}));
    wait_for_objects(data / "objects", 20);
    killed.signal(SIGKILL);
    REQUIRE(killed.wait(kPatience) == 128 + SIGKILL);
  }
  drive.faults().clear();

  const auto elsewhere = folder.import({DriveEmulator::folder_link(other)});
  CHECK(count(elsewhere, "total") == 5);
  const auto filtered = folder.import({link, "--max-size=1"});
  CHECK(count(filtered, "total") == 0);
  const auto dry = folder.import({link, "--dry-run"});
  CHECK(dry.at("dry_run").as_bool());

  const auto ended = folder.import({link});
  CHECK(ended.at("status").as_string() == "completed");
  CHECK(count(ended, "total") == kImages);
  CHECK(count(ended, "imported_count") == kImages);
  // Nothing is left unfinished: once more is another job, with nothing to do.
  const auto again = folder.import({link});
  CHECK(again.at("job_id") != ended.at("job_id"));
  CHECK(count(again, "skipped") == kImages);

  ServerProcess server(data, settings_for(drive));
  const auto jobs = server.get("/api/import/jobs").json.as_object().at("jobs").as_array();
  CHECK(jobs.size() == 5);
  for (const auto& job : jobs) CHECK(job.as_object().at("status").as_string() == "completed");
  const auto records = all_records(server);
  CHECK(records.size() == kImages + 5);
  CHECK(audit_objects(data, records) == "");
  CHECK(audit_against_source(drive.tree(), records) == "");
}

TEST_CASE("a one-shot import that is interrupted says so, and the same command goes on", "[one-shot]") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 200, .size = 10'000});
  start_slowly(drive);
  const TempDir dir;
  const Folder folder(dir, drive);
  const std::string link = DriveEmulator::folder_link(album);

  ChildProcess interrupted(folder.command({link}));
  wait_for_objects(dir.path() / "data" / "objects", 10);
  interrupted.signal(SIGINT);
  const std::string said = interrupted.read_all(kPatience);
  CHECK(interrupted.wait(kPatience) == 1);
  CHECK_THAT(said, Catch::Contains("the same command") && Catch::Contains("goes on where this stopped"));
  drive.faults().clear();

  const auto ended = folder.import({link});
  CHECK_THAT(said, Catch::Contains(std::string(ended.at("job_id").as_string())));
  CHECK(count(ended, "imported_count") == 200);
}
