#include "worker/job_watch.hpp"

#include <catch2/catch.hpp>

#include "fakes/manual_clock.hpp"
#include "fakes/memory_metadata_store.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

struct Bench {
  Bench() {
    NewJob job;
    job.id = id;
    REQUIRE(jobs.create_job({}, job, "me", std::chrono::seconds(30)).has_value());
  }
  bool goes_on() { return watch.goes_on({}, id); }

  ManualClock clock;
  MemoryMetadataStore jobs{clock};
  const JobId id{"11111111-1111-4111-8111-111111111111"};
  JobWatch watch{jobs, clock};
};

TEST_CASE("a job's end is seen within half a second, and at once where there was a sign of it", "[job_watch]") {
  Bench bench;
  CHECK(bench.goes_on());
  REQUIRE(bench.jobs.cancel_job({}, bench.id).has_value());
  CHECK(bench.goes_on());
  SECTION("in time") {
    bench.clock.advance(milliseconds(499));
    CHECK(bench.goes_on());
    bench.clock.advance(milliseconds(1));
  }
  SECTION("by a sign") {
    bench.watch.doubt(bench.id);
  }
  CHECK_FALSE(bench.goes_on());
  CHECK_FALSE(bench.goes_on());
}

TEST_CASE("while the journal is away, its last word stands", "[job_watch]") {
  Bench bench;
  const auto after_losing_the_journal = [&] {
    std::stop_source stop;
    stop.request_stop();
    CallContext away;
    away.stop = stop.get_token();
    bench.watch.doubt(bench.id);
    return bench.watch.goes_on(away, bench.id);
  };
  CHECK(bench.goes_on());
  CHECK(after_losing_the_journal());
  REQUIRE(bench.jobs.cancel_job({}, bench.id).has_value());
  bench.watch.doubt(bench.id);
  CHECK_FALSE(bench.goes_on());
  CHECK_FALSE(after_losing_the_journal());
}

}  // namespace
}  // namespace imgimport
