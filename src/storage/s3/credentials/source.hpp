// One place that credentials come from.
#pragma once

#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"

namespace imgimport {

struct SourcedCredentials {
  AwsCredentials credentials;
  std::string origin;  // for messages and logs: "the profile \"backup\""; holds no secret
};

class AwsCredentialsSource {
 public:
  virtual ~AwsCredentialsSource() = default;
  // Fetches them anew. Blocks on files, programs and the network; called by any thread, one at a time.
  // Errors as of AwsCredentialsProvider::credentials.
  virtual Result<SourcedCredentials> fetch(const CallContext& context) = 0;
};

}  // namespace imgimport
