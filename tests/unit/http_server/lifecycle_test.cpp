// Listening, draining, stopping, and running out of descriptors.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

using std::chrono::steady_clock;

TEST_CASE("a taken port, a foreign address and no address are told apart") {
  ThreadPool pool("test-requests", 1);
  HttpServer server({}, pool);
  const Router router;
  const auto listen = [&](const std::string& address, std::uint16_t port) {
    return server.listen({.name = "gateway", .address = address, .port = port, .router = &router});
  };
  const auto first = listen("127.0.0.1", 0);
  REQUIRE(first.has_value());
  const auto taken = listen("127.0.0.1", *first);
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().code() == ErrorCode::kMisconfigured);
  CHECK(taken.error().reason() == "port_in_use");
  CHECK(taken.error().message() == "port " + std::to_string(*first) + " (gateway) is already in use");
  CHECK(listen("192.0.2.1", 0).error().reason() == "address_not_available");
  CHECK(listen("not an address", 0).error().reason() == "address_not_available");
}

TEST_CASE("several listeners have routers of their own, on IPv6 as well") {
  ThreadPool pool("test-requests", 1);
  Router one;
  Router two;
  add_hello(one);
  two.handle(HttpMethod::kGet, "/hello", [](const CallContext&, const HttpRequest& request) {
    return text_response("two " + request.remote_address);
  });
  HttpServerOptions options;
  options.io_threads = 2;
  HttpServer server(options, pool);
  const auto first = server.listen({.name = "one", .router = &one});
  const auto second = server.listen({.name = "two", .address = "::", .router = &two});
  REQUIRE(first.has_value());
  server.start();
  CHECK(RawClient(*first).exchange(raw_get("/hello")).body == "hello");
  if (second.has_value()) CHECK(RawClient(*second).exchange(raw_get("/hello")).body == "two 127.0.0.1");
  server.stop(steady_clock::now() + kPatience);
}

TEST_CASE("connections made before start are served after it") {
  ThreadPool pool("test-requests", 1);
  Router router;
  add_hello(router);
  HttpServer server({}, pool);
  const auto port = server.listen({.name = "test", .router = &router});
  REQUIRE(port.has_value());
  RawClient client(*port);
  client.send(raw_get("/hello"));
  server.start();
  CHECK(client.receive().body == "hello");
}

void add_health(Router& router, const std::string& says) {
  router.handle(HttpMethod::kGet, "/health",
                [says](const CallContext&, const HttpRequest&) { return text_response(says); }, {.on_io_thread = true});
}

void check_refused(const RawResponse& response, const std::string& code) {
  CHECK(response.status == 503);
  CHECK(has_error_shape(response));
  CHECK(response.body.find("\"" + code + "\"") != std::string::npos);
  CHECK(response.body.find(R"("remedy":"")") == std::string::npos);
  CHECK_FALSE(response.header("Retry-After").empty());
  CHECK(response.header("Connection") == "close");
}

TEST_CASE("a server that is starting answers for its health, and serves everything once it is open") {
  ThreadPool pool("test-requests", 1);
  Router starting;
  add_health(starting, "starting");
  Router whole;
  add_health(whole, "whole");
  add_hello(whole);
  HttpServer server({}, pool);
  const auto port = server.listen({.name = "test", .router = &starting});
  REQUIRE(port.has_value());
  server.start_early();
  CHECK(RawClient(*port).exchange(raw_get("/health")).body == "starting");
  CHECK(RawClient(*port).exchange(raw_get("/health/")).body == "starting");
  check_refused(RawClient(*port).exchange(raw_get("/hello")), "starting");
  RawClient early(*port);
  server.hand_over(starting, whole);
  server.open();
  CHECK(early.exchange(raw_get("/hello")).body == "hello");
  CHECK(early.exchange(raw_get("/health")).body == "whole");
  server.stop(steady_clock::now() + kPatience);
}

