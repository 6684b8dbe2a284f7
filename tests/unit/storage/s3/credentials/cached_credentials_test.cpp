#include "storage/s3/credentials/cached_credentials.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include "fakes/manual_clock.hpp"

namespace imgimport {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ScriptedSource final : public AwsCredentialsSource {
 public:
  using Script = std::function<Result<SourcedCredentials>(int call, const CallContext&)>;
  explicit ScriptedSource(Script script, std::atomic<int>& calls) : script_(std::move(script)), calls_(calls) {}
  Result<SourcedCredentials> fetch(const CallContext& context) override { return script_(++calls_, context); }

 private:
  const Script script_;
  std::atomic<int>& calls_;
};

Error unavailable() {
  return Error(ErrorCode::kUnavailable, "not now");
}

struct Bench {
  explicit Bench(ScriptedSource::Script script)
      : cached(std::make_unique<ScriptedSource>(std::move(script), calls), clock) {}

  // Numbered by the fetch that brought them.
  static AwsCredentials numbered(int call, std::optional<Timestamp> expires_at) {
    return {"AKID" + std::to_string(call), "secret", "token", expires_at};
  }
  // Which fetch the credentials are from; the error's code, negative, where there are none.
  int number(const CallContext& context = {}) {
    const auto credentials = cached.credentials(context);
    if (!credentials.has_value()) return -static_cast<int>(credentials.error().code());
    return std::stoi(credentials->access_key_id.substr(4));
  }

  ManualClock clock;
  std::atomic<int> calls{0};
  CachedAwsCredentials cached;
};

constexpr int kUnavailable = -static_cast<int>(ErrorCode::kUnavailable);
constexpr int kUnauthenticated = -static_cast<int>(ErrorCode::kUnauthenticated);

// Good for an hour.
SourcedCredentials hourly(const Bench& bench, int call) {
  return {Bench::numbered(call, bench.clock.now() + hours(1)), "a test"};
}

TEST_CASE("credentials without an end are fetched once", "[cached_credentials]") {
  Bench bench([](int call, const CallContext&) -> Result<SourcedCredentials> {
    AwsCredentials lasting = Bench::numbered(call, std::nullopt);
    lasting.session_token.clear();
    return SourcedCredentials{std::move(lasting), "a test"};
  });
  CHECK(bench.number() == 1);
  bench.clock.advance(hours(1000));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 1);
}

TEST_CASE("temporary credentials that do not say when they end are looked up again", "[cached_credentials]") {
  Bench bench([](int call, const CallContext&) -> Result<SourcedCredentials> {
    if (call == 2) return unavailable();
    return SourcedCredentials{Bench::numbered(call, std::nullopt), "a test"};
  });
  CHECK(bench.number() == 1);
  bench.clock.advance(minutes(5) - seconds(1));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 1);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 2);
  bench.clock.advance(minutes(1));
  CHECK(bench.number() == 3);
}

TEST_CASE("temporary credentials are renewed five minutes ahead", "[cached_credentials]") {
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> { return hourly(bench, call); });
  CHECK(bench.number() == 1);
  bench.clock.advance(minutes(55) - seconds(1));
  CHECK(bench.number() == 1);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == 2);
  CHECK(bench.number() == 2);
  bench.clock.advance(hours(2));
  CHECK(bench.number() == 3);
}

TEST_CASE("one caller renews, and nobody waits for it", "[cached_credentials]") {
  std::latch renewing(1);
  std::latch go_on(1);
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    if (call == 2) {
      renewing.count_down();
      go_on.wait();
    }
    return hourly(bench, call);
  });
  CHECK(bench.number() == 1);
  bench.clock.advance(minutes(56));
  int renewed = 0;
  {
    const std::jthread renewer([&] { renewed = bench.number(); });
    renewing.wait();
    for (int i = 0; i < 10; ++i) CHECK(bench.number(CallContext().with_timeout(seconds(20))) == 1);
    go_on.count_down();
  }
  CHECK(renewed == 2);
  CHECK(bench.number() == 2);
  CHECK(bench.calls == 2);
}

TEST_CASE("a failed renewal leaves the old ones in use, and is tried again after a minute", "[cached_credentials]") {
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    if (call == 2 || call == 3) return unavailable();
    return hourly(bench, call);
  });
  CHECK(bench.number() == 1);
  bench.clock.advance(minutes(55));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 2);
  bench.clock.advance(seconds(59));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 2);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == 1);
  CHECK(bench.calls == 3);
  bench.clock.advance(minutes(1));
  CHECK(bench.number() == 4);
}

TEST_CASE("expired credentials are not given out when there are no others", "[cached_credentials]") {
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    if (call > 1) return unavailable();
    return hourly(bench, call);
  });
  CHECK(bench.number() == 1);
  bench.clock.advance(minutes(59) + seconds(49));
  CHECK(bench.number() == 1);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == kUnavailable);
}

