// What the tests of the credentials share.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "http_client/curl_client.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/credentials/environment.hpp"

namespace imgimport::test {

inline EnvironmentLookup environment_of(std::map<std::string, std::string, std::less<>> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found != variables.end() ? std::optional(found->second) : std::nullopt;
  };
}

inline std::string write_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

inline CurlHttpClientOptions direct_http() {
  CurlHttpClientOptions options;
  options.ca = {};
  options.proxies = ProxyUse::kIgnore;
  return options;
}

// Everything that a person or a log sees of it.
inline std::string shown(const Error& error) {
  return error.message() + " | " + error.remedy();
}

// The value, or the error's message.
inline std::string text_of(const Result<std::string>& result) {
  return result.has_value() ? *result : result.error().message();
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace imgimport::test
