// Shared by the tests of whole imports into a cloud.
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "emulators/drive/drive_emulator.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

namespace imgimport::cloud {

using Settings = std::map<std::string, std::string>;

inline Settings merged(Settings first, const Settings& over) {
  for (const auto& [name, value] : over) first[name] = value;
  return first;
}

inline std::string text(const boost::json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
}

struct Album {
  emulator::DriveEmulator drive;
  std::string folder;

  explicit Album(const emulator::ManyFiles& files) : folder(drive.tree().add_folder(drive.root_id(), "album")) {
    drive.tree().add_files(folder, files);
  }
  std::string link() const { return emulator::DriveEmulator::folder_link(folder); }
};

// How many of a server's requests hold `part`.
inline std::int64_t requests_with(const std::vector<std::string>& requests, const std::string& part) {
  return std::count_if(requests.begin(), requests.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

// The status of an import that stops because of the store, with the reason and remedy that it shows.
inline boost::json::object import_that_stops(const Settings& store) {
  Album album({.count = 20, .size = 3'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), store));
  auto status = server.wait_for_job(server.import_folder(album.link()));
  INFO(boost::json::serialize(status));
  CHECK(status.at("status").as_string() == "failed");
  CHECK(count(status, "processed") == 0);
  CHECK(all_records(server).empty());  // nothing is recorded that is not stored
  CHECK(server.stop() == 0);
  return status;
}

}  // namespace imgimport::cloud
