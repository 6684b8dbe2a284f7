// What the services and programs that hand out credentials say: JSON of programs, containers and instances, XML of STS.
// Pure. Nothing here puts a piece of an answer into an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"

namespace imgimport {

// A JSON answer; what it does not have is empty.
struct CredentialsDocument {
  AwsCredentials credentials;  // the token is "Token" or "SessionToken"
  std::optional<std::int64_t> version;
  std::string code;     // "Success", or of an error
  std::string message;  // of an error
  bool complete() const { return !credentials.access_key_id.empty() && !credentials.secret_access_key.empty(); }
};

// kUnavailable (malformed_answer): not a JSON object, or an expiration that is no time.
Result<CredentialsDocument> parse_credentials_document(std::string_view json);

// STS's answer to one of the AssumeRole calls. kUnavailable (malformed_answer): the keys or their expiration are not in
// it.
Result<AwsCredentials> parse_sts_credentials(std::string_view xml);

// What the other side said, fit for a message: one line of valid UTF-8 and at most 300 bytes, without the secrets.
std::string printable(std::string_view text, const std::vector<std::string_view>& secrets = {});

}  // namespace imgimport
