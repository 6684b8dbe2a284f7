#include "base/mpmc_queue.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace imgimport {
namespace {

TEST_CASE("a ring rounds its capacity up to a power of two, at least two", "[mpmc_queue]") {
  CHECK(MpmcQueue<int>(0).capacity() == 2);
  CHECK(MpmcQueue<int>(1).capacity() == 2);
  CHECK(MpmcQueue<int>(2).capacity() == 2);
  CHECK(MpmcQueue<int>(3).capacity() == 4);
  CHECK(MpmcQueue<int>(1000).capacity() == 1024);
}

TEST_CASE("a ring is first in first out over many laps and knows full and empty", "[mpmc_queue]") {
  MpmcQueue<int> queue(4);
  int next_in = 0;
  int next_out = 0;
  CHECK_FALSE(queue.try_pop());
  for (int lap = 0; lap < 50; ++lap) {
    while (queue.try_push(int{next_in})) ++next_in;
    CHECK(queue.size() == 4);
    for (int i = 0; i < 3; ++i) {
      const auto value = queue.try_pop();
      REQUIRE(value);
      CHECK(*value == next_out++);
    }
    CHECK(queue.size() == 1);
  }
  CHECK(queue.try_pop() == next_out);
  CHECK_FALSE(queue.try_pop());
}

TEST_CASE("a ring carries move-only values and leaves a refused one with its owner", "[mpmc_queue]") {
  MpmcQueue<std::unique_ptr<int>> queue(2);
  CHECK(queue.try_push(std::make_unique<int>(1)));
  CHECK(queue.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  CHECK_FALSE(queue.try_push(std::move(third)));
  REQUIRE(third);
  CHECK(*third == 3);
  CHECK(**queue.try_pop() == 1);
}

TEST_CASE("a ring destroys what was never taken out", "[mpmc_queue]") {
  const auto witness = std::make_shared<int>(0);
  {
    MpmcQueue<std::shared_ptr<int>> queue(8);
    for (int i = 0; i < 5; ++i) CHECK(queue.try_push(witness));
    CHECK(queue.try_pop());
    CHECK(witness.use_count() == 5);
  }
  CHECK(witness.use_count() == 1);
}

TEST_CASE("many producers and consumers get every value exactly once, each producer's in order", "[mpmc_queue]") {
  constexpr int kProducers = 4;
  constexpr int kConsumers = 4;
  constexpr int kEach = 20'000;
  struct Value {
    int producer;
    int number;
    std::string text;  // long enough for the heap: a value seen half-moved would show
  };
  MpmcQueue<Value> queue(64);
  std::vector<std::atomic<int>> seen(kProducers * kEach);
  std::atomic<int> taken{0};
  std::atomic<int> out_of_order{0};
  std::atomic<int> damaged{0};
  {
    std::vector<std::jthread> threads;
    for (int p = 0; p < kProducers; ++p) {
      threads.emplace_back([&, p] {
        for (int i = 0; i < kEach; ++i) {
          Value value{p, i, "a text that is too long for the small buffer " + std::to_string(i)};
          while (!queue.try_push(std::move(value))) std::this_thread::yield();
        }
      });
    }
    for (int c = 0; c < kConsumers; ++c) {
      threads.emplace_back([&] {
        std::vector<int> last(kProducers, -1);
        while (taken.load() < kProducers * kEach) {
          const auto value = queue.try_pop();
          if (!value) {
            std::this_thread::yield();
            continue;
          }
          ++taken;
          ++seen[static_cast<std::size_t>(value->producer * kEach + value->number)];
          if (value->number <= last[static_cast<std::size_t>(value->producer)]) ++out_of_order;
          last[static_cast<std::size_t>(value->producer)] = value->number;
          if (!value->text.ends_with(" " + std::to_string(value->number))) ++damaged;
        }
      });
    }
  }
  int wrong = 0;
  for (const auto& count : seen) wrong += count.load() == 1 ? 0 : 1;
  CHECK(wrong == 0);
  CHECK(taken == kProducers * kEach);
  CHECK(out_of_order == 0);
  CHECK(damaged == 0);
  CHECK_FALSE(queue.try_pop());
}

}  // namespace
}  // namespace imgimport
