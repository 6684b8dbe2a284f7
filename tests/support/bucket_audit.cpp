#include "support/bucket_audit.hpp"

#include <set>
#include <sstream>
#include <stdexcept>

#include "support/child_process.hpp"

namespace imgimport {

std::map<std::string, std::string> bucket_contents(const Radosgw& server, const std::string& bucket) {
  ChildOptions options;
  options.program = "/usr/bin/rclone";
  options.arguments = {"hashsum", "SHA256",   "--download", "--checkers",
                       "32",      "--config", "/dev/null",  "store:" + bucket};
  options.environment = {{"RCLONE_CONFIG_STORE_TYPE", "s3"},
                         {"RCLONE_CONFIG_STORE_PROVIDER", "Ceph"},
                         {"RCLONE_CONFIG_STORE_ENDPOINT", server.endpoint()},
                         {"RCLONE_CONFIG_STORE_ACCESS_KEY_ID", server.access_key()},
                         {"RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY", server.secret_key()},
                         {"HOME", "/nonexistent"}};
  ChildProcess rclone(options);
  std::istringstream output(rclone.read_all(std::chrono::minutes(5)));
  if (rclone.wait(std::chrono::seconds(30)) != 0) throw std::runtime_error("rclone: " + rclone.error_output());
  std::map<std::string, std::string> contents;
  constexpr std::size_t kHex = 64;
  for (std::string line; std::getline(output, line);) {
    if (line.size() < kHex + 3) throw std::runtime_error("rclone: " + line);
    contents.emplace(line.substr(kHex + 2), line.substr(0, kHex));
  }
  return contents;
}

std::string audit_bucket(const std::map<std::string, std::string>& contents,
                         const std::map<std::string, StoredImage>& records) {
  std::set<std::string> expected;
  for (const auto& [id, image] : records) {
    const auto found = contents.find(image.object_key);
    if (found == contents.end()) return "no object " + image.object_key;
    if (found->second != image.sha256) return "other bytes in " + image.object_key;
    expected.insert(image.object_key);
  }
  for (const auto& [key, hash] : contents) {
    if (!expected.contains(key)) return "an object without a record: " + key;
  }
  return {};
}

}  // namespace imgimport
