// The two files that AWS's tools and SDKs share, ~/.aws/config and ~/.aws/credentials, as text. Pure.
//
// [section] lines, and "key = value" lines below them. Comments are lines that begin with # or ;, and what follows a
// " #" or " ;" in a value. A line that begins with a blank goes on with the value above it; below a key without a value
// it is a setting of a nested block, which is none of the profile's own. Keys are case-insensitive, the last of equal
// ones wins, and sections of one name are one section. In the config file a profile is "[profile name]", or "[default]"
// where there is no "[profile default]"; in the credentials file it is "[name]". Other sections are passed over.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
// https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/migration-profile-file.html
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

using AwsProfile = std::map<std::string, std::string, std::less<>>;  // by key in lower case
using AwsProfiles = std::map<std::string, AwsProfile, std::less<>>;  // by name

enum class AwsFileKind : std::uint8_t { kConfig = 1, kCredentials };

// kMisconfigured names the line that cannot be read, and never what it holds.
Result<AwsProfiles> parse_aws_file(std::string_view text, AwsFileKind kind);

// Both files as one: where both have a key of a profile, the credentials file's counts.
AwsProfiles merge_aws_profiles(AwsProfiles config, const AwsProfiles& credentials);

}  // namespace imgimport
