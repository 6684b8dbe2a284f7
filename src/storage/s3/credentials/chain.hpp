// Where credentials are looked for, in the order of AWS's SDKs. The first place that is set up counts: what fails there
// is the answer, and no later place is tried.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
//   1. the keys of imgimport's own settings
//   2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN
//   3. the profile in use (shared_files.hpp): role_arn with web_identity_token_file, source_profile or
//      credential_source; else aws_access_key_id and aws_secret_access_key; else credential_process
//   4. a container's role
//   5. an EC2 instance's role
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "storage/s3/credentials/environment.hpp"
#include "storage/s3/credentials/instance_metadata.hpp"
#include "storage/s3/credentials/shared_files.hpp"
#include "storage/s3/credentials/source.hpp"
#include "storage/s3/credentials/sts.hpp"

namespace imgimport {

struct AwsCredentialsOptions {
  AwsCredentials keys;       // of the settings; access_key_id and secret_access_key empty = none are set
  std::string region;        // STS is asked there
  std::string endpoint_url;  // the setting AWS_ENDPOINT_URL; AWS_ENDPOINT_URL_STS of the environment wins
  EnvironmentLookup environment;
};

class AwsCredentialsChain final : public AwsCredentialsSource {
 public:
  // `local_http` reaches this machine and link-local addresses, where no proxy may stand between.
  struct Clients {
    HttpClient& http;
    HttpClient& local_http;
  };
  AwsCredentialsChain(AwsCredentialsOptions options, Clients clients, const Clock& clock);

  // Beside the errors of each place: kMisconfigured (no_credentials): none is set up.
  Result<SourcedCredentials> fetch(const CallContext& context) override;

 private:
  using Found = std::optional<SourcedCredentials>;

  Result<Found> from_settings() const;
  Result<Found> from_web_identity(const CallContext& context);
  Result<Found> from_container(const CallContext& context);
  // kNotFound: there is no such service or role.
  Result<SourcedCredentials> from_instance(const CallContext& context, const AwsSharedFiles& files);

  // A profile's, and what its role builds on. `path` are the profiles that led here, itself the last.
  Result<Found> from_profile(const CallContext& context, const AwsSharedFiles& files,
                             const std::vector<std::string>& path);
  Result<Found> from_role(const CallContext& context, const AwsSharedFiles& files,
                          const std::vector<std::string>& path);
  Result<SourcedCredentials> role_source(const CallContext& context, const AwsSharedFiles& files,
                                         const std::vector<std::string>& path);
  Result<SourcedCredentials> named_source(const CallContext& context, const AwsSharedFiles& files,
                                          std::string_view name);

  const AwsCredentialsOptions options_;
  const Clients clients_;
  const Clock& clock_;
  Sts sts_;
  InstanceMetadata instance_;
  std::atomic<bool> instance_answered_{false};  // then its silence is a failure
};

}  // namespace imgimport
