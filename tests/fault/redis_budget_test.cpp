// The Drive budget that several processes share over Redis: never more than the rate, whoever asks, whatever happens.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "queue/redis_budget.hpp"
#include "support/redis_server.hpp"

using namespace imgimport;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

const CallContext kNow;
const std::string kBucket = "imgimport:{budget}:drive";
constexpr std::int64_t kPerMinute = 120'000;
constexpr double kPerSecond = 2'000;

CallContext patient() {
  return CallContext{}.with_timeout(std::chrono::seconds(60));
}

struct Process {
  RedisClient client;
  RedisBudget budget;

  Process(const RedisServer& server, const std::string& name, std::int64_t per_minute = kPerMinute)
      : client(quick(server)), budget(options(name, per_minute), client) {}

 private:
  static RedisOptions quick(const RedisServer& server) {
    RedisOptions options = server.options();
    options.command_timeout = options.connect_timeout = milliseconds(200);
    return options;
  }
  static RedisBudgetOptions options(const std::string& name, std::int64_t per_minute) {
    RedisBudgetOptions options;
    options.member = name;
    options.units_per_minute = per_minute;
    return options;
  }
};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

// What each process gets within the time, `threads` of it asking again and again.
std::vector<std::int64_t> spend(const std::vector<std::unique_ptr<Process>>& processes, milliseconds time,
                                int threads = 1) {
  std::vector<std::atomic<std::int64_t>> spent(processes.size());
  {
    const CallContext context = CallContext{}.with_timeout(time);
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < processes.size() * static_cast<std::size_t>(threads); ++i) {
      workers.emplace_back([&, process = i % processes.size()] {
        while (processes[process]->budget.acquire(context, 20).has_value()) spent[process] += 20;
      });
    }
  }
  return {spent.begin(), spent.end()};
}

std::int64_t sum(const std::vector<std::int64_t>& numbers) {
  std::int64_t all = 0;
  for (const std::int64_t number : numbers) all += number;
  return all;
}

std::vector<std::unique_ptr<Process>> processes(const RedisServer& server, int count) {
  std::vector<std::unique_ptr<Process>> made;
  for (int i = 0; i < count; ++i) made.push_back(std::make_unique<Process>(server, "p" + std::to_string(i)));
  return made;
}

}  // namespace