TEST_CASE("a source that gives the same ones until late is asked once a minute", "[cached_credentials]") {
  Timestamp end{};
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    return SourcedCredentials{Bench::numbered(call, end), "a test"};
  });
  end = bench.clock.now() + minutes(4);
  CHECK(bench.number() == 1);
  bench.clock.advance(seconds(59));
  CHECK(bench.number() == 1);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == 2);
  bench.clock.advance(seconds(59));
  CHECK(bench.number() == 2);
}

TEST_CASE("many callers without credentials share one fetch", "[cached_credentials]") {
  constexpr int kThreads = 40;
  std::latch fetching(1);
  std::latch go_on(1);
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    fetching.count_down();
    go_on.wait();
    return hourly(bench, call);
  });
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { good += bench.number() == 1 ? 1 : 0; });
    fetching.wait();
    go_on.count_down();
  }
  CHECK(good == kThreads);
  CHECK(bench.calls == 1);
}

TEST_CASE("a failure is shared for a second", "[cached_credentials]") {
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    if (call < 3) return unavailable();
    return hourly(bench, call);
  });
  CHECK(bench.number() == kUnavailable);
  bench.clock.advance(std::chrono::milliseconds(999));
  CHECK(bench.number() == kUnavailable);
  CHECK(bench.calls == 1);
  bench.clock.advance(std::chrono::milliseconds(1));
  CHECK(bench.number() == kUnavailable);
  CHECK(bench.calls == 2);
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == 3);
}

TEST_CASE("a caller who gives up takes nobody else down", "[cached_credentials]") {
  std::latch fetching(1);
  std::latch go_on(1);
  std::stop_source stop;
  Bench bench([&](int call, const CallContext& context) -> Result<SourcedCredentials> {
    if (call > 1) return hourly(bench, call);
    fetching.count_down();
    go_on.wait();
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return hourly(bench, call);
  });
  int first = 0;
  int second = 0;
  {
    const std::jthread giver_up([&] {
      CallContext context;
      context.stop = stop.get_token();
      first = bench.number(context);
    });
    fetching.wait();
    const std::jthread waiter([&] { second = bench.number(); });
    stop.request_stop();
    go_on.count_down();
  }
  CHECK(first == -static_cast<int>(ErrorCode::kCancelled));
  CHECK(second == 2);
}

TEST_CASE("a caller who waits for another's fetch can give up", "[cached_credentials]") {
  std::latch fetching(1);
  std::latch go_on(1);
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> {
    fetching.count_down();
    go_on.wait();
    return hourly(bench, call);
  });
  const std::jthread fetcher([&] { static_cast<void>(bench.number()); });
  fetching.wait();
  CHECK(bench.number(CallContext().with_timeout(std::chrono::milliseconds(1))) ==
        -static_cast<int>(ErrorCode::kDeadlineExceeded));
  std::stop_source stop;
  stop.request_stop();
  CallContext cancelled;
  cancelled.stop = stop.get_token();
  CHECK(bench.number(cancelled) == -static_cast<int>(ErrorCode::kCancelled));
  go_on.count_down();
}

TEST_CASE("a source out of time is unavailable, not the caller's deadline", "[cached_credentials]") {
  Bench bench([](int, const CallContext&) -> Result<SourcedCredentials> {
    return Error(ErrorCode::kDeadlineExceeded, "took too long");
  });
  CHECK(bench.number() == kUnavailable);
}

TEST_CASE("credentials that the store refuses are fetched anew", "[cached_credentials]") {
  Bench bench([&](int call, const CallContext&) -> Result<SourcedCredentials> { return hourly(bench, call); });
  const auto first = *bench.cached.credentials({});
  bench.cached.expired(first);
  CHECK(bench.number() == 2);
  // Another thread's report of the same, late.
  bench.cached.expired(first);
  CHECK(bench.number() == 2);
  CHECK(bench.calls == 2);
}

TEST_CASE("refused credentials that the source gives again are an error", "[cached_credentials]") {
  bool temporary = false;
  Bench bench([&](int, const CallContext&) -> Result<SourcedCredentials> {
    const Timestamp end = bench.clock.now() + hours(1);
    return SourcedCredentials{Bench::numbered(1, temporary ? std::optional(end) : std::nullopt), "the test profile"};
  });
  const auto refused = *bench.cached.credentials({});
  bench.cached.expired(refused);
  const auto again = bench.cached.credentials({});
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code() == ErrorCode::kUnauthenticated);
  CHECK(again.error().reason() == "expired_credentials");
  CHECK(again.error().message().find("the test profile") != std::string::npos);
  CHECK(again.error().message().find("AKID") == std::string::npos);
  CHECK(bench.number() == kUnauthenticated);
  // Those of a role are replaced by themselves before long.
  temporary = true;
  bench.clock.advance(seconds(1));
  CHECK(bench.number() == kUnavailable);
  // The store has the last word, once a minute.
  bench.clock.advance(seconds(59));
  CHECK(bench.number() == 1);
}

}  // namespace
}  // namespace imgimport
