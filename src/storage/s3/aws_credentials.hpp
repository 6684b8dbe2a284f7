// Who signs a request to S3, and where that is asked.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Secret: never logged.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;            // of temporary ones; empty = none
  std::optional<Timestamp> expires_at;  // nullopt: they stay
  friend bool operator==(const AwsCredentials&, const AwsCredentials&) = default;
};

// Threading: from any number of threads at once; asked before every request, so the usual answer comes from memory.
class AwsCredentialsProvider {
 public:
  virtual ~AwsCredentialsProvider() = default;

  // Valid ones, fetched or refreshed where needed: may block on a file or the network then.
  // kUnauthenticated or kMisconfigured: there are none, or the place that has them refuses; the message names the
  // places looked at, the remedy the settings. kUnavailable: that place cannot be reached now.
  virtual Result<AwsCredentials> credentials(const CallContext& context) = 0;

  // The store refused these as expired: the next call of credentials() fetches fresh ones. Nothing happens when other
  // ones are in use already (many threads report the same expiry).
  virtual void expired(const AwsCredentials& refused) = 0;
};

// Keys from the settings: what they are is what they stay.
class StaticAwsCredentials final : public AwsCredentialsProvider {
 public:
  explicit StaticAwsCredentials(AwsCredentials credentials) : credentials_(std::move(credentials)) {}
  Result<AwsCredentials> credentials(const CallContext&) override { return credentials_; }
  void expired(const AwsCredentials&) override {}

 private:
  const AwsCredentials credentials_;
};

}  // namespace imgimport