TEST_CASE("ten processes together never exceed the rate, and share it", "[redis]") {
  const RedisServer server;
  const auto ten = processes(server, 10);
  const auto begin = steady_clock::now();
  const auto spent = spend(ten, milliseconds(1'500), 3);
  const double allowed = kPerSecond * seconds_since(begin);
  INFO(sum(spent) << " of " << allowed);
  CHECK(static_cast<double>(sum(spent)) <= allowed);
  CHECK(sum(spent) > 0);
  for (const std::int64_t one : spent) CHECK(one > 0);
}

TEST_CASE("idle time saves up a second's worth at most, for all together", "[redis]") {
  const RedisServer server;
  const auto three = processes(server, 3);
  RedisClient client(server.options());
  for (const auto& one : three) REQUIRE(one->budget.acquire(patient(), 1).has_value());
  // As if that had been a day ago.
  REQUIRE(client.eval(kNow, {"redis.call('HINCRBYFLOAT', KEYS[1], 'last', -86400000000)"}, {kBucket}, {}).has_value());
  const auto begin = steady_clock::now();
  const auto spent = spend(three, milliseconds(500));
  CHECK(static_cast<double>(sum(spent)) <= kPerSecond * seconds_since(begin) + kPerSecond);
  CHECK(static_cast<double>(sum(spent)) >= kPerSecond / 2);
}

TEST_CASE("while Redis is away, each process has its share and all together not more than the rate", "[redis]") {
  RedisServer server;
  auto four = processes(server, 4);
  for (const auto& one : four) REQUIRE(one->budget.acquire(patient(), 1).has_value());
  for (const auto& one : four) REQUIRE(one->budget.acquire(patient(), 1).has_value());  // each has seen the others
  server.kill();
  const auto begin = steady_clock::now();
  const auto spent = spend(four, milliseconds(1'500));
  CHECK(static_cast<double>(sum(spent)) <= kPerSecond * seconds_since(begin) + 4 * kPerSecond / 4);
  for (const std::int64_t one : spent) CHECK(one > 0);

  // Back again: one budget for all.
  server.restart();
  const CallContext context = patient();
  while (!four.front()->client.run(context, {"PING"}).has_value()) REQUIRE(context.check().has_value());
  REQUIRE(four.front()->budget.acquire(context, 1).has_value());
  RedisClient client(server.options());
  CHECK(client.run(kNow, {"EXISTS", kBucket}).value().integer == 1);
}

TEST_CASE("a process that is alone, or never saw Redis, does not take the whole rate either", "[redis]") {
  RedisServer server;
  std::vector<std::unique_ptr<Process>> one = processes(server, 1);
  const bool seen = GENERATE(true, false);
  if (seen) REQUIRE(one.front()->budget.acquire(patient(), 1).has_value());
  server.kill();
  const double share = kPerSecond * (seen ? 0.5 : 0.1);
  const auto begin = steady_clock::now();
  const auto spent = spend(one, milliseconds(800));
  CHECK(static_cast<double>(sum(spent)) <= share * seconds_since(begin) + 20);
  CHECK(sum(spent) > 0);
}

TEST_CASE("a complaint lowers the rate for all, once a second whoever complains", "[redis]") {
  const RedisServer server;
  const auto three = processes(server, 3);
  RedisClient client(server.options());
  for (const auto& one : three) REQUIRE(one->budget.acquire(patient(), 1).has_value());
  for (int round = 0; round < 3; ++round) {
    for (const auto& one : three) one->budget.slow_down();
  }
  const auto factor = [&] { return std::stod(client.run(kNow, {"HGET", kBucket, "factor"}).value().text); };
  CHECK(factor() == Approx(0.7));
  // Half a minute later it has recovered; a minute is not needed.
  REQUIRE(client
              .eval(kNow,
                    {"for _, f in ipairs({'last', 'recover', 'slowed'}) do redis.call('HINCRBYFLOAT', KEYS[1], f, "
                     "-30000000) end"},
                    {kBucket}, {})
              .has_value());
  REQUIRE(three.front()->budget.acquire(patient(), 1).has_value());
  CHECK(factor() == Approx(1));
  // And it never stands still.
  for (int round = 0; round < 20; ++round) {
    Process another(server, "another" + std::to_string(round));
    another.budget.slow_down();
    REQUIRE(client.run(kNow, {"HSET", kBucket, "slowed", "0"}).has_value());
  }
  CHECK(factor() == Approx(0.05));
}

TEST_CASE("units given back serve the next caller, and a large demand is served in pieces", "[redis]") {
  const RedisServer server;
  Process slow(server, "slow", 60);  // one unit a second
  slow.budget.refund(50);
  CHECK(slow.budget.acquire(patient(), 30).has_value());
  CHECK(slow.budget.acquire(patient(), 20).has_value());
  const auto none = slow.budget.acquire(CallContext{}.with_timeout(milliseconds(20)), 30);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code() == ErrorCode::kDeadlineExceeded);

  const RedisServer other;
  Process process(other, "p");
  const auto begin = steady_clock::now();
  CHECK(process.budget.acquire(patient(), 3'000).has_value());  // more than the bucket ever holds
  CHECK(3'000 <= kPerSecond * seconds_since(begin));
}

TEST_CASE("a caller that waits can be stopped, and those behind it go on", "[redis]") {
  const RedisServer server;
  Process process(server, "p");
  std::stop_source stop;
  CallContext context = patient();
  context.stop = stop.get_token();
  std::optional<ErrorCode> code;
  std::atomic<bool> served{false};
  {
    std::jthread first([&] {
      const auto taken = process.budget.acquire(context, 10'000'000);
      if (!taken.has_value()) code = taken.error().code();
    });
    std::jthread second([&] { served = process.budget.acquire(patient(), 10).has_value(); });
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);
  CHECK(served);
}
