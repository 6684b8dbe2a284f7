// HTTP/1.1 as a client on a bare socket sees it.
#include <catch2/catch.hpp>
#include <regex>
#include <string>
#include <thread>

#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

// What a handler saw, sent back.
void add_echo(Router& router) {
  router.handle(HttpMethod::kPost, "/echo",
                [](const CallContext&, const HttpRequest& request) { return text_response(request.body); });
  router.handle(HttpMethod::kGet, "/see/{name}", [](const CallContext& context, const HttpRequest& request) {
    std::string text = request.path + "|" + request.path_arg("name") + "|" + request.remote_address + "|" +
                       context.request_id + "|" + request.request_id;
    for (const auto& [key, value] : request.query) text += "|" + key + "=" + value;
    return text_response(text);
  });
}

TestServer& shared_server() {
  static TestServer server({.routes = [](Router& router) {
    add_hello(router);
    add_echo(router);
    router.handle(HttpMethod::kDelete, "/hello",
                  [](const CallContext&, const HttpRequest&) { return text_response("gone"); });
    router.handle(HttpMethod::kPost, "/small",
                  [](const CallContext&, const HttpRequest& request) { return text_response(request.body); },
                  {.max_body_bytes = 10});
    router.handle(HttpMethod::kGet, "/throws",
                  [](const CallContext&, const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); });
    router.handle_async(HttpMethod::kGet, "/drops", [](const CallContext&, const HttpRequest&, HttpResponder) {});
    router.handle_async(HttpMethod::kGet, "/throws-async",
                        [](const CallContext&, const HttpRequest&, HttpResponder) { throw std::runtime_error("s"); });
    router.handle(HttpMethod::kGet, "/big",
                  [](const CallContext&, const HttpRequest&) { return text_response(std::string(3 << 20, 'b')); });
    router.handle(HttpMethod::kGet, "/shared", [](const CallContext&, const HttpRequest&) {
      static const auto text = std::make_shared<const std::string>(100'000, 's');
      HttpResponse response;
      response.body = text;
      return response;
    });
    router.handle(HttpMethod::kGet, "/nothing",
                  [](const CallContext&, const HttpRequest&) { return text_response("ignored", 204); });
    router.handle(HttpMethod::kGet, "/broken-header", [](const CallContext&, const HttpRequest&) {
      HttpResponse response = text_response("x");
      response.headers.set("X-Name", "a\r\nX-Evil: yes");
      return response;
    });
    router.handle(HttpMethod::kPost, "/guarded",
                  [](const CallContext&, const HttpRequest&) { return text_response("secret"); });
    router.handle(HttpMethod::kGet, "/deadline", [](const CallContext& context, const HttpRequest&) {
      const auto left = context.remaining();
      return text_response(left == std::chrono::milliseconds::max() ? "none"
                           : left.count() > 60'000                  ? "much"
                                                                    : "little");
    });
    router.set_guard([](const HttpRequest& request) -> std::optional<HttpResponse> {
      if (request.path != "/guarded") return std::nullopt;
      return HttpResponse{.status = 401};
    });
  }});
  return server;
}

TEST_CASE("a connection serves one request after the other") {
  RawClient client(shared_server().port);
  for (int i = 0; i < 3; ++i) {
    const auto response = client.exchange(raw_get("/hello"));
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.header("Server") == "imgimport");
    CHECK(response.header("Connection").empty());
    const std::regex date("(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d [A-Z][a-z][a-z] \\d{4} \\d\\d:\\d\\d:\\d\\d GMT");
    CHECK(std::regex_match(response.header("Date"), date));
  }
}

TEST_CASE("a handler sees path, arguments, query, address and request id") {
  RawClient client(shared_server().port);
  const auto response =
      client.exchange(raw_get("/see/a%2Fb?x=1&y=a+b%2Bc&empty&z=%C3%A4", "X-Request-Id: my-id_1.2\r\n"));
  CHECK(response.body == "/see/a/b|a/b|127.0.0.1|my-id_1.2|my-id_1.2|x=1|y=a b+c|empty=|z=\xC3\xA4");
  CHECK(response.header("X-Request-Id") == "my-id_1.2");
}

