// Whether what a server says it stored is what lies on the disk, and what the source holds.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "emulators/drive/drive_emulator.hpp"
#include "support/server_process.hpp"

namespace imgimport {

// The settings that point a server at the emulator with its API key, with short back-offs.
std::map<std::string, std::string> settings_for(const emulator::DriveEmulator& drive);

// One number of a JSON object; throws where there is none.
std::int64_t count(const boost::json::object& object, const char* name);

struct StoredImage {
  std::string sha256;
  std::uint64_t size = 0;
  std::string object_key;
  bool verified = false;
  friend bool operator==(const StoredImage&, const StoredImage&) = default;
};

// All records of GET /api/images/all, by Drive id; throws when a Drive id comes twice or the total is wrong.
std::map<std::string, StoredImage> all_records(ServerProcess& server);

// Every record's object is there with the record's size and SHA-256, and DATA_DIR/objects holds nothing else.
// Empty, or what is wrong.
std::string audit_objects(const std::filesystem::path& data_dir, const std::map<std::string, StoredImage>& records);

// Each record's SHA-256 is that of the bytes the emulator serves for that id. Empty, or what is wrong.
std::string audit_against_source(const emulator::DriveTree& tree, const std::map<std::string, StoredImage>& records);

}  // namespace imgimport
