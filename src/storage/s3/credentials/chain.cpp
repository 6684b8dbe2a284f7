#include "storage/s3/credentials/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/container.hpp"
#include "storage/s3/credentials/credential_process.hpp"

namespace imgimport {
namespace {

Error misconfigured(std::string message, std::string remedy) {
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason("bad_aws_profile")
      .with_remedy(std::move(remedy));
}

std::string quoted_profile(std::string_view name) {
  return fmt::format("the AWS profile \"{}\"", printable(name));
}

std::string sts_endpoint(const AwsCredentialsOptions& options) {
  if (auto own = environment_value(options.environment, "AWS_ENDPOINT_URL_STS")) return *std::move(own);
  return options.endpoint_url;
}

const AwsProfile& profile_of(const AwsSharedFiles& files, const std::string& name) {
  static const AwsProfile kNone;
  const auto found = files.profiles.find(name);
  return found != files.profiles.end() ? found->second : kNone;
}

AwsRole role_of(const AwsProfile& profile) {
  const auto text = [&profile](std::string_view key) { return profile_setting(profile, key).value_or(""); };
  return {.arn = text("role_arn"),
          .session_name = text("role_session_name"),
          .external_id = text("external_id"),
          .duration_seconds = text("duration_seconds")};
}

// The profile's own keys.
Result<std::optional<SourcedCredentials>> static_keys(const AwsProfile& profile, const std::string& name) {
  const auto id = profile_setting(profile, "aws_access_key_id");
  const auto secret = profile_setting(profile, "aws_secret_access_key");
  if (!id && !secret) return std::optional<SourcedCredentials>();
  if (!id || !secret) {
    return misconfigured(
        fmt::format("{} has {}, but no {}", quoted_profile(name), id ? "aws_access_key_id" : "aws_secret_access_key",
                    id ? "aws_secret_access_key" : "aws_access_key_id"),
        "Put both keys into the profile.");
  }
  return std::optional(
      SourcedCredentials{.credentials = {.access_key_id = *id,
                                         .secret_access_key = *secret,
                                         .session_token = profile_setting(profile, "aws_session_token").value_or("")},
                         .origin = quoted_profile(name)});
}

// Signing in is a person's work: what it left behind is for AWS's own tools.
Error needs_sign_in(const std::string& name, std::string_view key) {
  return Error(ErrorCode::kMisconfigured,
               fmt::format("{} signs in by {}, which imgimport cannot", quoted_profile(name), key))
      .with_reason("unsupported_aws_profile")
      .with_remedy(fmt::format("Let the AWS CLI hand the credentials over: put \"credential_process = aws configure "
                               "export-credentials --profile {} --format process\" into a profile of its own and set "
                               "AWS_PROFILE to that one, or run `aws configure export-credentials --profile {} "
                               "--format env` and set what it prints.",
                               printable(name), printable(name)));
}

std::optional<std::string_view> sign_in_key(const AwsProfile& profile) {
  for (const std::string_view key : {"sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    if (profile_setting(profile, key)) return key;
  }
  return std::nullopt;
}

Error no_credentials(const AwsSharedFiles& files, std::string_view instance) {
  const std::string unreadable =
      files.not_readable.empty() ? std::string() : fmt::format(" (not readable: {})", files.not_readable);
  return Error(ErrorCode::kMisconfigured,
               fmt::format("no AWS credentials were found: not in the settings, the environment, {} of {}{}, nor by a "
                           "role of this container or instance ({})",
                           quoted_profile(files.profile), files.looked_at, unreadable, instance))
      .with_reason("no_credentials")
      .with_remedy(
          "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or set AWS_PROFILE to a profile of ~/.aws/credentials or "
          "~/.aws/config; or, on AWS, give the instance, task or pod an IAM role (a container on EC2 reaches the "
          "instance's only with a metadata hop limit of 2).");
}

}  // namespace

AwsCredentialsChain::AwsCredentialsChain(AwsCredentialsOptions options, Clients clients, const Clock& clock)
    : options_(std::move(options)),
      clients_(clients),
      clock_(clock),
      sts_({.region = options_.region, .endpoint = sts_endpoint(options_)}, clients_.http, clock_),
      instance_(clients_.local_http, clock_) {}

Result<SourcedCredentials> AwsCredentialsChain::fetch(const CallContext& context) {
  IMGIMPORT_ASSIGN_OR_RETURN(Found found, from_settings());
  if (found) return *std::move(found);
  IMGIMPORT_ASSIGN_OR_RETURN(found, from_web_identity(context));
  if (found) return *std::move(found);
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsSharedFiles files, load_aws_shared_files(options_.environment));
  if (files.chosen && files.profiles.find(files.profile) == files.profiles.end()) {
    return misconfigured(fmt::format("{} is neither in {}", quoted_profile(files.profile), files.looked_at),
                         "Set AWS_PROFILE to a profile of these files, or leave it out.");
  }
  IMGIMPORT_ASSIGN_OR_RETURN(found, from_profile(context, files, {files.profile}));
  if (found) return *std::move(found);
  IMGIMPORT_ASSIGN_OR_RETURN(found, from_container(context));
  if (found) return *std::move(found);
  auto instance = from_instance(context, files);
  if (instance.has_value()) return instance;
  Error error = std::move(instance).error();
  return error.code() == ErrorCode::kNotFound ? no_credentials(files, error.message()) : error;
}

Result<AwsCredentialsChain::Found> AwsCredentialsChain::from_settings() const {
  const AwsCredentials& keys = options_.keys;
  if (keys.access_key_id.empty() && keys.secret_access_key.empty()) return Found();
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, only {} is set",
                             keys.access_key_id.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"))
        .with_reason("no_credentials")
        .with_remedy("Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither.");
  }
  return Found({.credentials = keys, .origin = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"});
}

Result<AwsCredentialsChain::Found> AwsCredentialsChain::from_web_identity(const CallContext& context) {
  const auto token_file = environment_value(options_.environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!token_file) return Found();
  const auto arn = environment_value(options_.environment, "AWS_ROLE_ARN");
  if (!arn) {
    return Error(ErrorCode::kMisconfigured, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not")
        .with_reason("no_credentials")
        .with_remedy("Set AWS_ROLE_ARN to the role that the token is for, or unset AWS_WEB_IDENTITY_TOKEN_FILE.");
  }
  const AwsRole role{.arn = *arn,
                     .session_name = environment_value(options_.environment, "AWS_ROLE_SESSION_NAME").value_or("")};
  IMGIMPORT_ASSIGN_OR_RETURN(AwsCredentials credentials, sts_.assume_with_web_identity(context, role, *token_file));
  return Found({.credentials = std::move(credentials), .origin = "the web identity token of " + *token_file});
}

Result<AwsCredentialsChain::Found> AwsCredentialsChain::from_profile(const CallContext& context,
                                                                     const AwsSharedFiles& files,
                                                                     const std::vector<std::string>& path) {
  const std::string& name = path.back();
  const AwsProfile& profile = profile_of(files, name);
  if (profile_setting(profile, "role_arn")) return from_role(context, files, path);
  IMGIMPORT_ASSIGN_OR_RETURN(Found keys, static_keys(profile, name));
  if (keys) return keys;
  if (const auto command = profile_setting(profile, "credential_process")) {
    IMGIMPORT_ASSIGN_OR_RETURN(AwsCredentials credentials,
                               credentials_from_process(context, name, *command, clock_.now()));
    return Found({.credentials = std::move(credentials), .origin = "credential_process of " + quoted_profile(name)});
  }
  if (const auto key = sign_in_key(profile)) return needs_sign_in(name, *key);
  return Found();
}

Result<AwsCredentialsChain::Found> AwsCredentialsChain::from_role(const CallContext& context,
                                                                  const AwsSharedFiles& files,
                                                                  const std::vector<std::string>& path) {
  const std::string& name = path.back();
  const AwsProfile& profile = profile_of(files, name);
  const AwsRole role = role_of(profile);
  const std::string origin = fmt::format("the role of {}", quoted_profile(name));
  if (const auto token_file = profile_setting(profile, "web_identity_token_file")) {
    IMGIMPORT_ASSIGN_OR_RETURN(AwsCredentials credentials, sts_.assume_with_web_identity(context, role, *token_file));
    return Found({.credentials = std::move(credentials), .origin = origin});
  }
  if (profile_setting(profile, "mfa_serial")) {
    return misconfigured(fmt::format("{} asks for the code of a device (mfa_serial), which nobody can type in here",
                                     quoted_profile(name)),
                         "Use a role without mfa_serial, or run `aws configure export-credentials` and set what it "
                         "prints.");
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const SourcedCredentials source, role_source(context, files, path));
  IMGIMPORT_ASSIGN_OR_RETURN(AwsCredentials credentials, sts_.assume(context, role, source.credentials, source.origin));
  return Found({.credentials = std::move(credentials), .origin = origin});
}

Result<SourcedCredentials> AwsCredentialsChain::role_source(const CallContext& context, const AwsSharedFiles& files,
                                                            const std::vector<std::string>& path) {
  const std::string& name = path.back();
  const AwsProfile& profile = profile_of(files, name);
  const auto source = profile_setting(profile, "source_profile");
  const auto place = profile_setting(profile, "credential_source");
  if (source.has_value() == place.has_value()) {
    return misconfigured(fmt::format("{} has role_arn with {} source_profile {} credential_source",
                                     quoted_profile(name), source ? "both" : "neither", source ? "and" : "nor"),
                         "Give the profile one of source_profile, credential_source and web_identity_token_file.");
  }
  if (place) return named_source(context, files, *place);

  // A profile may name itself: its own keys are what may act in its role.
  Found found;
  if (*source == name) {
    IMGIMPORT_ASSIGN_OR_RETURN(found, static_keys(profile, name));
  } else if (std::find(path.begin(), path.end(), *source) != path.end()) {
    return misconfigured(
        fmt::format("the source_profile of {} leads back to {}", quoted_profile(name), quoted_profile(*source)),
        "Let the last profile of the row have keys of its own.");
  } else {
    std::vector<std::string> longer = path;
    longer.push_back(*source);
    IMGIMPORT_ASSIGN_OR_RETURN(found, from_profile(context, files, longer));
  }
  if (found) return *std::move(found);
  return misconfigured(
      fmt::format("source_profile of {} is \"{}\", which {}", quoted_profile(name), printable(*source),
                  files.profiles.find(*source) == files.profiles.end() ? "does not exist" : "holds no credentials"),
      "Set source_profile to a profile with keys of its own.");
}

Result<SourcedCredentials> AwsCredentialsChain::named_source(const CallContext& context, const AwsSharedFiles& files,
                                                             std::string_view name) {
  Found found;
  std::string absent = "its variables are not set";
  if (name == "Environment") {
    IMGIMPORT_ASSIGN_OR_RETURN(found, from_settings());
  } else if (name == "EcsContainer") {
    IMGIMPORT_ASSIGN_OR_RETURN(found, from_container(context));
  } else if (name == "Ec2InstanceMetadata") {
    auto instance = from_instance(context, files);
    if (instance.has_value()) return instance;
    const Error error = std::move(instance).error();
    if (error.code() != ErrorCode::kNotFound) return error;
    absent = error.message();
  } else {
    return misconfigured(
        fmt::format("credential_source of {} is \"{}\"", quoted_profile(files.profile), printable(name)),
        "Set credential_source to Environment, EcsContainer or Ec2InstanceMetadata.");
  }
  if (found) return *std::move(found);
  return misconfigured(fmt::format("credential_source of {} is {}, which has no credentials: {}",
                                   quoted_profile(files.profile), name, absent),
                       "Set credential_source to where credentials are, or use source_profile.");
}

Result<AwsCredentialsChain::Found> AwsCredentialsChain::from_container(const CallContext& context) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto endpoint, container_endpoint(options_.environment));
  if (!endpoint) return Found();
  const bool tls = endpoint->url.starts_with("https://");
  HttpClient& http = tls ? clients_.http : clients_.local_http;
  IMGIMPORT_ASSIGN_OR_RETURN(AwsCredentials credentials, credentials_from_container(context, *endpoint, http));
  return Found({.credentials = std::move(credentials), .origin = "the container's role"});
}

Result<SourcedCredentials> AwsCredentialsChain::from_instance(const CallContext& context, const AwsSharedFiles& files) {
  IMGIMPORT_ASSIGN_OR_RETURN(const InstanceMetadataSettings settings,
                             instance_metadata_settings(options_.environment, profile_of(files, files.profile)));
  if (!settings.enabled) return Error(ErrorCode::kNotFound, "AWS_EC2_METADATA_DISABLED is true");
  auto credentials = instance_.credentials(context, settings.endpoint);
  if (credentials.has_value()) {
    instance_answered_ = true;
    return SourcedCredentials{.credentials = *std::move(credentials), .origin = "the instance's role"};
  }
  Error error = std::move(credentials).error();
  if (error.code() != ErrorCode::kNotFound || !instance_answered_) return error;
  return Error(ErrorCode::kUnavailable, error.message()).with_reason("no_instance_credentials");
}

}  // namespace imgimport
