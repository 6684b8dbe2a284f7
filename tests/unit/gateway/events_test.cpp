#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

std::string events_of(const JobId& job) {
  return "/api/import/" + job.value() + "/events";
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// The data of the last event of that name.
boost::json::object data_of_last(const std::string& text, const std::string& name) {
  const std::size_t begin = text.rfind("event: " + name + "\ndata: ") + name.size() + 14;
  return boost::json::parse(text.substr(begin, text.find("\n\n", begin) - begin)).as_object();
}

TEST_CASE("an event stream begins with the whole status, follows it, and ends with done", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  const Answer answer = fixture.get(events_of(job));
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "text/event-stream");
  CHECK(answer.header("X-Accel-Buffering") == "no");
  CHECK(answer.header("Cache-Control") == "no-store");
  REQUIRE(answer.events);
  CHECK(answer.events->wait_for("event: progress\ndata: {"));
  fixture.list(2);
  CHECK(answer.events->wait_for("\"total\":2"));
  fixture.finish_listing();
  CHECK(answer.events->wait_for("\"status\":\"processing\""));
  fixture.import_all();
  CHECK(answer.events->wait_for("event: done\n"));
  CHECK(answer.events->wait_for_end());
  const auto done = data_of_last(answer.events->text(), "done");
  CHECK(done.at("status").as_string() == "completed");
  CHECK(done.at("processed").as_int64() == 2);
  CHECK_FALSE(done.contains("imported"));
  CHECK(count(answer.events->text(), "event: done") == 1);
}

TEST_CASE("the events of an ended job are its status and done", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(1);
  const std::size_t before = fixture.imports.progress_calls();
  const Answer answer = fixture.get(events_of(job));
  CHECK(answer.events->wait_for_end());
  CHECK(count(answer.events->text(), "event: progress") == 1);
  CHECK(count(answer.events->text(), "event: done") == 1);
  CHECK(fixture.imports.progress_calls() == before + 1);
}

TEST_CASE("a client that comes back after done is told not to, until the job goes on", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(1);
  CHECK(fixture.get(events_of(job)).events->wait_for("id: done\nevent: done\n"));
  const auto come_back = [&](const JobId& to, const std::string& last_id) {
    return fixture.ask({.target = events_of(to), .headers = {{"Last-Event-ID", last_id}}});
  };
  const Answer told = come_back(job, "done");
  CHECK(told.status == 204);
  CHECK_FALSE(told.events);
  CHECK(come_back(job, "progress").status == 200);
  CHECK(come_back(fixture.submit(), "done").status == 200);
}

TEST_CASE("a cancelled or failed job ends its event streams", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  const Answer answer = fixture.get(events_of(job));
  const bool cancelled = GENERATE(true, false);
  if (cancelled) {
    REQUIRE(fixture.metadata.cancel_job({}, job).has_value());
  } else {
    REQUIRE(fixture.metadata.fail_job({}, fixture.imports.lease(), {"r", "It broke", "Mend it."}).has_value());
  }
  CHECK(answer.events->wait_for_end());
  CHECK(data_of_last(answer.events->text(), "done").at("status").as_string() == (cancelled ? "cancelled" : "failed"));
}

TEST_CASE("a quiet event stream says nothing but that it lives", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.get(events_of(fixture.submit()));
  const std::size_t polls = fixture.imports.progress_calls();
  REQUIRE(eventually([&] { return fixture.imports.progress_calls() >= polls + 5; }));
  CHECK(count(answer.events->text(), ": still here") == 0);
  fixture.clock.advance(std::chrono::seconds(15));
  CHECK(answer.events->wait_for(": still here\n\n"));
  CHECK(count(answer.events->text(), "event: progress") == 1);
}

TEST_CASE("an event stream outlives a database that is away for a while", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.get(events_of(fixture.submit()));
  fixture.imports.fail_progress(Error(ErrorCode::kUnavailable, "The database is away"));
  const std::size_t polls = fixture.imports.progress_calls();
  REQUIRE(eventually([&] { return fixture.imports.progress_calls() >= polls + 3; }));
  fixture.imports.fail_progress(std::nullopt);
  fixture.list(4);
  CHECK(answer.events->wait_for("\"total\":4"));
}

TEST_CASE("an event stream is not polled for once its client has gone", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.get(events_of(fixture.submit()));
  answer.events->leave();
  REQUIRE(eventually(
      [&] { return fixture.metrics.render().find("imgimport_api_waiting_clients 0") != std::string::npos; }));
  CHECK(count(answer.events->text(), "event:") == 1);
}

TEST_CASE("a client that is behind gets no further events until it has caught up", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.get(events_of(fixture.submit()));
  answer.events->set_queued(100'000);
  fixture.list(1);
  const std::size_t polls = fixture.imports.progress_calls();
  REQUIRE(eventually([&] { return fixture.imports.progress_calls() >= polls + 3; }));
  CHECK(count(answer.events->text(), "event:") == 1);
  answer.events->set_queued(0);
  CHECK(answer.events->wait_for("\"total\":1"));
}

TEST_CASE("subscribers of one job share its polls, and those of another do not disturb them", "[gateway]") {
  GatewayFixture fixture;
  const JobId first = fixture.submit();
  const Answer a = fixture.get(events_of(first));
  const Answer b = fixture.get(events_of(first));
  const JobId second = fixture.imported_job(1);
  const Answer c = fixture.get(events_of(second));
  CHECK(c.events->wait_for_end());
  REQUIRE(fixture.metadata.cancel_job({}, first).has_value());
  CHECK(a.events->wait_for_end());
  CHECK(b.events->wait_for_end());
}

TEST_CASE("a draining gateway ends event streams without done, so that clients come back", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.get(events_of(fixture.submit()));
  fixture.gateway.drain();
  CHECK(answer.events->wait_for_end());
  CHECK(count(answer.events->text(), "event: done") == 0);
}

TEST_CASE("HEAD of an event stream has its headers and no stream", "[gateway]") {
  GatewayFixture fixture;
  const Answer answer = fixture.ask({.method = HttpMethod::kHead, .target = events_of(fixture.submit())});
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "text/event-stream");
  CHECK_FALSE(answer.events);
}

}  // namespace
}  // namespace imgimport::gateway_test
