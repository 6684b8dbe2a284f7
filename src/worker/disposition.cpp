#include "worker/disposition.hpp"

#include <string>

#include "base/sentence.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {
namespace {

// What the item's row says: what is wrong, what a person can do about it, and what happens without that.
std::string remedy_of(const Error& error, ItemState state) {
  const std::string text = sentences(error.message(), error.remedy());
  switch (state) {
    case ItemState::kPending:
      return sentences(text, "It is tried again by itself");
    case ItemState::kDeferred:
      return sentences(
          text, "It is tried again by itself in some hours, while a server runs; or run the same import again then");
    default:
      return error.is_transient() ? sentences(text, "Retry the job later, or run the same import again") : text;
  }
}

// How long an item has waited at least between so many tries. Time by the clock counts what was no try at all as well:
// nights in which no server ran, and waits that the other side asked for.
std::chrono::milliseconds waited(const RetryPolicy& policy, std::int32_t backoffs) {
  std::chrono::milliseconds sum{0};
  for (std::int32_t n = 0; n < backoffs && sum < policy.retry_for; ++n) sum += backoff_delay(policy, n, 0.0, {});
  return sum;
}

std::optional<Outcome> decide(const RetryPolicy& policy, const JobId& job, const WorkItem& item, const Error& error,
                              Timestamp now, double jitter) {
  if (error.code() == ErrorCode::kCancelled) return std::nullopt;

  Outcome outcome;
  outcome.job = job;
  outcome.item = item.id;
  outcome.reason = std::string(error.reason_or_code());
  outcome.attempts = item.attempts;
  outcome.backoffs = item.backoffs;
  outcome.retrying_since = item.retrying_since;

  if (error.stops_the_job()) {
    outcome.state = ItemState::kPending;
    outcome.not_before = now;
    outcome.stops_job = JobTrouble{std::string(error.reason_or_code()), error.message(), error.remedy()};
    return outcome;
  }
  if (error.code() == ErrorCode::kQuotaExhausted) {
    outcome.state = ItemState::kDeferred;
    outcome.not_before = now + error.retry_after().value_or(policy.defer_for);
    return outcome;
  }
  if (!error.is_transient()) {
    outcome.state = ItemState::kFailed;
    return outcome;
  }
  if (error.blames_the_file()) {
    outcome.attempts += 1;
    const bool give_up = outcome.attempts >= policy.max_attempts;
    outcome.state = give_up ? ItemState::kFailed : ItemState::kPending;
    if (!give_up) outcome.not_before = now + backoff_delay(policy, item.attempts, jitter, error.retry_after());
    return outcome;
  }
  outcome.backoffs += 1;
  if (!outcome.retrying_since) outcome.retrying_since = now;
  const bool give_up =
      now - *outcome.retrying_since >= policy.retry_for && waited(policy, item.backoffs) >= policy.retry_for;
  outcome.state = give_up ? ItemState::kFailed : ItemState::kPending;
  if (!give_up) outcome.not_before = now + backoff_delay(policy, item.backoffs, jitter, error.retry_after());
  return outcome;
}

// Nothing was sent: there was no connection, to the store or to the service that gives the tickets.
bool is_unsent(const Error& error) noexcept {
  return is_without_connection(error) || error.reason() == "tls_failed" ||
         error.reason() == "certificate_not_trusted" || error.reason() == "service_away";
}

}  // namespace

std::optional<Outcome> dispose(const RetryPolicy& policy, const JobId& job, const WorkItem& item, const Error& error,
                               Timestamp now, double jitter) {
  auto outcome = decide(policy, job, item, error, now, jitter);
  if (outcome) outcome->remedy = remedy_of(error, outcome->stops_job ? ItemState::kFailed : outcome->state);
  return outcome;
}

bool may_be_stored(const Error& error_of_put) noexcept {
  switch (error_of_put.code()) {
    case ErrorCode::kUnavailable:
      return !is_unsent(error_of_put);
    case ErrorCode::kCancelled:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kInternal:
    case ErrorCode::kCorrupt:  // a store that checks nothing may have taken other bytes than were sent
      return true;
    default:
      return false;
  }
}

}  // namespace imgimport
