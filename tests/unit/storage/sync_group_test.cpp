#include "storage/local/sync_group.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>
#include <vector>

namespace imgimport {
namespace {

TEST_CASE("callers who come while a run is under way share the next one", "[sync_group]") {
  std::latch begun(1);
  std::latch go_on(1);
  std::atomic<int> runs{0};
  SyncGroup group([&]() -> Result<void> {
    if (++runs == 1) {
      begun.count_down();
      go_on.wait();
    }
    return {};
  });
  std::atomic<int> failures{0};
  std::atomic<int> arriving{0};
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { failures += group.sync({}).has_value() ? 0 : 1; });
    begun.wait();
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        ++arriving;
        failures += group.sync({}).has_value() ? 0 : 1;
      });
    }
    while (arriving < 6) std::this_thread::yield();
    go_on.count_down();
  }
  CHECK(failures == 0);
  // One more serves those that had begun to wait; a thread that came later has had its own.
  CHECK(runs >= 2);
  CHECK(runs <= 7);
}

TEST_CASE("each sync in turn runs, for something may have been written between", "[sync_group]") {
  int runs = 0;
  SyncGroup group([&]() -> Result<void> {
    ++runs;
    return {};
  });
  for (int i = 1; i <= 3; ++i) {
    CHECK(group.sync({}).has_value());
    CHECK(runs == i);
  }
}

TEST_CASE("a run that began before the call does not count", "[sync_group]") {
  std::latch begun(1);
  std::latch go_on(1);
  std::atomic<int> runs{0};
  SyncGroup group([&]() -> Result<void> {
    if (++runs == 1) {
      begun.count_down();
      go_on.wait();
    }
    return {};
  });
  std::jthread first([&] { static_cast<void>(group.sync({}).has_value()); });
  begun.wait();
  std::jthread release([&] { go_on.count_down(); });
  CHECK(group.sync({}).has_value());
  CHECK(runs == 2);
}

TEST_CASE("a failure reaches its caller and is over with the next run", "[sync_group]") {
  bool broken = true;
  SyncGroup group([&]() -> Result<void> {
    if (broken) return Error(ErrorCode::kUnavailable, "no disk");
    return {};
  });
  const auto failed = group.sync({});
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code() == ErrorCode::kUnavailable);
  broken = false;
  CHECK(group.sync({}).has_value());
}

TEST_CASE("a stop ends the wait for another's run", "[sync_group]") {
  std::latch begun(1);
  std::latch go_on(1);
  SyncGroup group([&]() -> Result<void> {
    begun.count_down();
    go_on.wait();
    return {};
  });
  std::jthread first([&] { static_cast<void>(group.sync({}).has_value()); });
  begun.wait();
  std::stop_source stop;
  stop.request_stop();
  const auto cancelled = group.sync({.stop = stop.get_token()});
  const auto late = group.sync(CallContext{}.with_timeout(std::chrono::milliseconds(1)));
  go_on.count_down();
  REQUIRE_FALSE(cancelled.has_value());
  CHECK(cancelled.error().code() == ErrorCode::kCancelled);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace imgimport
