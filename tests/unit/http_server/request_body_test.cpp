// Bodies of requests that the handler reads piece by piece.
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "http_server/body_inlet.hpp"
#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, 'a');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

Result<std::string> read_to_end(const CallContext& context, ByteReader& body) {
  std::string text;
  std::vector<std::byte> buffer(100'000);
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, body.read(context, buffer));
    if (count == 0) return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

using Handler = std::function<HttpResponse(const CallContext&, const HttpRequest&)>;

ServerSetup taking(Handler handler, HttpServerOptions options = {}, std::size_t limit = 1 << 30) {
  return {.routes =
              [handler = std::move(handler), limit](Router& router) {
                add_hello(router);
                router.handle(HttpMethod::kPost, "/body", handler, {.max_body_bytes = limit, .stream_body = true});
              },
          .options = options};
}

HttpResponse echo_size(const CallContext& context, const HttpRequest& request) {
  const auto body = read_to_end(context, *request.body_reader);
  if (!body.has_value()) return text_response(body.error().reason(), 500);
  const bool same = *body == pattern(body->size());
  return text_response(same && request.body.empty() ? std::to_string(body->size()) : "other bytes");
}

std::string chunked(std::string_view body, std::size_t piece) {
  std::string text = "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  while (!body.empty()) {
    const auto part = body.substr(0, piece);
    char head[20];
    std::snprintf(head, sizeof head, "%zx\r\n", part.size());
    text.append(head).append(part).append("\r\n");
    body.remove_prefix(part.size());
  }
  return text + "0\r\n\r\n";
}

