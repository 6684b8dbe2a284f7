// Credentials from memory, renewed ahead of their expiry.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "imgimport/clock.hpp"
#include "storage/s3/aws_credentials.hpp"
#include "storage/s3/credentials/source.hpp"

namespace imgimport {

// Thread-safe. However many threads ask, one fetch is under way at a time. While the old credentials still work, it is
// the one caller who finds them due (five minutes ahead) that fetches, and the others go on with the old ones; so does
// that one if the fetch fails, and the next is tried a minute later. Where there are none, all wait for the one fetch
// and share its failure, for a second at most. Temporary ones that do not say when they end are due after five minutes:
// whoever holds a ticket signed with them cannot tell this store that they were refused.
class CachedAwsCredentials final : public AwsCredentialsProvider {
 public:
  CachedAwsCredentials(std::unique_ptr<AwsCredentialsSource> source, const Clock& clock);

  Result<AwsCredentials> credentials(const CallContext& context) override;
  // Where the source still gives the same ones then, credentials() fails for a minute: kUnauthenticated
  // (expired_credentials) if they are keys that somebody wrote down, kUnavailable if they come with a term and so will
  // be replaced.
  void expired(const AwsCredentials& refused) override;

 private:
  using Shared = std::shared_ptr<const AwsCredentials>;
  // How one fetch ended, for those who waited for it.
  struct Fetch {
    bool done = false;
    Shared fresh;
    std::optional<Error> error;  // neither: the caller who did it gave up
  };

  Result<Shared> take(const CallContext& context);
  Result<Shared> fetch(const CallContext& context, std::unique_lock<std::mutex>& lock);
  Result<Shared> accept(Result<SourcedCredentials> fetched);
  Result<void> wait_for(const CallContext& context, const Fetch& other, std::unique_lock<std::mutex>& lock);
  bool works(Timestamp now) const;

  const std::unique_ptr<AwsCredentialsSource> source_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_:
  Shared held_;
  Timestamp renew_at_ = Timestamp::max();  // of held_
  std::shared_ptr<Fetch> fetch_;           // null while none is under way
  std::optional<AwsCredentials> refused_;  // the last ones that the store called expired
  std::chrono::steady_clock::time_point refused_until_;
  std::optional<Error> failure_;  // of the last fetch
  std::chrono::steady_clock::time_point failure_counts_until_;
  bool announced_ = false;
};

}  // namespace imgimport
