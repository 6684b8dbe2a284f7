// Credentials of an EC2 instance's role, from its metadata service (IMDSv2; the first version, without a token, is
// never used).
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
#pragma once

#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"
#include "storage/s3/credentials/environment.hpp"
#include "storage/s3/credentials/profile_file.hpp"

namespace imgimport {

struct InstanceMetadataSettings {
  bool enabled = true;
  std::string endpoint;  // without a slash at its end
};

// AWS_EC2_METADATA_DISABLED; AWS_EC2_METADATA_SERVICE_ENDPOINT, else ec2_metadata_service_endpoint of the profile, else
// by AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE or ec2_metadata_service_endpoint_mode (IPv4, IPv6).
// kMisconfigured: another mode. Pure.
Result<InstanceMetadataSettings> instance_metadata_settings(const EnvironmentLookup& environment,
                                                            const AwsProfile& profile);

// Thread-safe. Where nobody answers, it is known within two seconds.
class InstanceMetadata {
 public:
  InstanceMetadata(HttpClient& http, const Clock& clock) : http_(http), clock_(clock) {}

  // kNotFound: there is no such service, or the instance has no role; the message says which, and fits behind a colon.
  // kUnavailable, kMisconfigured: it is there, and has no credentials now, or none for this role.
  Result<AwsCredentials> credentials(const CallContext& context, const std::string& endpoint);

 private:
  Result<std::string> token(const CallContext& context, const std::string& endpoint);
  Result<HttpClientResponse> get(const CallContext& context, const std::string& url, const std::string& token);
  Result<AwsCredentials> read_credentials(const std::string& role, const HttpClientResponse& answer) const;

  HttpClient& http_;
  const Clock& clock_;
};

}  // namespace imgimport
