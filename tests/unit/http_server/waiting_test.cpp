// Handlers that take their time, and clients that do.
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

using std::chrono::milliseconds;

TEST_CASE("pipelined requests are answered in order when the first is answered late and from elsewhere") {
  Handover<HttpResponder> pending;
  TestServer server({.routes = [&](Router& router) {
    add_hello(router);
    router.handle_async(
        HttpMethod::kGet, "/late",
        [&](const CallContext&, const HttpRequest&, HttpResponder responder) { pending.put(std::move(responder)); });
  }});
  RawClient client(server.port);
  client.send(raw_get("/late") + raw_get("/hello") + raw_get("/late") + raw_get("/hello"));
  for (int i = 0; i < 2; ++i) {
    auto responder = pending.take();
    REQUIRE(responder);
    std::thread elsewhere([&] { responder->send(text_response("late")); });
    elsewhere.join();
    CHECK(client.receive().body == "late");
    CHECK(client.receive().body == "hello");
  }
}

TEST_CASE("a route on the io thread answers while slow handlers hold the whole pool") {
  Event entered;
  Event go_on;
  TestServer server({.routes =
                         [&](Router& router) {
                           add_hello(router);
                           router.handle(HttpMethod::kGet, "/slow", [&](const CallContext&, const HttpRequest&) {
                             entered.set();
                             go_on.wait();
                             return text_response("slow");
                           });
                         },
                     .pool_threads = 2});
  RawClient first(server.port);
  RawClient second(server.port);
  first.send(raw_get("/slow"));
  second.send(raw_get("/slow"));
  CHECK(entered.wait());
  RawClient third(server.port);
  CHECK(third.exchange(raw_get("/hello")).body == "hello");
  go_on.set();
  CHECK(first.receive().body == "slow");
  CHECK(second.receive().body == "slow");
}

TEST_CASE("a pending reply holds no thread of the pool") {
  std::mutex mutex;
  std::vector<HttpResponder> pending;
  Event all_there;
  TestServer server({.routes =
                         [&](Router& router) {
                           router.handle(HttpMethod::kGet, "/pooled", [](const CallContext&, const HttpRequest&) {
                             return text_response("pooled");
                           });
                           router.handle_async(HttpMethod::kGet, "/wait",
                                               [&](const CallContext&, const HttpRequest&, HttpResponder responder) {
                                                 const std::lock_guard lock(mutex);
                                                 pending.push_back(std::move(responder));
                                                 if (pending.size() == 3) all_there.set();
                                               });
                         },
                     .pool_threads = 1});
  RawClient a(server.port);
  RawClient b(server.port);
  RawClient c(server.port);
  for (RawClient* client : {&a, &b, &c}) client->send(raw_get("/wait"));
  CHECK(all_there.wait());
  RawClient other(server.port);
  CHECK(other.exchange(raw_get("/pooled")).body == "pooled");
  for (auto& responder : pending) responder.send(text_response("done"));
  for (RawClient* client : {&a, &b, &c}) CHECK(client->receive().body == "done");
}

TEST_CASE("a client that goes away asks its handler to stop, pipelined requests or not") {
  const std::string more = GENERATE(as<std::string>{}, "", raw_get("/hello"));
  Event entered;
  Event stopped;
  TestServer server({.routes = [&](Router& router) {
    add_hello(router);
    router.handle(HttpMethod::kGet, "/slow", [&](const CallContext& context, const HttpRequest&) {
      const std::stop_callback on_stop(context.stop, [&] { stopped.set(); });
      entered.set();
      stopped.wait();
      return text_response("too late");
    });
  }});
  {
    RawClient client(server.port);
    client.send(raw_get("/slow") + more);
    CHECK(entered.wait());
    CHECK_FALSE(stopped.is_set());
  }
  CHECK(stopped.wait());
}

