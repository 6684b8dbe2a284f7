// Memory stays within its bounds: neither the size of the images nor their number moves the peak.
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/radosgw.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

// Peak of a fresh server that imports `many` files, in MiB.
long peak_of_import(const emulator::ManyFiles& many, const std::map<std::string, std::string>& store = {}) {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, many);
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  auto settings = settings_for(drive);
  for (const auto& [name, value] : store) settings[name] = value;
  ServerProcess server(dir.path() / "data", settings);
  const auto status =
      server.wait_for_job(server.import_folder(DriveEmulator::folder_link(album)), std::chrono::seconds(900));
  CHECK(status.at("processed").to_number<std::size_t>() == many.count);
  const long peak = server.process().peak_rss_kib() / 1024;
  CHECK(server.stop() == 0);
  return peak;
}

}  // namespace

TEST_CASE("150 transfers of 25 MB at once stay below 450 MB") {
  const long peak = peak_of_import({.count = 150, .size = 25'000'000});
  WARN("peak resident set " << peak << " MiB");
  CHECK(peak < 450);
}

TEST_CASE("150 uploads of 25 MB at once to S3 stay below 450 MB") {
  const long peak = peak_of_import({.count = 150, .size = 25'000'000}, Radosgw::shared().settings());
  WARN("peak resident set " << peak << " MiB");
  CHECK(peak < 450);
}

TEST_CASE("a job of 100,000 items takes less than 50 MB more than one of 1,000") {
  const long small = peak_of_import({.count = 1'000, .size = 1'000});
  const long large = peak_of_import({.count = 100'000, .size = 1'000});
  WARN("peak resident set " << small << " and " << large << " MiB");
  CHECK(large - small < 50);
}
