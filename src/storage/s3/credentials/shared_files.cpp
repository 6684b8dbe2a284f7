#include "storage/s3/credentials/shared_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace imgimport {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

struct SharedFile {
  AwsFileKind kind;
  std::string path;
  bool chosen;  // by a variable
};

// "~/x" is x in the home folder, as the shell would have it.
std::string in_home(const EnvironmentLookup& environment, std::string_view path) {
  if (!path.starts_with("~/")) return std::string(path);
  const auto home = environment_value(environment, "HOME");
  return home ? fmt::format("{}{}", *home, path.substr(1)) : std::string();
}

SharedFile shared_file(const EnvironmentLookup& environment, AwsFileKind kind) {
  const bool is_config = kind == AwsFileKind::kConfig;
  const auto chosen = environment_value(environment, is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
  const std::string_view usual = is_config ? "~/.aws/config" : "~/.aws/credentials";
  return {kind, in_home(environment, chosen ? *chosen : usual), chosen.has_value()};
}

Error unreadable(const SharedFile& file, std::string_view why) {
  return Error(ErrorCode::kMisconfigured, fmt::format("the AWS profiles file {} cannot be read: {}", file.path, why))
      .with_reason("bad_credentials_file")
      .with_remedy(fmt::format("Let the user that imgimport runs as read {}, or set {} to another file.", file.path,
                               file.kind == AwsFileKind::kConfig ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE"));
}

// What the file says; nothing where there is none, or where it may not be read and nobody asked for it.
Result<AwsProfiles> load(const SharedFile& file, AwsSharedFiles& files) {
  if (file.path.empty()) return AwsProfiles();
  auto text = read_small_file(file.path, kMaxFile);
  if (!text.has_value()) {
    const Error error = std::move(text).error();
    if (error.code() == ErrorCode::kNotFound) return AwsProfiles();
    if (file.chosen || files.chosen) return unreadable(file, error.message());
    files.not_readable += fmt::format("{}{}: {}", files.not_readable.empty() ? "" : ", ", file.path, error.message());
    return AwsProfiles();
  }
  auto parsed = parse_aws_file(*text, file.kind);
  if (parsed.has_value()) return parsed;
  return std::move(parsed)
      .error()
      .with_context("the AWS profiles file " + file.path)
      .with_reason("bad_credentials_file")
      .with_remedy("Mend that line of the file: it holds [section] lines, and \"key = value\" lines below them.");
}

}  // namespace

Result<AwsSharedFiles> load_aws_shared_files(const EnvironmentLookup& environment) {
  AwsSharedFiles files;
  auto chosen = environment_value(environment, "AWS_PROFILE");
  if (!chosen) chosen = environment_value(environment, "AWS_DEFAULT_PROFILE");
  files.chosen = chosen.has_value();
  files.profile = chosen.value_or("default");

  const SharedFile credentials_file = shared_file(environment, AwsFileKind::kCredentials);
  const SharedFile config_file = shared_file(environment, AwsFileKind::kConfig);
  files.looked_at =
      fmt::format("{} and {}", credentials_file.path.empty() ? "~/.aws/credentials" : credentials_file.path,
                  config_file.path.empty() ? "~/.aws/config" : config_file.path);
  IMGIMPORT_ASSIGN_OR_RETURN(AwsProfiles config, load(config_file, files));
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsProfiles credentials, load(credentials_file, files));
  files.profiles = merge_aws_profiles(std::move(config), credentials);
  return files;
}

std::optional<std::string> profile_setting(const AwsProfile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found != profile.end() && !found->second.empty() ? std::optional(found->second) : std::nullopt;
}

std::optional<std::string> profile_region(const EnvironmentLookup& environment) {
  if (auto region = environment_value(environment, "AWS_DEFAULT_REGION")) return region;
  const auto files = load_aws_shared_files(environment);
  if (!files.has_value()) return std::nullopt;
  const auto profile = files->profiles.find(files->profile);
  return profile != files->profiles.end() ? profile_setting(profile->second, "region") : std::nullopt;
}

Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const auto failed = [](int number) {
    const ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound
                           : number == EACCES || number == EPERM ? ErrorCode::kPermissionDenied
                                                                 : ErrorCode::kUnavailable;
    return Error(code, std::generic_category().message(number));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(errno);
  std::string text;
  std::array<char, 8192> piece;
  ssize_t count = 0;
  while (text.size() <= max_bytes && (count = ::read(fd, piece.data(), piece.size())) != 0) {
    if (count > 0) text.append(piece.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  const int number = count < 0 ? errno : 0;
  ::close(fd);
  if (number != 0) return failed(number);
  if (text.size() > max_bytes) return Error(ErrorCode::kTooLarge, fmt::format("it has more than {} bytes", max_bytes));
  return text;
}

}  // namespace imgimport
