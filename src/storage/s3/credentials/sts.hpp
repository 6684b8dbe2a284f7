// AWS's Security Token Service: credentials of a role, for a proof of who asks.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
#pragma once

#include <string>
#include <string_view>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"

namespace imgimport {

// A role to act in.
struct AwsRole {
  std::string arn;
  std::string session_name;      // what AWS's logs show; empty = one of imgimport's own
  std::string external_id;       // AssumeRole only; empty = none
  std::string duration_seconds;  // empty = STS's own, an hour
};

// The regional endpoint: https://sts.REGION.amazonaws.com, with the domain of the region's partition.
// kMisconfigured: that is no name of a region.
Result<std::string> sts_endpoint_of(std::string_view region);

// Where and how STS is asked. Thread-safe.
class Sts {
 public:
  struct Options {
    std::string region;
    std::string endpoint;  // without a path; empty = the region's
  };
  Sts(Options options, HttpClient& http, const Clock& clock);

  // With the token in that file (an OpenID Connect token, as Kubernetes renews it), read anew each time.
  Result<AwsCredentials> assume_with_web_identity(const CallContext& context, const AwsRole& role,
                                                  const std::string& token_file);
  // With credentials that may act in it. `source` names where these come from, for messages.
  Result<AwsCredentials> assume(const CallContext& context, const AwsRole& role, const AwsCredentials& credentials,
                                std::string_view source);
  // Both: kMisconfigured or kUnauthenticated: refused, the message says by whom and why; kRateLimited; kUnavailable.

 private:
  Result<std::string> endpoint() const;
  std::string session_name(const AwsRole& role) const;

  const Options options_;
  HttpClient& http_;
  const Clock& clock_;
};

}  // namespace imgimport
