// The profile in use, from the files that AWS's tools and SDKs share.
//
// AWS_PROFILE names it, else AWS_DEFAULT_PROFILE, else it is "default". AWS_CONFIG_FILE and
// AWS_SHARED_CREDENTIALS_FILE are the files, else config and credentials in the folder .aws of HOME.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/result.hpp"
#include "storage/s3/credentials/environment.hpp"
#include "storage/s3/credentials/profile_file.hpp"

namespace imgimport {

struct AwsSharedFiles {
  std::string profile;       // the one in use
  bool chosen = false;       // by a variable, so that it must be there
  AwsProfiles profiles;      // all there are
  std::string looked_at;     // the files, for messages: "~/.aws/credentials and ~/.aws/config"
  std::string not_readable;  // of those, what is there and may not be read; for messages
};

// Reads the files anew. One that does not exist is an empty one.
// kMisconfigured: one that cannot be read (at its usual place: only if a profile was chosen) or parsed.
Result<AwsSharedFiles> load_aws_shared_files(const EnvironmentLookup& environment);

// A setting of a profile; nullopt where it is missing or empty.
std::optional<std::string> profile_setting(const AwsProfile& profile, std::string_view key);

// Where AWS's SDKs look for the region when AWS_REGION is not set: AWS_DEFAULT_REGION, else `region` of the profile in
// use. nullopt: neither says.
std::optional<std::string> profile_region(const EnvironmentLookup& environment);

// A file's content. kNotFound; kPermissionDenied: it may not be read; kTooLarge; kUnavailable: anything else. The
// message is the system's word alone.
Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace imgimport
