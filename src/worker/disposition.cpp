#include "worker/disposition.hpp"

#include <string>

namespace imgimport {
namespace {

// What the item's row says: the sentence, and what to do about it.
std::string remedy_of(const Error& error) {
  if (error.remedy().empty()) return error.message();
  return error.message() + (error.message().ends_with('.') ? " " : ". ") + error.remedy();
}

}  // namespace

std::optional<Outcome> dispose(const RetryPolicy& policy, const JobId& job, const WorkItem& item, const Error& error,
                               Timestamp now, double jitter) {
  if (error.code() == ErrorCode::kCancelled) return std::nullopt;

  Outcome outcome;
  outcome.job = job;
  outcome.item = item.id;
  outcome.reason = std::string(error.reason_or_code());
  outcome.remedy = remedy_of(error);
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
  const bool give_up = now - *outcome.retrying_since >= policy.retry_for;
  outcome.state = give_up ? ItemState::kFailed : ItemState::kPending;
  if (!give_up) outcome.not_before = now + backoff_delay(policy, item.backoffs, jitter, error.retry_after());
  return outcome;
}

}  // namespace imgimport