TEST_CASE("a streamed request body reaches the handler whole, by length and by chunks, and the connection lives on") {
  TestServer server(taking(echo_size));
  RawClient client(server.port);
  for (const std::size_t size : {0, 1, 1000, 300'000, 5'000'000}) {
    CAPTURE(size);
    const auto by_length = client.exchange(raw_post("/body", pattern(size)));
    CHECK(by_length.status == 200);
    CHECK(by_length.body == std::to_string(size));
    const auto by_chunks = client.exchange(chunked(pattern(size), 77'777));
    CHECK(by_chunks.body == std::to_string(size));
    CHECK(client.exchange(raw_get("/hello")).body == "hello");
  }
}

TEST_CASE("the handler of a streamed body begins before the body has come") {
  Event begun;
  TestServer server(taking([&](const CallContext& context, const HttpRequest& request) {
    begun.set();
    return echo_size(context, request);
  }));
  RawClient client(server.port);
  CHECK(client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 26\r\n\r\n" + pattern(10)));
  CHECK(begun.wait());
  CHECK(client.send(pattern(26).substr(10)));
  CHECK(client.receive().body == "26");
}

TEST_CASE("a pipelined request behind a streamed body is answered after it") {
  TestServer server(taking(echo_size));
  RawClient client(server.port);
  CHECK(client.send(raw_post("/body", pattern(500)) + raw_get("/hello")));
  CHECK(client.receive().body == "500");
  CHECK(client.receive().body == "hello");
}

TEST_CASE("a client that leaves in the middle of its body never makes it look whole") {
  Handover<std::string> seen;
  TestServer server(taking([&](const CallContext& context, const HttpRequest& request) {
    const auto body = read_to_end(context, *request.body_reader);
    seen.put(body.has_value() ? "whole" : body.error().reason());
    return text_response("x");
  }));
  {
    RawClient client(server.port);
    CHECK(client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + pattern(10)));
  }
  CHECK(seen.take() == "body_broken_off");
}

TEST_CASE("a client that stops sending in the middle of its body is given up") {
  HttpServerOptions options;
  options.body_timeout = std::chrono::milliseconds(150);
  TestServer server(taking(echo_size, options));
  RawClient client(server.port);
  CHECK(client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + pattern(10)));
  const auto answer = client.receive();
  CHECK(answer.body == "request_timeout");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a streamed body beyond the route's limit is refused, announced or not") {
  TestServer server(taking(echo_size, {}, 1000));
  RawClient announced(server.port);
  CHECK(announced.exchange(raw_post("/body", pattern(1001))).status == 413);
  RawClient unannounced(server.port);
  CHECK(unannounced.exchange(chunked(pattern(1001), 400)).body == "too_large");
  RawClient allowed(server.port);
  CHECK(allowed.exchange(chunked(pattern(1000), 400)).body == "1000");
}

TEST_CASE("a malformed chunk ends a streamed body with an error") {
  TestServer server(taking(echo_size));
  RawClient client(server.port);
  CHECK(client.send("POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"));
  CHECK(client.receive().body == "malformed_request");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("an answer may come before the body has been read") {
  TestServer server(taking([](const CallContext&, const HttpRequest&) { return text_response("no", 403); }));
  SECTION("a short rest is read over, and the connection kept") {
    RawClient client(server.port);
    CHECK(client.exchange(raw_post("/body", pattern(1000))).body == "no");
    CHECK(client.exchange(raw_get("/hello")).body == "hello");
  }
  SECTION("a long one ends the connection, and the answer can be read") {
    RawClient client(server.port);
    client.send(raw_post("/body", pattern(3'000'000)));
    const auto answer = client.receive();
    CHECK(answer.status == 403);
    CHECK(answer.header("Connection") == "close");
  }
}

TEST_CASE("100 Continue is sent when the handler wants the body") {
  const std::string head = "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 26\r\nExpect: 100-continue\r\n\r\n";
  SECTION("which it does") {
    TestServer server(taking(echo_size));
    RawClient client(server.port);
    CHECK(client.send(head));
    CHECK(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 100 Continue"));
    CHECK(client.send(pattern(26)));
    CHECK(client.receive().body == "26");
    CHECK(client.exchange(raw_get("/hello")).body == "hello");
  }
  SECTION("and never when it refuses it unseen") {
    TestServer server(taking([](const CallContext&, const HttpRequest&) { return text_response("no", 403); }));
    RawClient client(server.port);
    CHECK(client.send(head));
    const auto answer = client.receive();
    CHECK(answer.status == 403);
    CHECK(answer.header("Connection") == "close");
  }
}

TEST_CASE("a slow handler of a streamed body slows its client, and no io thread waits") {
  Event go_on;
  TestServer server(taking([&](const CallContext& context, const HttpRequest& request) {
    go_on.wait();
    return echo_size(context, request);
  }));
  RawClient client(server.port);
  constexpr std::size_t kSize = 40'000'000;
  std::atomic<bool> sent{false};
  std::jthread sender([&] {
    client.send(raw_post("/body", pattern(kSize)));
    sent = true;
  });
  // Others are served meanwhile.
  for (int i = 0; i < 200; ++i) {
    RawClient other(server.port);
    CHECK(other.exchange(raw_get("/hello")).body == "hello");
  }
  CHECK_FALSE(sent);
  go_on.set();
  CHECK(client.receive().body == std::to_string(kSize));
}

TEST_CASE("an inlet takes so much and no more until it is read") {
  std::atomic<int> wakes = 0;
  BodyInlet inlet([&] { ++wakes; });
  CHECK_FALSE(inlet.is_wanted());
  std::size_t pushed = 0;
  while (inlet.has_room()) {
    inlet.push(std::string(10'000, 'x'));
    pushed += 10'000;
  }
  CHECK(pushed < BodyInlet::kMaxQueuedBytes + 10'000);
  inlet.fail(Error(ErrorCode::kUnavailable, "gone").with_reason("gone"));
  std::vector<std::byte> buffer(1 << 20);
  CHECK(inlet.read({}, buffer).value() == pushed);
  CHECK(inlet.is_wanted());
  CHECK(wakes == 2);  // it is wanted; there is room
  CHECK(inlet.read({}, buffer).error().reason() == "gone");
  std::stop_source stop;
  stop.request_stop();
  CallContext stopped;
  stopped.stop = stop.get_token();
  BodyInlet empty([] {});
  CHECK(empty.read(stopped, buffer).error().code() == ErrorCode::kCancelled);
  CHECK(empty.read(CallContext().with_timeout(std::chrono::milliseconds(1)), buffer).error().code() ==
        ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace imgimport::testing
