#include "base/thread_pool.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

namespace imgimport {
namespace {

TEST_CASE("shared-out work is done once each, also when every thread of the pool shares some out", "[thread_pool]") {
  ThreadPool pool("test", 4);
  std::vector<std::atomic<int>> calls(1'000);
  pool.share_out(
      10, [&](std::size_t outer) { pool.share_out(100, [&](std::size_t inner) { ++calls[outer * 100 + inner]; }); });
  for (const auto& count : calls) REQUIRE(count == 1);
  pool.share_out(0, [](std::size_t) { FAIL("there is nothing to do"); });
}

TEST_CASE("an exception of shared-out work comes out once all the rest is done", "[thread_pool]") {
  ThreadPool pool("test", 4);
  std::vector<std::atomic<int>> calls(100);
  const auto work = [&](std::size_t index) {
    ++calls[index];
    if (index % 2 == 0) throw std::runtime_error("of no use");
  };
  CHECK_THROWS_WITH(pool.share_out(calls.size(), work), "of no use");
  for (const auto& count : calls) REQUIRE(count == 1);
}

TEST_CASE("the caller does the work alone where the pool is busy or stopped", "[thread_pool]") {
  ThreadPool pool("test", 2);
  pool.stop();
  int calls = 0;
  pool.share_out(50, [&](std::size_t) { ++calls; });
  CHECK(calls == 50);
}

}  // namespace
}  // namespace imgimport
