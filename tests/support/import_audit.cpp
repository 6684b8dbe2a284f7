#include "support/import_audit.hpp"

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <stdexcept>

#include "crypto/hash.hpp"

namespace imgimport {
namespace {

std::string file_sha256(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Hasher hasher(HashAlgorithm::kSha256);
  std::array<char, 64 << 10> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    hasher.update(std::string_view(buffer.data(), static_cast<std::size_t>(file.gcount())));
  }
  return hasher.finish();
}

}  // namespace

std::map<std::string, std::string> settings_for(const emulator::DriveEmulator& drive) {
  return {{"GOOGLE_DRIVE_API_URL", drive.url()},
          {"GOOGLE_API_KEY", emulator::DriveEmulator::api_key()},
          {"RETRY_BASE_MS", "20"}};
}

std::int64_t count(const boost::json::object& object, const char* name) {
  return object.at(name).to_number<std::int64_t>();
}

std::map<std::string, StoredImage> all_records(ServerProcess& server) {
  const Reply reply = server.get("/api/images/all");
  if (reply.status != 200) throw std::runtime_error("images/all: " + reply.body);
  std::map<std::string, StoredImage> records;
  const boost::json::object& all = reply.json.as_object();
  for (const boost::json::value& value : all.at("images").as_array()) {
    const boost::json::object& image = value.as_object();
    StoredImage stored;
    stored.sha256 = image.at("sha256").as_string();
    stored.size = image.at("size").to_number<std::uint64_t>();
    stored.object_key = image.at("object_key").as_string();
    stored.verified = image.at("checksum_verified").as_bool();
    const std::string id(image.at("google_drive_id").as_string());
    if (!records.emplace(id, stored).second) throw std::runtime_error("two records of " + id);
  }
  if (all.at("total").to_number<std::size_t>() != records.size()) throw std::runtime_error("the total is wrong");
  return records;
}

std::string audit_objects(const std::filesystem::path& data_dir, const std::map<std::string, StoredImage>& records) {
  const auto objects = data_dir / "objects";
  std::set<std::string> wanted;
  for (const auto& [id, image] : records) {
    const auto path = objects / image.object_key;
    wanted.insert(path.string());
    if (!std::filesystem::is_regular_file(path)) return "no object for " + id + " at " + path.string();
    if (std::filesystem::file_size(path) != image.size) return "wrong size of " + path.string();
    if (file_sha256(path) != image.sha256) return "wrong bytes in " + path.string();
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(objects)) {
    if (entry.is_directory()) continue;
    if (!wanted.contains(entry.path().string())) return "an object without a record: " + entry.path().string();
  }
  return {};
}

std::string audit_against_source(const emulator::DriveTree& tree, const std::map<std::string, StoredImage>& records) {
  for (const auto& [id, image] : records) {
    const auto item = tree.find(id);
    if (!item) return "a record of a file that the source does not have: " + id;
    const auto& served = item->served != nullptr ? item->served : item->content;
    if (served->hashes().sha256 != image.sha256) return "other bytes than the source's: " + id;
  }
  return {};
}

}  // namespace imgimport
