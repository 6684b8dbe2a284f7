// A service account's access token: fetched when first needed, renewed ahead of its expiry, replaced once refused.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "drive/service_account.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {

// Thread-safe. However many threads ask, one exchange is under way at a time: while the old token still works, the
// others go on with it; when none works, they wait for the new one, and share its failure.
class AccessTokens {
 public:
  struct Options {
    ServiceAccount account;
    std::string subject;  // the user to act for; empty = the account itself
  };
  AccessTokens(Options options, HttpClient& http, const Clock& clock);

  // A token that works, to the best of our knowledge. Blocks when it has to be fetched.
  // kMisconfigured (invalid_grant, delegation_not_granted…): Google does not want this account; kUnavailable,
  // kCancelled, kDeadlineExceeded.
  Result<std::string> get(const CallContext& context);

  // Drive answered 401 to `token`: it is not given out again. One that was replaced meanwhile is no concern.
  void refuse(const std::string& token);

  const std::string& email() const noexcept { return options_.account.email; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Token {
    std::string text;
    TimePoint works_until;
    TimePoint renew_at;
  };
  // How one exchange ended, for those who waited for it.
  struct Exchange {
    bool done = false;
    std::optional<Error> error;
  };

  static std::optional<Token> parse_token(std::string_view body, TimePoint now);
  Result<Token> exchange(const CallContext& context) const;
  Error grant_error(const HttpClientResponse& response) const;
  Result<std::string> fetch(const CallContext& context, std::unique_lock<std::mutex>& lock);
  Result<std::string> wait_for_other(const CallContext& context, std::unique_lock<std::mutex>& lock);

  const Options options_;
  HttpClient& http_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Token> token_;          // guarded by mutex_
  std::shared_ptr<Exchange> exchange_;  // guarded by mutex_; null while none is under way
};

}  // namespace imgimport