TEST_CASE("a request id that is not sane is replaced") {
  RawClient client(shared_server().port);
  const auto bad = client.exchange(raw_get("/hello", "X-Request-Id: a b<script>\r\n"));
  CHECK(std::regex_match(bad.header("X-Request-Id"), std::regex("[0-9a-f]{16}")));
  const auto long_one = client.exchange(raw_get("/hello", "X-Request-Id: " + std::string(129, 'a') + "\r\n"));
  CHECK(long_one.header("X-Request-Id").size() == 16);
}

TEST_CASE("an absolute target is the same as its path") {
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_get("http://example.org/hello?x=1")).body == "hello");
}

TEST_CASE("an unknown path is 404, a wrong method 405 with Allow, in the error shape") {
  RawClient client(shared_server().port);
  const auto missing = client.exchange(raw_get("/nowhere", "X-Request-Id: r7\r\n"));
  CHECK(missing.status == 404);
  CHECK(has_error_shape(missing));
  CHECK(missing.body.find(R"("request_id":"r7")") != std::string::npos);
  const auto wrong = client.exchange(raw_post("/hello", "x"));
  CHECK(wrong.status == 405);
  CHECK(wrong.header("Allow") == "GET, HEAD, DELETE");
  CHECK(has_error_shape(wrong));
  CHECK(client.exchange(raw_get("/hello")).status == 200);
}

TEST_CASE("HEAD has the length of GET's body and not the body") {
  RawClient client(shared_server().port);
  const auto head = client.exchange("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD");
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "5");
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("requests sent at once are answered in order") {
  RawClient client(shared_server().port);
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += i % 3 == 0 ? raw_get("/hello") : raw_post("/echo", "body " + std::to_string(i));
  }
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    const auto response = client.receive();
    CHECK(response.body == (i % 3 == 0 ? "hello" : "body " + std::to_string(i)));
  }
}

