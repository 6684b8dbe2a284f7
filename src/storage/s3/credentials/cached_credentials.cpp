#include "storage/s3/credentials/cached_credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kRenewAhead{5};
// Between two tries to renew what still works.
constexpr std::chrono::minutes kRenewAgain{1};
// Temporary ones without a stated end (in a file that somebody else keeps up to date) are looked up again.
constexpr std::chrono::minutes kLookAgain{5};
// Within this of their end they may expire on the way to the store.
constexpr std::chrono::seconds kTooLate{10};
constexpr std::chrono::seconds kFetchTime{30};
constexpr std::chrono::seconds kFailureShared{1};
// For so long the store's word stands; then it is asked again.
constexpr std::chrono::minutes kRefusalCounts{1};

// When to ask for the next ones. The source may give the old ones again until shortly before their end.
Timestamp renewal_of(const AwsCredentials& credentials, Timestamp now) {
  if (!credentials.expires_at) return credentials.session_token.empty() ? Timestamp::max() : now + kLookAgain;
  const milliseconds left = std::max(*credentials.expires_at - now, milliseconds::zero());
  return std::max<Timestamp>(*credentials.expires_at - kRenewAhead,
                             now + std::min<milliseconds>(kRenewAgain, left / 2));
}

bool same_keys(const AwsCredentials& a, const AwsCredentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

Error still_refused(const SourcedCredentials& fetched) {
  Error error(
      fetched.credentials.expires_at ? ErrorCode::kUnavailable : ErrorCode::kUnauthenticated,
      fmt::format("the AWS credentials of {} are refused as expired, and there are no newer ones", fetched.origin));
  return std::move(error)
      .with_reason("expired_credentials")
      .with_remedy(
          "Put new credentials in their place (with temporary ones, AWS_SESSION_TOKEN as well), and retry the "
          "job; or use a role or a profile whose credentials renew themselves.");
}

}  // namespace

CachedAwsCredentials::CachedAwsCredentials(std::unique_ptr<AwsCredentialsSource> source, const Clock& clock)
    : source_(std::move(source)), clock_(clock) {}

Result<AwsCredentials> CachedAwsCredentials::credentials(const CallContext& context) {
  // Copied outside of the lock: a session token has a kilobyte.
  IMGIMPORT_ASSIGN_OR_RETURN(const Shared shared, take(context));
  return *shared;
}

bool CachedAwsCredentials::works(Timestamp now) const {
  return held_ && (!held_->expires_at || now < *held_->expires_at - kTooLate);
}

Result<CachedAwsCredentials::Shared> CachedAwsCredentials::take(const CallContext& context) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const Timestamp now = clock_.now();
    if (works(now)) {
      if (now < renew_at_ || fetch_) return held_;
      const Shared old = held_;
      auto fresh = fetch(context, lock);
      if (fresh.has_value()) return fresh;
      // Refused by the store meanwhile: then there is nothing to go on with.
      return held_ == old ? Result<Shared>(old) : fresh;
    }
    if (!fetch_) {
      if (failure_ && clock_.steady_now() < failure_counts_until_) return *failure_;
      return fetch(context, lock);
    }
    const std::shared_ptr<Fetch> other = fetch_;
    IMGIMPORT_RETURN_IF_ERROR(wait_for(context, *other, lock));
    if (other->fresh) return other->fresh;
    if (other->error) return *other->error;
  }
}

Result<void> CachedAwsCredentials::wait_for(const CallContext& context, const Fetch& other,
                                            std::unique_lock<std::mutex>& lock) {
  const auto done = [&other] { return other.done; };
  if (context.deadline == std::chrono::steady_clock::time_point::max()) {
    changed_.wait(lock, context.stop, done);
  } else {
    changed_.wait_until(lock, context.stop, context.deadline, done);
  }
  if (other.done) return {};
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return Error(ErrorCode::kDeadlineExceeded, "waiting for AWS credentials took longer than allowed");
}

Result<CachedAwsCredentials::Shared> CachedAwsCredentials::fetch(const CallContext& context,
                                                                 std::unique_lock<std::mutex>& lock) {
  const auto own = std::make_shared<Fetch>();
  fetch_ = own;
  lock.unlock();
  auto fetched = source_->fetch(context.with_timeout(kFetchTime));
  // What ended this caller's wait is not the others' fate: the next of them tries.
  auto given_up = context.check();
  lock.lock();
  fetch_.reset();
  own->done = true;
  changed_.notify_all();
  if (!fetched.has_value() && !given_up.has_value()) return std::move(given_up).error();

  const std::string origin = fetched.has_value() ? fetched->origin : std::string();
  auto accepted = accept(std::move(fetched));
  const bool first = accepted.has_value() && !std::exchange(announced_, true);
  const bool old_ones_work = works(clock_.now());
  if (accepted.has_value()) {
    own->fresh = *accepted;
  } else {
    own->error = accepted.error();
  }
  lock.unlock();
  if (first) log_info("AWS credentials", {{"from", origin}});
  if (own->error && old_ones_work) {
    log_warning("AWS credentials could not be renewed; the old ones still work", {{"error", own->error->message()}});
  }
  lock.lock();
  return accepted;
}

// REQUIRES: mutex_ is held.
Result<CachedAwsCredentials::Shared> CachedAwsCredentials::accept(Result<SourcedCredentials> fetched) {
  const Timestamp now = clock_.now();
  std::optional<Error> error;
  if (!fetched.has_value()) {
    error = std::move(fetched).error();
    if (error->code() == ErrorCode::kDeadlineExceeded) {
      error = Error(ErrorCode::kUnavailable, "no AWS credentials could be had in time").with_reason("no_credentials");
    }
  } else if (refused_ && clock_.steady_now() < refused_until_ && same_keys(*refused_, fetched->credentials)) {
    error = still_refused(*fetched);
  }
  if (error) {
    renew_at_ = now + kRenewAgain;
    failure_ = error;
    failure_counts_until_ = clock_.steady_now() + kFailureShared;
    return *std::move(error);
  }

  failure_.reset();
  renew_at_ = renewal_of(fetched->credentials, now);
  held_ = std::make_shared<const AwsCredentials>(std::move(fetched->credentials));
  return held_;
}

void CachedAwsCredentials::expired(const AwsCredentials& refused) {
  const std::lock_guard lock(mutex_);
  if (!held_ || !same_keys(*held_, refused)) return;
  refused_ = refused;
  refused_until_ = clock_.steady_now() + kRefusalCounts;
  held_.reset();
}

}  // namespace imgimport
