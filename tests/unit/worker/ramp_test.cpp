#include "worker/ramp.hpp"

#include <catch2/catch.hpp>

#include "fakes/manual_clock.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

bool enters_now(Ramp& ramp) {
  std::stop_source stop;
  stop.request_stop();  // whoever has to wait is turned away
  return ramp.enter(stop.get_token());
}

TEST_CASE("the first few begin at once, the next when one has ended", "[ramp]") {
  const ManualClock clock;
  Ramp ramp({.first = 3, .most = 10}, clock);
  for (int i = 0; i < 3; ++i) REQUIRE(enters_now(ramp));
  CHECK_FALSE(enters_now(ramp));
  ramp.leave();
  CHECK(enters_now(ramp));
  CHECK_FALSE(enters_now(ramp));
}

TEST_CASE("one more is let in with each step of time, and from the most on all are", "[ramp]") {
  ManualClock clock;
  Ramp ramp({.first = 1, .most = 4, .step = milliseconds(5)}, clock);
  REQUIRE(enters_now(ramp));
  for (int i = 0; i < 3; ++i) {
    clock.advance(milliseconds(4));
    REQUIRE_FALSE(enters_now(ramp));
    clock.advance(milliseconds(1));
    REQUIRE(enters_now(ramp));
  }
  for (int i = 0; i < 100; ++i) REQUIRE(enters_now(ramp));
}

TEST_CASE("transfers that end at a brisk pace do not keep the window from growing", "[ramp]") {
  ManualClock clock;
  Ramp ramp({.first = 1, .most = 3, .step = milliseconds(5)}, clock);
  for (int i = 0; i < 6; ++i) {
    clock.advance(milliseconds(1));
    REQUIRE(enters_now(ramp));
    ramp.leave();
  }
  REQUIRE(enters_now(ramp));
  CHECK(enters_now(ramp));
}

TEST_CASE("after a time without work the crowd is let in slowly again", "[ramp]") {
  ManualClock clock;
  Ramp ramp({.first = 1, .most = 3, .step = milliseconds(5), .forget_after = milliseconds(1'000)}, clock);
  REQUIRE(enters_now(ramp));
  clock.advance(milliseconds(5));
  REQUIRE(enters_now(ramp));
  for (int i = 0; i < 2; ++i) ramp.leave();
  SECTION("a short one is none") {
    clock.advance(milliseconds(999));
    REQUIRE(enters_now(ramp));
    CHECK(enters_now(ramp));
  }
  SECTION("a long one is") {
    clock.advance(milliseconds(1'000));
    REQUIRE(enters_now(ramp));
    CHECK_FALSE(enters_now(ramp));
  }
}

}  // namespace
}  // namespace imgimport