TEST_CASE("drain closes idle connections, finishes what is under way, and answers new ones for health alone") {
  Handover<HttpResponder> pending;
  TestServer server({.routes = [&](Router& router) {
    add_hello(router);
    add_health(router, "draining");
    router.handle_async(
        HttpMethod::kGet, "/late",
        [&](const CallContext&, const HttpRequest&, HttpResponder responder) { pending.put(std::move(responder)); });
  }});
  RawClient idle(server.port);
  CHECK(idle.exchange(raw_get("/hello")).status == 200);
  RawClient busy(server.port);
  busy.send(raw_get("/late"));
  auto responder = pending.take();
  REQUIRE(responder);
  server.server.drain();
  CHECK(idle.wait_for_end() == RawEnd::kClosed);
  CHECK(RawClient(server.port).exchange(raw_get("/health")).body == "draining");
  check_refused(RawClient(server.port).exchange(raw_get("/hello")), "draining");
  // So that a browser's EventSource tries again.
  CHECK(RawClient(server.port).exchange(raw_get("/hello", "Accept: text/event-stream\r\n")).status == 0);
  const RawClient silent(server.port);  // does not hold up the end
  responder->send(text_response("late"));
  const auto response = busy.receive();
  CHECK(response.body == "late");
  CHECK(response.header("Connection") == "close");
  busy.close();
  server.server.stop(steady_clock::now() + kPatience);
  CHECK(server.server.open_connections() == 0);
  CHECK_THROWS(RawClient(server.port));
}

TEST_CASE("stop asks handlers to stop and lets them say so") {
  Event entered;
  TestServer server({.routes = [&](Router& router) {
    router.handle(HttpMethod::kGet, "/slow", [&](const CallContext& context, const HttpRequest&) {
      Event stopped;
      const std::stop_callback on_stop(context.stop, [&] { stopped.set(); });
      entered.set();
      return text_response(stopped.wait() ? "stopped" : "never asked", 503);
    });
  }});
  RawClient client(server.port);
  client.send(raw_get("/slow"));
  CHECK(entered.wait());
  std::thread stopping([&] { server.server.stop(steady_clock::now() + std::chrono::seconds(2)); });
  const auto response = client.receive();
  client.close();
  stopping.join();
  CHECK(response.body == "stopped");
}

TEST_CASE("stop at its deadline cuts off what does not end by itself, and is idempotent") {
  Handover<HttpPushWriter> handed;
  Event gone;
  TestServer server({.routes = [&](Router& router) {
    router.handle(HttpMethod::kGet, "/events", [&](const CallContext&, const HttpRequest&) {
      HttpResponse response;
      response.body = HttpPushBody{[&](HttpPushWriter writer) { handed.put(writer); }};
      return response;
    });
  }});
  RawClient client(server.port);
  client.send(raw_get("/events"));
  const auto writer = handed.take();
  REQUIRE(writer);
  writer->on_gone([&] { gone.set(); });
  server.server.stop(steady_clock::now());
  CHECK(gone.wait());
  CHECK_FALSE(client.receive().complete);
  server.server.stop(steady_clock::now());
  CHECK_FALSE(writer->write("late"));
}

TEST_CASE("a server that was never started can be stopped") {
  ThreadPool pool("test-requests", 1);
  HttpServer server({}, pool);
  const Router router;
  CHECK(server.listen({.name = "test", .router = &router}).has_value());
  server.stop(steady_clock::now());
}

TEST_CASE("accepting goes on after the process ran out of file descriptors") {
  TestServer server({.routes = add_hello});
  RawClient before(server.port);
  CHECK(before.exchange(raw_get("/hello")).status == 200);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  // The client's own socket takes the last descriptor, so that accept() finds none.
  const int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(probe >= 0);
  close(probe);
  rlimit tight = limit;
  tight.rlim_cur = static_cast<rlim_t>(probe) + 1;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
  std::optional<RawClient> starved;
  starved.emplace(server.port);
  starved->send(raw_get("/hello"));
  CHECK(before.exchange(raw_get("/hello")).status == 200);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(starved->receive().body == "hello");
}

}  // namespace
}  // namespace imgimport::testing