TEST_CASE("a request that arrives byte by byte is understood") {
  RawClient client(shared_server().port);
  const std::string request = raw_post("/echo", "hello");
  for (const char c : request) client.send(std::string(1, c));
  CHECK(client.receive().body == "hello");
  const std::string chunked =
      "\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: "
      "b\r\n\r\n";
  for (const char c : chunked) client.send(std::string(1, c));
  CHECK(client.receive().body == "abcde");
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("what is not HTTP gets 400 in the error shape, and the connection ends") {
  const auto request =
      GENERATE(as<std::string>{}, "NONSENSE\r\n\r\n", "GET /hello\r\n\r\n", "GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n",
               "GET /hello HTTP/1.1\r\nHost x\r\n\r\n", "GET /hello HTTP/1.1\r\nHost : x\r\n\r\n",
               "GET /hello HTTP/1.1\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
               "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n");
  RawClient client(shared_server().port);
  const auto response = client.exchange(request);
  CAPTURE(request);
  CHECK(response.status == 400);
  CHECK(response.header("Connection") == "close");
  CHECK(has_error_shape(response));
  client.shutdown_send();
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a path or query with a broken percent sequence gets 400") {
  RawClient client(shared_server().port);
  const auto target = GENERATE(as<std::string>{}, "/see/%zz", "/see/a?x=%4", "/see/a%00b");
  CHECK(client.exchange(raw_get(target)).status == 400);
  CHECK(client.exchange(raw_get("/hello")).status == 200);
}

TEST_CASE("a transfer encoding beside chunked gets 501, another version 505, another expectation 417") {
  const auto [request, status] = GENERATE(table<std::string, int>({
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {"GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417},
  }));
  RawClient client(shared_server().port);
  const auto response = client.exchange(request);
  CHECK(response.status == status);
  CHECK(has_error_shape(response));
}

TEST_CASE("HTTP/1.0 is served and closed, or kept when asked") {
  RawClient client(shared_server().port);
  const auto kept = client.exchange("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.body == "hello");
  CHECK(kept.header("Connection") == "keep-alive");
  const auto closed = client.exchange("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(closed.body == "hello");
  CHECK(closed.header("Connection") == "close");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("Connection: close is obeyed") {
  RawClient client(shared_server().port);
  const auto response = client.exchange(raw_get("/hello", "Connection: close\r\n"));
  CHECK(response.body == "hello");
  CHECK(response.header("Connection") == "close");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a header of 60 KiB passes, one beyond 64 KiB gets 431 that a client which keeps sending can read") {
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_get("/hello", "X-Big: " + std::string(60 << 10, 'x') + "\r\n")).status == 200);
  const std::string line = "X-Big: " + std::string(1000, 'x') + "\r\n";
  std::string flood = "GET /hello HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 2000; ++i) flood += line;
  CHECK(client.send(flood));
  const auto response = client.receive();
  CHECK(response.status == 431);
  CHECK(has_error_shape(response));
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("many small header lines are counted together, and so is a header in one line") {
  for (const std::string& line : {std::string("A: b\r\n"), std::string(1000, 'x')}) {
    RawClient client(shared_server().port);
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nB: ");
    client.send(line.starts_with('A') ? "\r\n" : "");
    std::string flood;
    while (flood.size() < (66 << 10)) flood += line;
    client.send(flood);
    CHECK(client.receive().status == 431);
  }
}

TEST_CASE("an address that is too long gets 414, whether it comes at once or never ends") {
  const std::string address = "/hello?" + std::string(70'000, 'x');
  {
    RawClient client(shared_server().port);
    const auto response = client.exchange(raw_get(address));
    CHECK(response.status == 414);
    CHECK(has_error_shape(response));
    CHECK(response.body.find("address") != std::string::npos);
    CHECK(response.body.find("header") == std::string::npos);
    CHECK(client.wait_for_end() == RawEnd::kClosed);
  }
  {
    RawClient client(shared_server().port);
    CHECK(client.send("GET " + address));
    CHECK(client.receive().status == 414);
  }
  {
    RawClient client(shared_server().port);
    client.send(raw_get("/hello?" + std::string(50'000, 'x'), "X-Big: " + std::string(20'000, 'x') + "\r\n"));
    CHECK(client.receive().status == 414);
  }
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_get("/hello?" + std::string(50'000, 'x'))).status == 200);
  client.send(raw_get("/hello?" + std::string(20'000, 'x'), "X-Big: " + std::string(50'000, 'x') + "\r\n"));
  CHECK(client.receive().status == 431);
}

TEST_CASE("the server's own answers are finished by the listener, and those of handlers and guards are not") {
  TestServer server({.routes =
                         [](Router& router) {
                           add_hello(router);
                           router.handle(HttpMethod::kPost, "/small",
                                         [](const CallContext&, const HttpRequest&) { return text_response("small"); },
                                         {.max_body_bytes = 10});
                           router.handle(HttpMethod::kGet, "/refused", [](const CallContext&, const HttpRequest&) {
                             HttpResponse response = text_response("no", 409);
                             response.headers.set("Content-Type", "text/plain");
                             return response;
                           });
                           router.handle_async(HttpMethod::kGet, "/drops",
                                               [](const CallContext&, const HttpRequest&, HttpResponder) {});
                           router.set_guard([](const HttpRequest& request) -> std::optional<HttpResponse> {
                             if (!request.headers.find("X-Stranger")) return std::nullopt;
                             return text_response("who?", 401);
                           });
                         },
                     .finish =
                         [](const HttpRequest& request, HttpResponse& response) {
                           response.headers.set("X-Seen", std::string(request.headers.find("Origin").value_or("-")));
                         }});
  const auto seen = [&](const std::string& request) {
    RawClient client(server.port);
    const auto response = client.exchange(request);
    return std::to_string(response.status) + " " + response.header("X-Seen");
  };
  const std::string origin = "Origin: http://a\r\n";
  CHECK(seen(raw_get("/hello", origin)) == "200 ");
  CHECK(seen(raw_get("/refused", origin)) == "409 ");
  CHECK(seen(raw_get("/hello", origin + "X-Stranger: 1\r\n")) == "401 ");
  CHECK(seen(raw_get("/nowhere", origin)) == "404 http://a");
  CHECK(seen(raw_post("/hello", "x")) == "405 -");
  CHECK(seen("POST /small HTTP/1.1\r\nHost: x\r\n" + origin + "Content-Length: 11\r\n\r\n") == "413 http://a");
  CHECK(seen("POST /small HTTP/1.1\r\nHost: x\r\n" + origin +
             "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n") == "413 http://a");
  CHECK(seen(raw_get("/drops", origin)) == "500 http://a");
  CHECK(seen("GET /hello HTTP/1.1\r\n" + origin + "\r\n") == "400 http://a");
  CHECK(seen("nonsense\r\n\r\n") == "400 -");
}

TEST_CASE("a body beyond 1 MiB gets 413 that a client which keeps sending can read") {
  RawClient client(shared_server().port);
  const std::string body(5 << 20, 'x');
  CHECK(client.send(raw_post("/echo", body)));
  const auto response = client.receive();
  CHECK(response.status == 413);
  CHECK(response.header("Connection") == "close");
  CHECK(has_error_shape(response));
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a chunked body is cut at the limit, too") {
  RawClient client(shared_server().port);
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 40; ++i) CHECK(client.send(chunk));
  const auto response = client.receive();
  CHECK(response.status == 413);
  CHECK(has_error_shape(response));
}

TEST_CASE("a body of exactly the route's limit passes, one byte more does not") {
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_post("/small", "0123456789")).body == "0123456789");
  CHECK(client
            .exchange("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789"
                      "\r\n0\r\n\r\n")
            .body == "0123456789");
  CHECK(client.exchange(raw_post("/small", "0123456789a")).status == 413);
  RawClient other(shared_server().port);
  CHECK(other
            .exchange("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n6789a"
                      "\r\n0\r\n\r\n")
            .status == 413);
}

TEST_CASE("a chunk header that never ends is refused") {
  RawClient client(shared_server().port);
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(200 << 10, 'e'));
  CHECK(client.receive().status == 400);
}

TEST_CASE("Expect: 100-continue is answered before the body, and not when the body is too large") {
  RawClient client(shared_server().port);
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 100);
  CHECK(client.exchange("hello").body == "hello");
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 413);
}

TEST_CASE("the guard answers without the body") {
  RawClient client(shared_server().port);
  client.send("POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
  const auto refused = client.receive();
  CHECK(refused.status == 401);
  CHECK(has_error_shape(refused));
  CHECK(refused.header("Connection").empty());
  client.send("body");
  CHECK(client.exchange(raw_get("/hello")).body == "hello");

  client.send("POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
  const auto large = client.receive();
  CHECK(large.status == 401);
  CHECK(large.header("Connection") == "close");
}

TEST_CASE("an exception and a dropped reply are a 500 without internals") {
  RawClient client(shared_server().port);
  for (const char* path : {"/throws", "/throws-async", "/drops"}) {
    const auto response = client.exchange(raw_get(path));
    CHECK(response.status == 500);
    CHECK(has_error_shape(response));
    CHECK(response.body.find("secret") == std::string::npos);
    CHECK(response.body.find(response.header("X-Request-Id")) != std::string::npos);
  }
}

TEST_CASE("large and shared bodies arrive whole, a 204 has none") {
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_get("/big")).body == std::string(3 << 20, 'b'));
  CHECK(client.exchange(raw_get("/shared")).body == std::string(100'000, 's'));
  const auto nothing = client.exchange(raw_get("/nothing"));
  CHECK(nothing.status == 204);
  CHECK(nothing.header("Content-Length").empty());
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("a line break in a header's value does not make a header") {
  RawClient client(shared_server().port);
  const auto response = client.exchange(raw_get("/broken-header"));
  CHECK(response.header("X-Evil").empty());
  CHECK(response.header("X-Name") == "a  X-Evil: yes");
}

TEST_CASE("X-Deadline-Ms becomes the call's deadline") {
  RawClient client(shared_server().port);
  CHECK(client.exchange(raw_get("/deadline")).body == "none");
  CHECK(client.exchange(raw_get("/deadline", "X-Deadline-Ms: 30000\r\n")).body == "little");
  CHECK(client.exchange(raw_get("/deadline", "X-Deadline-Ms: 600000\r\n")).body == "much");
  CHECK(client.exchange(raw_get("/deadline", "X-Deadline-Ms: soon\r\n")).body == "none");
}

}  // namespace
}  // namespace imgimport::testing
