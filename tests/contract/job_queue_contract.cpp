#include "job_queue_contract.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace imgimport::contract {
namespace {

using namespace std::chrono_literals;

BatchRef batch(std::int64_t number) {
  return {JobId("5f0c7a52-7b1e-4c52-9a35-0d9a4f6d2b11"), BatchId(number)};
}

std::vector<BatchRef> batches(std::int64_t first, std::int64_t count) {
  std::vector<BatchRef> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(batch(first + i));
  return all;
}

// Ends a test that would hang otherwise; long enough never to matter for one that works.
CallContext patient() {
  return CallContext{}.with_timeout(60s);
}
CallContext no_time() {
  return CallContext{}.with_timeout(0ms);
}

void check_order(const MakeJobQueue& make) {
  const auto queue = make(16);
  CHECK(queue->push(patient(), batches(1, 5)).value() == 5);
  CHECK(queue->push(patient(), batches(6, 3)).value() == 3);
  for (std::int64_t i = 1; i <= 8; ++i) {
    const auto lease = queue->lease(patient()).value();
    REQUIRE(lease);
    CHECK(lease->batch == batch(i));
  }
}

void check_capacity(const MakeJobQueue& make) {
  const auto queue = make(8);
  const auto capacity = static_cast<std::int64_t>(queue->stats(patient()).value().capacity);
  REQUIRE(capacity >= 8);
  CHECK(queue->push(patient(), batches(1, capacity + 5)).value() == static_cast<std::size_t>(capacity));
  CHECK(queue->push(patient(), batches(900, 1)).value() == 0);
  CHECK(queue->stats(patient()).value().waiting == static_cast<std::size_t>(capacity));
  CHECK(queue->lease(patient()).value()->batch == batch(1));
  CHECK(queue->push(patient(), batches(900, 2)).value() == 1);
  for (std::int64_t i = 2; i <= capacity; ++i) CHECK(queue->lease(patient()).value()->batch == batch(i));
  CHECK(queue->lease(patient()).value()->batch == batch(900));
  CHECK_FALSE(queue->lease(no_time()).value());
}

void check_stats_follow(const MakeJobQueue& make) {
  const auto queue = make(8);
  REQUIRE(queue->push(patient(), batches(1, 3)).value() == 3);
  const auto first = *queue->lease(patient()).value();
  const auto second = *queue->lease(patient()).value();
  auto stats = queue->stats(patient()).value();
  CHECK(stats.waiting == 1);
  CHECK(stats.leased == 2);
  CHECK(queue->renew(patient(), first).has_value());
  CHECK(queue->ack(patient(), first).has_value());
  CHECK(queue->ack(patient(), first).has_value());
  stats = queue->stats(patient()).value();
  CHECK(stats.leased == 1);
  CHECK(queue->renew(patient(), second).has_value());
  const auto renewed = queue->renew(patient(), first);
  REQUIRE_FALSE(renewed.has_value());
  CHECK(renewed.error().code() == ErrorCode::kConflict);
}

void check_exactly_once(const MakeJobQueue& make) {
  constexpr std::int64_t kProducers = 3;
  constexpr std::int64_t kEach = 2000;
  const auto queue = make(32);
  std::vector<std::atomic<int>> seen(kProducers * kEach);
  std::atomic<std::int64_t> taken{0};
  std::stop_source done;
  {
    std::vector<std::jthread> threads;
    for (int c = 0; c < 4; ++c) {
      threads.emplace_back([&] {
        CallContext context = patient();
        context.stop = done.get_token();
        for (;;) {
          const auto lease = queue->lease(context);
          if (!lease.has_value() || !lease->has_value()) return;
          ++seen[static_cast<std::size_t>((*lease)->batch.batch.value())];
          if (!queue->ack(context, **lease).has_value()) return;
          if (++taken == kProducers * kEach) done.request_stop();
        }
      });
    }
    for (std::int64_t p = 0; p < kProducers; ++p) {
      threads.emplace_back([&, p] {
        auto left = batches(p * kEach, kEach);
        std::span<const BatchRef> rest = left;
        while (!rest.empty()) {
          const auto fitted = queue->push(patient(), rest.first(std::min<std::size_t>(rest.size(), 7)));
          if (!fitted.has_value()) return;
          if (*fitted == 0) std::this_thread::yield();
          rest = rest.subspan(*fitted);
        }
      });
    }
  }
  int wrong = 0;
  for (const auto& count : seen) wrong += count.load() == 1 ? 0 : 1;
  CHECK(wrong == 0);
  CHECK(queue->stats(patient()).value().leased == 0);
  CHECK(queue->stats(patient()).value().waiting == 0);
}

void check_push_wakes_each_waiter(const MakeJobQueue& make) {
  const auto queue = make(64);
  for (std::int64_t round = 0; round < 200; ++round) {
    std::atomic<int> got{0};
    {
      std::vector<std::jthread> waiters;
      for (int i = 0; i < 3; ++i) {
        waiters.emplace_back([&] {
          const auto lease = queue->lease(patient());
          if (lease.has_value() && lease->has_value()) ++got;
        });
      }
      // From two threads, so that one push may be in the middle while the other is complete.
      std::jthread other([&] { static_cast<void>(queue->push(patient(), batches(round * 3, 1)).has_value()); });
      CHECK(queue->push(patient(), batches(round * 3 + 1, 2)).value() == 2);
    }
    REQUIRE(got == 3);
  }
}

void check_waiting_ends(const MakeJobQueue& make) {
  const auto queue = make(8);
  CHECK_FALSE(queue->lease(no_time()).value());
  CHECK_FALSE(queue->lease(CallContext{}.with_timeout(20ms)).value());

  std::stop_source stop;
  CallContext context = patient();
  context.stop = stop.get_token();
  std::optional<ErrorCode> code;
  {
    std::jthread waiter([&] {
      const auto lease = queue->lease(context);
      if (!lease.has_value()) code = lease.error().code();
    });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);

  REQUIRE(queue->push(patient(), batches(1, 1)).value() == 1);
  const auto stopped = queue->lease(context);
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code() == ErrorCode::kCancelled);
  CHECK(queue->stats(patient()).value().waiting == 1);
}

}  // namespace

void check_job_queue(const MakeJobQueue& make) {
  SECTION("batches come out in the order in which they were pushed") {
    check_order(make);
  }
  SECTION("a full queue takes what fits, says how many, and never blocks") {
    check_capacity(make);
  }
  SECTION("leases are counted until they are acknowledged, once") {
    check_stats_follow(make);
  }
  SECTION("each batch is leased exactly once, whatever the number of threads") {
    check_exactly_once(make);
  }
  SECTION("no parked lease sleeps through a push") {
    check_push_wakes_each_waiter(make);
  }
  SECTION("a deadline ends a lease with nothing, a stop ends it as cancelled") {
    check_waiting_ends(make);
  }
}

}  // namespace imgimport::contract
