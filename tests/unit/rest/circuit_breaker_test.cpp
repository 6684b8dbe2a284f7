#include "rest/circuit_breaker.hpp"

#include <catch2/catch.hpp>

using namespace imgimport;
using std::chrono::milliseconds;

TEST_CASE("a circuit breaker opens after failures in a row, and lets one call at a time through", "[rest]") {
  CircuitBreaker breaker({.failures = 3, .try_again = milliseconds(1'000), .patience = milliseconds(5'000)});
  const CircuitBreaker::Time start{};
  breaker.failed(start);
  breaker.failed(start);
  breaker.succeeded();
  breaker.failed(start);
  breaker.failed(start);
  CHECK(breaker.allows(start));
  breaker.failed(start);
  CHECK(breaker.is_open());
  CHECK_FALSE(breaker.allows(start + milliseconds(999)));
  CHECK(breaker.allows(start + milliseconds(1'000)));
  CHECK_FALSE(breaker.allows(start + milliseconds(1'001)));  // while that one is out
  breaker.failed(start + milliseconds(1'500));
  CHECK_FALSE(breaker.allows(start + milliseconds(2'499)));
  CHECK(breaker.allows(start + milliseconds(2'500)));
  breaker.succeeded();
  CHECK_FALSE(breaker.is_open());
  CHECK(breaker.allows(start + milliseconds(2'501)));
}

TEST_CASE("a trial call that is never reported does not keep a circuit breaker open", "[rest]") {
  CircuitBreaker breaker({.failures = 1, .try_again = milliseconds(1'000), .patience = milliseconds(5'000)});
  const CircuitBreaker::Time start{};
  breaker.failed(start);
  CHECK(breaker.allows(start + milliseconds(1'000)));
  CHECK_FALSE(breaker.allows(start + milliseconds(5'999)));
  CHECK(breaker.allows(start + milliseconds(6'000)));
}
