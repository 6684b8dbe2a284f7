#include "support/bucket_audit.hpp"

#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

#include "support/child_process.hpp"

namespace imgimport {

namespace {

// From lines of "hash  key".
std::map<std::string, std::string> hashes_from(const ChildOptions& options) {
  ChildProcess client(options);
  std::istringstream output(client.read_all(std::chrono::minutes(5)));
  if (client.wait(std::chrono::seconds(30)) != 0) throw std::runtime_error("audit: " + client.error_output());
  std::map<std::string, std::string> contents;
  constexpr std::size_t kHex = 64;
  for (std::string line; std::getline(output, line);) {
    if (line.size() < kHex + 3) throw std::runtime_error("audit: " + line);
    contents.emplace(line.substr(kHex + 2), line.substr(0, kHex));
  }
  return contents;
}

}  // namespace

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
  return hashes_from(options);
}

std::map<std::string, std::string> container_contents(const Azurite& server, const std::string& container) {
  ChildOptions options;
  options.program = "/usr/bin/env";
  options.arguments = {"node", IMGIMPORT_AZURE_CONTENTS_SCRIPT, server.connection_string(), container};
  const char* const path = std::getenv("PATH");
  options.environment = {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}};
  return hashes_from(options);
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