TEST_CASE("a client that half-closes still gets an answer that was ready") {
  TestServer server({.routes = add_hello});
  RawClient client(server.port);
  client.send(raw_get("/hello"));
  client.shutdown_send();
  CHECK(client.receive().body == "hello");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a client that half-closes while its handler works is waited for, and the handler is not stopped") {
  Event stopped;
  Handover<HttpResponder> pending;
  TestServer server({.routes = [&](Router& router) {
    router.handle_async(HttpMethod::kGet, "/late",
                        [&](const CallContext& context, const HttpRequest&, HttpResponder responder) {
                          pending.put(std::move(responder));
                          if (context.stop.stop_requested()) stopped.set();
                        });
    router.handle(HttpMethod::kGet, "/slow", [&](const CallContext& context, const HttpRequest&) {
      const std::stop_callback on_stop(context.stop, [&] { stopped.set(); });
      // Longer than it takes to see the end of the client's sending and to ask it once.
      const auto until = std::chrono::steady_clock::now() + milliseconds(1'500);
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      while (std::chrono::steady_clock::now() < until) never.wait_until(lock, until);
      return text_response(stopped.is_set() ? "stopped" : "slow");
    });
  }});
  RawClient client(server.port);
  client.send(raw_get("/slow"));
  client.shutdown_send();
  RawResponse answer = client.receive();
  while (answer.status == 102) answer = client.receive();
  CHECK(answer.body == "slow");
  CHECK(client.wait_for_end() == RawEnd::kClosed);

  RawClient old(server.port);
  old.send("GET /late HTTP/1.0\r\n\r\n");
  auto responder = pending.take();
  REQUIRE(responder);
  old.shutdown_send();
  responder->send(text_response("late"));
  CHECK(old.receive().body == "late");
  CHECK_FALSE(stopped.is_set());
}

TEST_CASE("a client that half-closes gets a pushed body to its end") {
  Handover<HttpPushWriter> handed;
  TestServer server({.routes = [&](Router& router) {
    router.handle(HttpMethod::kGet, "/events", [&](const CallContext&, const HttpRequest&) {
      HttpResponse response;
      response.body = HttpPushBody{[&](HttpPushWriter writer) { handed.put(writer); }};
      return response;
    });
  }});
  RawClient client(server.port);
  client.send(raw_get("/events"));
  client.shutdown_send();
  const auto writer = handed.take();
  REQUIRE(writer);
  CHECK(writer->write("one "));
  client.receive_until("one ");
  CHECK(writer->write("two"));
  writer->close();
  CHECK(client.receive_until("two").find("two") != std::string::npos);
}

TEST_CASE("an answer that comes after its client and its server are gone is dropped") {
  Handover<HttpResponder> pending;
  std::optional<HttpResponder> late;
  {
    TestServer server({.routes = [&](Router& router) {
      router.handle_async(
          HttpMethod::kGet, "/late",
          [&](const CallContext&, const HttpRequest&, HttpResponder responder) { pending.put(std::move(responder)); });
    }});
    RawClient client(server.port);
    client.send(raw_get("/late"));
    late = pending.take();
    REQUIRE(late);
  }
  late->send(text_response("nobody there"));
}

HttpServerOptions impatient() {
  HttpServerOptions options;
  options.header_timeout = milliseconds(150);
  options.body_timeout = milliseconds(150);
  options.idle_timeout = milliseconds(150);
  options.write_timeout = milliseconds(150);
  return options;
}

TEST_CASE("a head or a body that comes too slowly gets 408, an idle connection is closed without a word") {
  TestServer server({.routes =
                         [](Router& router) {
                           router.handle(HttpMethod::kPost, "/post", [](const CallContext&, const HttpRequest&) {
                             return text_response("posted");
                           });
                         },
                     .options = impatient()});
  RawClient head(server.port);
  const auto slow_head = head.exchange("POST /post HTTP/1.1\r\nHo");
  CHECK(slow_head.status == 408);
  CHECK(has_error_shape(slow_head));
  CHECK(head.wait_for_end() == RawEnd::kClosed);

  RawClient body(server.port);
  CHECK(body.exchange("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").status == 408);

  RawClient idle(server.port);
  CHECK(idle.receive().status == 0);
  CHECK(idle.end() == RawEnd::kClosed);
}

TEST_CASE("a client that takes nothing of an answer is cut off") {
  std::promise<void> asked;
  TestServer server({.routes =
                         [&](Router& router) {
                           router.handle(HttpMethod::kGet, "/big", [&](const CallContext&, const HttpRequest&) {
                             asked.set_value();
                             return text_response(std::string(32 << 20, 'x'));
                           });
                         },
                     .options = impatient()});
  RawClient client(server.port, {.receive_buffer = 4096});
  client.send(raw_get("/big"));
  asked.get_future().wait();
  // Nothing is read until the server has given up, which stop() without a deadline would wait for in vain otherwise.
  server.server.drain();
  server.server.stop(std::chrono::steady_clock::time_point::max());
  CHECK(server.server.open_connections() == 0);
  CHECK_FALSE(client.receive().complete);
}

TEST_CASE("beyond the connection cap a request gets 503, health is answered, and a freed place can be taken") {
  HttpServerOptions options;
  options.max_connections = 2;
  TestServer server({.routes =
                         [](Router& router) {
                           add_hello(router);
                           router.handle(HttpMethod::kGet, "/health",
                                         [](const CallContext&, const HttpRequest&) { return text_response("well"); });
                         },
                     .options = options});
  RawClient first(server.port);
  CHECK(first.exchange(raw_get("/hello")).status == 200);
  {
    RawClient second(server.port);
    CHECK(second.exchange(raw_get("/hello")).status == 200);
    RawClient third(server.port);
    const auto refused = third.exchange(raw_get("/hello"));
    CHECK(refused.status == 503);
    CHECK(has_error_shape(refused));
    CHECK(refused.header("Retry-After") == "1");
    CHECK(refused.header("Connection") == "close");
    const auto health = RawClient(server.port).exchange(raw_get("/health"));
    CHECK(health.body == "well");
    CHECK(health.header("Connection") == "close");
    CHECK(first.exchange(raw_get("/hello")).status == 200);
    // Its end is acknowledged by the server's own, so that the place is known to be free.
    second.shutdown_send();
    CHECK(second.wait_for_end() == RawEnd::kClosed);
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  int status = 503;
  while (status == 503 && std::chrono::steady_clock::now() < deadline) {
    RawClient fourth(server.port);
    status = fourth.exchange(raw_get("/hello")).status;
  }
  CHECK(status == 200);
}

TEST_CASE("far more clients than the connection cap all get an answer that they can read") {
  HttpServerOptions options;
  options.max_connections = 1;
  TestServer server({.routes = add_hello, .options = options});
  RawClient first(server.port);
  CHECK(first.exchange(raw_get("/hello")).status == 200);
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (int i = 0; i < 150; ++i) {
    crowd.push_back(std::make_unique<RawClient>(server.port));
    crowd.back()->send(raw_get("/hello"));
  }
  int refused = 0;
  for (auto& client : crowd) {
    if (client->receive().status == 503) ++refused;
    client.reset();
  }
  CHECK(refused == 150);
}

}  // namespace
}  // namespace imgimport::testing
