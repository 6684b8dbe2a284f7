#include "worker/disposition.hpp"

#include <catch2/catch.hpp>

using namespace imgimport;
using std::chrono::milliseconds;

namespace {

const JobId kJob("j");
const Timestamp kNow{milliseconds(1'000'000)};

WorkItem item_with(std::int32_t attempts, std::int32_t backoffs) {
  WorkItem item;
  item.id = ItemId(1);
  item.attempts = attempts;
  item.backoffs = backoffs;
  return item;
}

}  // namespace

TEST_CASE("the back-off doubles from its base, is spread by up to one base, and ends at its maximum") {
  const RetryPolicy policy;
  CHECK(backoff_delay(policy, 0, 0.0, {}) == milliseconds(1'000));
  CHECK(backoff_delay(policy, 3, 0.5, {}) == milliseconds(8'500));
  CHECK(backoff_delay(policy, 6, 0.9, {}) == milliseconds(64'000));
  CHECK(backoff_delay(policy, 1'000, 0.9, {}) == milliseconds(64'000));
}

TEST_CASE("a Retry-After wins over a shorter back-off, and a longer back-off over it") {
  const RetryPolicy policy;
  CHECK(backoff_delay(policy, 0, 0.0, milliseconds(90'000)) == milliseconds(90'000));
  CHECK(backoff_delay(policy, 5, 0.0, milliseconds(2'000)) == milliseconds(32'000));
}

TEST_CASE("trouble of the surroundings does not count as an attempt, until RETRY_FOR has passed") {
  RetryPolicy policy;
  policy.retry_for = milliseconds(10'000);
  const Error away(ErrorCode::kUnavailable, "Drive is away");
  auto first = dispose(policy, kJob, item_with(2, 0), away, kNow, 0.0);
  REQUIRE(first);
  CHECK(first->state == ItemState::kPending);
  CHECK(first->attempts == 2);
  CHECK(first->backoffs == 1);
  CHECK(first->retrying_since == kNow);
  CHECK(first->not_before == kNow + milliseconds(1'000));

  WorkItem old = item_with(0, 7);
  old.retrying_since = kNow - milliseconds(10'000);
  CHECK(dispose(policy, kJob, old, away, kNow, 0.0)->state == ItemState::kFailed);
}

TEST_CASE("time without tries does not count towards RETRY_FOR: a server that was off, or a long Retry-After") {
  RetryPolicy policy;
  policy.retry_for = std::chrono::hours(1);
  WorkItem item = item_with(0, 1);
  item.retrying_since = kNow - std::chrono::hours(15);
  const Error away = Error(ErrorCode::kUnavailable, "Drive is away").with_retry_after(std::chrono::hours(2));
  const auto next = dispose(policy, kJob, item, away, kNow, 0.0);
  CHECK(next->state == ItemState::kPending);
  CHECK(next->not_before == kNow + std::chrono::hours(2));

  // 1 + 2 + 4 + 8 + 16 + 32 seconds, and 64 seconds from then on.
  item.backoffs = 6 + 55;
  CHECK(dispose(policy, kJob, item, away, kNow, 0.0)->state == ItemState::kPending);
  item.backoffs += 1;
  CHECK(dispose(policy, kJob, item, away, kNow, 0.0)->state == ItemState::kFailed);
}

TEST_CASE("wrong bytes count as an attempt, and the last attempt fails the item with reason and remedy") {
  const RetryPolicy policy;
  const Error wrong = Error(ErrorCode::kCorrupt, "the bytes differ").with_reason("checksum_mismatch");
  auto again = dispose(policy, kJob, item_with(3, 0), wrong, kNow, 0.0);
  CHECK(again->state == ItemState::kPending);
  CHECK(again->attempts == 4);
  auto last = dispose(policy, kJob, item_with(4, 0), wrong, kNow, 0.0);
  CHECK(last->state == ItemState::kFailed);
  CHECK(last->reason == "checksum_mismatch");
  CHECK(last->remedy == "the bytes differ. Retry the job later, or run the same import again.");
  CHECK(again->remedy == "the bytes differ. It is tried again by itself.");
}

TEST_CASE("a quota of hours defers the item, and does not fail it") {
  const RetryPolicy policy;
  const Error quota = Error(ErrorCode::kQuotaExhausted, "too many downloads").with_reason("download_quota_exceeded");
  auto deferred = dispose(policy, kJob, item_with(0, 0), quota, kNow, 0.0);
  CHECK(deferred->state == ItemState::kDeferred);
  CHECK(deferred->not_before == kNow + policy.defer_for);
  CHECK(deferred->attempts == 0);
}

TEST_CASE("a refusal for good fails at once") {
  for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kPermissionDenied, ErrorCode::kUnsupported}) {
    CHECK(dispose({}, kJob, item_with(0, 0), Error(code, "no"), kNow, 0.0)->state == ItemState::kFailed);
  }
}

TEST_CASE("a refused key or a full disk stops the job and leaves the item pending") {
  for (const ErrorCode code : {ErrorCode::kMisconfigured, ErrorCode::kOutOfSpace, ErrorCode::kUnauthenticated}) {
    auto stopped = dispose({}, kJob, item_with(1, 2), Error(code, "mend me"), kNow, 0.0);
    CHECK(stopped->state == ItemState::kPending);
    REQUIRE(stopped->stops_job);
    CHECK(stopped->stops_job->message == "mend me");
    CHECK(stopped->attempts == 1);
  }
}

TEST_CASE("work that was cancelled leaves no outcome") {
  CHECK_FALSE(dispose({}, kJob, item_with(0, 0), Error(ErrorCode::kCancelled, "stop"), kNow, 0.0));
}
