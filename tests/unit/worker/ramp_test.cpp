#include "worker/ramp.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

bool enters_now(Ramp& ramp) {
  std::stop_source stop;
  stop.request_stop();  // whoever has to wait is turned away
  return ramp.enter(stop.get_token());
}

TEST_CASE("the first few begin at once, the next when one has ended", "[ramp]") {
  Ramp ramp({.first = 3, .most = 10, .step = hours(1)});
  for (int i = 0; i < 3; ++i) REQUIRE(enters_now(ramp));
  CHECK_FALSE(enters_now(ramp));
  ramp.leave();
  CHECK(enters_now(ramp));
  CHECK_FALSE(enters_now(ramp));
}

TEST_CASE("step by step more are let in, and from the most on all are", "[ramp]") {
  Ramp ramp({.first = 1, .most = 4, .step = milliseconds(1)});
  for (int i = 0; i < 4; ++i) REQUIRE(ramp.enter({}));
  for (int i = 0; i < 100; ++i) REQUIRE(enters_now(ramp));
}

TEST_CASE("transfers that end again and again do not keep the window from growing", "[ramp]") {
  Ramp ramp({.first = 1, .most = 3, .step = milliseconds(1)});
  for (int i = 0; i < 1'000'000; ++i) {
    REQUIRE(ramp.enter({}));
    if (enters_now(ramp)) return;  // two at once: it grew although no one had to wait a whole step
    ramp.leave();
  }
  FAIL("the window did not grow");
}

TEST_CASE("after a time without work the crowd is let in slowly again", "[ramp]") {
  Ramp forgetful({.first = 1, .most = 2, .step = milliseconds(1), .forget_after = milliseconds(0)});
  Ramp remembering({.first = 1, .most = 2, .step = milliseconds(1), .forget_after = hours(1)});
  for (Ramp* ramp : {&forgetful, &remembering}) {
    for (int i = 0; i < 2; ++i) REQUIRE(ramp->enter({}));
    for (int i = 0; i < 2; ++i) ramp->leave();
    REQUIRE(enters_now(*ramp));
  }
  CHECK_FALSE(enters_now(forgetful));
  CHECK(enters_now(remembering));
}

}  // namespace
}  // namespace imgimport
