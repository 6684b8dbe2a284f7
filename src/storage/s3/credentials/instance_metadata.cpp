#include "storage/s3/credentials/instance_metadata.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/shared_files.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
// The longest that the service gives.
constexpr std::string_view kTokenSeconds = "21600";
constexpr int kTries = 2;
// A laptop has nobody at that address, and must not wait for long to learn it.
constexpr std::chrono::milliseconds kTokenTime{1'000};
// Who gave a token is there, but may be busy.
constexpr std::chrono::milliseconds kAnswerTime{5'000};
constexpr std::size_t kMaxAnswer = 64u << 10;
constexpr std::chrono::minutes kExtension{10};

Error unavailable(std::string message) {
  return Error(ErrorCode::kUnavailable, std::move(message)).with_reason("no_instance_credentials");
}

Error absent(std::string message) {
  return Error(ErrorCode::kNotFound, std::move(message)).with_reason("no_instance_credentials");
}

std::optional<std::string> setting(const EnvironmentLookup& environment, const AwsProfile& profile,
                                   std::string_view variable, std::string_view key) {
  auto value = environment_value(environment, variable);
  return value ? value : profile_setting(profile, key);
}

}  // namespace

Result<InstanceMetadataSettings> instance_metadata_settings(const EnvironmentLookup& environment,
                                                            const AwsProfile& profile) {
  InstanceMetadataSettings settings;
  const std::string disabled = environment_value(environment, "AWS_EC2_METADATA_DISABLED").value_or("false");
  settings.enabled = !equals_ignore_case(disabled, "true");
  if (auto endpoint =
          setting(environment, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint")) {
    settings.endpoint = *std::move(endpoint);
    while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
    return settings;
  }
  const std::string mode =
      setting(environment, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode")
          .value_or("IPv4");
  if (equals_ignore_case(mode, "IPv4")) {
    settings.endpoint = "http://169.254.169.254";
  } else if (equals_ignore_case(mode, "IPv6")) {
    settings.endpoint = "http://[fd00:ec2::254]";
  } else {
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is \"{}\"", printable(mode)))
        .with_remedy("Set AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE to IPv4 or IPv6, or leave it out.");
  }
  return settings;
}

Result<AwsCredentials> InstanceMetadata::credentials(const CallContext& context, const std::string& endpoint) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string session, token(context, endpoint));
  const std::string url = endpoint + std::string(kRolePath);
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse roles, get(context, url, session));
  if (roles.status == 404) return absent("the instance has no IAM role");
  if (roles.status != 200) {
    return unavailable(fmt::format("the instance metadata service answered {} when asked for the role", roles.status));
  }
  const std::string_view first_line = std::string_view(roles.body).substr(0, roles.body.find('\n'));
  const std::string role(trim(first_line));
  if (role.empty()) return absent("the instance has no IAM role");
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, get(context, url + percent_encode(role), session));
  return read_credentials(role, answer);
}

Result<std::string> InstanceMetadata::token(const CallContext& context, const std::string& endpoint) {
  HttpClientRequest request;
  request.method = HttpMethod::kPut;
  request.url = endpoint + std::string(kTokenPath);
  request.headers.set("X-aws-ec2-metadata-token-ttl-seconds", std::string(kTokenSeconds));
  request.connect_timeout = kTokenTime;
  request.max_response_bytes = kMaxAnswer;
  Error failure;
  for (int i = 0; i < kTries; ++i) {
    auto answer = http_.send(context.with_timeout(kTokenTime), request);
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    if (!answer.has_value()) {
      failure = absent(fmt::format("the instance metadata service at {} does not answer", endpoint));
    } else if (answer->status == 200 && !trim(answer->body).empty()) {
      return std::string(trim(answer->body));
    } else if (answer->status >= 500) {
      failure = unavailable(fmt::format("the instance metadata service answered {}", answer->status));
    } else {
      // Switched off, or another cloud's service at the same address.
      return absent(fmt::format("what answers at {} is no instance metadata service of version 2 ({})", endpoint,
                                answer->status));
    }
  }
  return failure;
}

Result<HttpClientResponse> InstanceMetadata::get(const CallContext& context, const std::string& url,
                                                 const std::string& session) {
  HttpClientRequest request;
  request.url = url;
  request.headers.set("X-aws-ec2-metadata-token", session);
  request.connect_timeout = kTokenTime;
  request.max_response_bytes = kMaxAnswer;
  Error failure;
  for (int i = 0; i < kTries; ++i) {
    auto answer = http_.send(context.with_timeout(kAnswerTime), request);
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    if (answer.has_value() && answer->status < 500) return answer;
    failure =
        unavailable(answer.has_value() ? fmt::format("the instance metadata service answered {}", answer->status)
                                       : "the instance metadata service fails: " + std::move(answer).error().message());
  }
  return failure;
}

Result<AwsCredentials> InstanceMetadata::read_credentials(const std::string& role,
                                                          const HttpClientResponse& answer) const {
  const std::string shown_role = printable(role);
  if (answer.status != 200) {
    return unavailable(fmt::format("the instance metadata service answered {} when asked for the credentials of {}",
                                   answer.status, shown_role));
  }
  auto document = parse_credentials_document(answer.body);
  if (!document.has_value()) {
    return unavailable("the instance metadata service's answer is malformed: " + std::move(document).error().message());
  }
  if (!document->code.empty() && document->code != "Success") {
    return Error(ErrorCode::kMisconfigured,
                 fmt::format("the instance metadata service gives no credentials for the role {}: {}", shown_role,
                             printable(document->code)))
        .with_reason("no_instance_credentials")
        .with_remedy("Check the trust policy of the instance's IAM role: it must name ec2.amazonaws.com.");
  }
  if (!document->complete()) return unavailable("the instance metadata service's answer holds no credentials");
  AwsCredentials credentials = std::move(document->credentials);
  if (credentials.expires_at && *credentials.expires_at <= clock_.now()) {
    // The service renews them ahead of time. Where it could not, AWS goes on accepting the old ones.
    log_warning("the instance metadata service gives credentials that have expired; they are used nevertheless",
                {{"role", shown_role}, {"expired_at", to_rfc3339(*credentials.expires_at)}});
    credentials.expires_at = clock_.now() + kExtension;
  }
  return credentials;
}

}  // namespace imgimport
