#include "base/rate_budget.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace imgimport {
namespace {

using namespace std::chrono_literals;

// A clock whose hand the test turns.
struct Time {
  TokenBucket::TimePoint now{1000s};
  void pass(TokenBucket::Duration time) { now += time; }
};

double as_seconds(TokenBucket::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

TEST_CASE("a bucket begins full with a second's worth, then gives units at its rate", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);  // 100 a second
  CHECK(bucket.take(time.now, 60) == 0s);
  CHECK(bucket.take(time.now, 40) == 0s);
  CHECK(as_seconds(bucket.take(time.now, 50)) == Approx(0.5));
  time.pass(400ms);
  CHECK(as_seconds(bucket.take(time.now, 50)) == Approx(0.1));
  time.pass(100ms);
  CHECK(bucket.take(time.now, 50) == 0s);
  CHECK(as_seconds(bucket.take(time.now, 1)) == Approx(0.01));
}

TEST_CASE("idle time saves up no more than a second's worth", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  CHECK(bucket.take(time.now, 100) == 0s);
  time.pass(1h);
  CHECK(bucket.take(time.now, 100) == 0s);
  CHECK(bucket.take(time.now, 1) > 0s);
}

TEST_CASE("more than a burst is given at once and paid off afterwards", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  CHECK(bucket.take(time.now, 500) == 0s);
  CHECK(as_seconds(bucket.take(time.now, 10)) == Approx(4.1));
  time.pass(4100ms);
  CHECK(bucket.take(time.now, 10) == 0s);
  CHECK(as_seconds(bucket.take(time.now, 500)) == Approx(1));
}

TEST_CASE("over a long time a bucket gives what its rate says", "[rate_budget]") {
  Time time;
  TokenBucket bucket(325'000);
  std::int64_t taken = 0;
  const auto end = time.now + 60s;
  for (;;) {
    const auto pause = bucket.take(time.now, 20'000);
    if (pause == 0s) taken += 20'000;
    if (time.now + pause > end) break;
    time.pass(pause);
  }
  CHECK(taken >= 300'000);
  CHECK(taken <= 325'000 + 325'000 / 60 + 20'000);
}

TEST_CASE("units given back can be taken again, up to a full bucket", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  CHECK(bucket.take(time.now, 100) == 0s);
  bucket.refund(time.now, 30);
  CHECK(bucket.take(time.now, 30) == 0s);
  bucket.refund(time.now, 100'000);
  CHECK(bucket.take(time.now, 100) == 0s);
  CHECK(bucket.take(time.now, 1) > 0s);
}

TEST_CASE("a complaint lowers the rate once a second at most, and never to nothing", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  bucket.slow_down(time.now);
  bucket.slow_down(time.now);
  time.pass(999ms);
  bucket.slow_down(time.now);
  CHECK(bucket.factor(time.now) == Approx(0.7));
  time.pass(1ms);
  bucket.slow_down(time.now);
  CHECK(bucket.factor(time.now) == Approx(0.49));
  CHECK(as_seconds(bucket.take(time.now, 49)) == Approx(1));
  for (int i = 0; i < 50; ++i) {
    time.pass(1s);
    bucket.slow_down(time.now);
  }
  CHECK(bucket.factor(time.now) == Approx(0.05));
}

TEST_CASE("the rate comes back by a twentieth every five seconds", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  bucket.slow_down(time.now);
  time.pass(4999ms);
  CHECK(bucket.factor(time.now) == Approx(0.7));
  time.pass(1ms);
  CHECK(bucket.factor(time.now) == Approx(0.75));
  time.pass(10s);
  CHECK(bucket.factor(time.now) == Approx(0.85));
  time.pass(1h);
  CHECK(bucket.factor(time.now) == Approx(1));
}

TEST_CASE("units gathered across a step of the recovery come at both rates", "[rate_budget]") {
  Time time;
  TokenBucket bucket(6000);
  bucket.slow_down(time.now);
  CHECK(bucket.take(time.now, 600) > 0s);
  time.pass(1500ms);
  CHECK(bucket.take(time.now, 600) == 0s);  // full: 500 remain to be paid off
  time.pass(5500ms);                        // 3.5 s at 70 a second, 2 s at 75
  CHECK(as_seconds(bucket.take(time.now, 1)) == Approx((500 - 245 - 150 + 1) / 75.0).epsilon(0.01));
}

TEST_CASE("an unlimited budget never waits", "[rate_budget]") {
  TokenBucketBudget budget(0);
  budget.slow_down();
  for (int i = 0; i < 1000; ++i) CHECK(budget.acquire({}, 1'000'000'000).has_value());
  budget.refund(5);
}

TEST_CASE("a stop and a deadline end the wait for units, and nothing is spent", "[rate_budget]") {
  TokenBucketBudget budget(60);  // one a second
  REQUIRE(budget.acquire({}, 60 * 60 * 24).has_value());
  const auto late = budget.acquire(CallContext{}.with_timeout(20ms), 1);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);

  std::stop_source stop;
  std::atomic<int> cancelled{0};
  {
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.emplace_back([&] {
        const auto result = budget.acquire(CallContext{.stop = stop.get_token()}, 1);
        if (!result.has_value() && result.error().code() == ErrorCode::kCancelled) ++cancelled;
      });
    }
    stop.request_stop();
  }
  CHECK(cancelled == 3);
  budget.refund(60 * 60 * 24);
  CHECK(budget.acquire(CallContext{}.with_timeout(60s), 1).has_value());
}

TEST_CASE("a refund wakes the first who waits, and each who is served wakes the next", "[rate_budget]") {
  TokenBucketBudget budget(60'000);
  REQUIRE(budget.acquire({}, 60'000 * 60).has_value());
  std::atomic<int> served{0};
  {
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 8; ++i) {
      waiters.emplace_back([&] { served += budget.acquire(CallContext{}.with_timeout(60s), 10).has_value() ? 1 : 0; });
    }
    budget.refund(60'000 * 60);
  }
  CHECK(served == 8);
}

TEST_CASE("when the first who waits gives up, the next takes its place", "[rate_budget]") {
  TokenBucketBudget budget(6000);  // 100 a second
  REQUIRE(budget.acquire({}, 100).has_value());
  bool served = false;
  {
    std::jthread patient([&] { served = budget.acquire(CallContext{}.with_timeout(60s), 1).has_value(); });
    CHECK_FALSE(budget.acquire(CallContext{}.with_timeout(1ms), 100).has_value());
  }
  CHECK(served);
}

}  // namespace
}  // namespace imgimport
