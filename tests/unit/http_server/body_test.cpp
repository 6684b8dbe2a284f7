// Bodies that are pulled or pushed piece by piece.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <thread>

#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

// Gives `size` bytes of a pattern in pieces, then the end or an error.
class PatternReader : public ByteReader {
 public:
  struct Plan {
    std::uint64_t size = 0;
    std::size_t piece = 1000;
    bool fails = false;
    Event* destroyed = nullptr;
    std::atomic<std::uint64_t>* read_bytes = nullptr;
  };
  explicit PatternReader(Plan plan) : plan_(plan) {}
  ~PatternReader() override {
    if (plan_.destroyed != nullptr) plan_.destroyed->set();
  }
  Result<std::size_t> read(const CallContext&, std::span<std::byte> out) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>({plan_.size - at_, plan_.piece, out.size()}));
    if (count == 0 && plan_.fails) return Error(ErrorCode::kUnavailable, "the source broke").with_reason("broke");
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::byte>('a' + (at_ + i) % 26);
    at_ += count;
    if (plan_.read_bytes != nullptr) *plan_.read_bytes += count;
    return count;
  }

 private:
  Plan plan_;
  std::uint64_t at_ = 0;
};

std::string pattern(std::size_t size) {
  std::string text(size, 'a');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

HttpResponse stream_response(PatternReader::Plan plan, std::optional<std::uint64_t> length) {
  HttpResponse response;
  response.body = HttpStreamBody{std::make_unique<PatternReader>(plan), length};
  return response;
}

ServerSetup serving(const std::function<HttpResponse()>& make, std::size_t pool_threads = 2) {
  return {.routes =
              [make](Router& router) {
                add_hello(router);
                router.handle(HttpMethod::kGet, "/body",
                              [make](const CallContext&, const HttpRequest&) { return make(); });
                router.handle(HttpMethod::kGet, "/pooled",
                              [](const CallContext&, const HttpRequest&) { return text_response("pooled"); });
              },
          .pool_threads = pool_threads};
}

TEST_CASE("a streamed body arrives whole, by length and by chunks, and the connection lives on") {
  const auto with_length = GENERATE(true, false);
  const std::size_t size = GENERATE(0, 1, 1000, 300'000, 3'000'000);
  const std::size_t piece = size > 100'000 ? 1 << 20 : 700;
  TestServer server(serving([=] {
    return stream_response({.size = size, .piece = piece},
                           with_length ? std::optional<std::uint64_t>(size) : std::nullopt);
  }));
  RawClient client(server.port);
  for (int i = 0; i < 2; ++i) {
    const auto response = client.exchange(raw_get("/body"));
    CHECK(response.complete);
    CHECK(response.body == pattern(size));
    CHECK(response.header("Content-Length") == (with_length ? std::to_string(size) : ""));
  }
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("HTTP/1.0 gets a stream without a length up to the end of the connection") {
  TestServer server(serving([] { return stream_response({.size = 5000}, std::nullopt); }));
  RawClient client(server.port);
  const auto response = client.exchange("GET /body HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(response.complete);
  CHECK(response.body == pattern(5000));
  CHECK(response.header("Transfer-Encoding").empty());
}

TEST_CASE("HEAD of a stream names its length and reads nothing") {
  std::atomic<std::uint64_t> read_bytes{0};
  Event destroyed;
  TestServer server(serving(
      [&] { return stream_response({.size = 5000, .destroyed = &destroyed, .read_bytes = &read_bytes}, 5000); }));
  RawClient client(server.port);
  const auto head = client.exchange("HEAD /body HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD");
  CHECK(head.header("Content-Length") == "5000");
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
  CHECK(destroyed.wait());
  CHECK(read_bytes == 0);
}

TEST_CASE("a stream that fails in the middle is seen as truncated") {
  const auto length = GENERATE(as<std::optional<std::uint64_t>>{}, std::nullopt, 9000);
  TestServer server(serving([=] { return stream_response({.size = 5000, .fails = true}, length); }));
  RawClient client(server.port);
  const auto response = client.exchange(raw_get("/body"));
  CHECK(response.status == 200);
  CHECK_FALSE(response.complete);
  CHECK(response.body == pattern(5000));
  RawClient old(server.port);
  CHECK_FALSE(old.exchange("GET /body HTTP/1.0\r\n\r\n").complete);
}

TEST_CASE("a stream shorter than its length is seen as truncated, a longer one is cut") {
  TestServer too_short(serving([] { return stream_response({.size = 100}, 200); }));
  CHECK_FALSE(RawClient(too_short.port).exchange(raw_get("/body")).complete);
  TestServer too_long(serving([] { return stream_response({.size = 300}, 200); }));
  RawClient client(too_long.port);
  CHECK(client.exchange(raw_get("/body")).body == pattern(200));
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("a stream that fails before its first byte becomes an error with its own status") {
  TestServer server(serving([] { return stream_response({.size = 0, .fails = true}, 100); }));
  RawClient client(server.port);
  const auto response = client.exchange(raw_get("/body"));
  CHECK(response.status == 503);
  CHECK(has_error_shape(response));
  CHECK(response.body.find(R"("code":"broke")") != std::string::npos);
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("a stream to a client that does not read holds no thread, and is read no further") {
  std::atomic<std::uint64_t> read_bytes{0};
  Event destroyed;
  TestServer server(serving(
      [&] {
        return stream_response({.size = 1 << 30, .piece = 1 << 20, .destroyed = &destroyed, .read_bytes = &read_bytes},
                               1 << 30);
      },
      1));
  {
    RawClient client(server.port, {.receive_buffer = 4096});
    client.send(raw_get("/body"));
    // The kernel's buffers take some MiB; then nothing more is read, and the only thread is free.
    std::uint64_t before = 0;
    RawClient other(server.port);
    do {
      before = read_bytes;
      for (int i = 0; i < 200; ++i) REQUIRE(other.exchange(raw_get("/pooled")).body == "pooled");
    } while (read_bytes == 0 || read_bytes != before);
    CHECK(read_bytes < (64 << 20));
    CHECK_FALSE(destroyed.is_set());
  }
  CHECK(destroyed.wait());
}

HttpResponse push_response(std::function<void(HttpPushWriter)> start) {
  HttpResponse response;
  response.headers.set("Content-Type", "text/event-stream");
  response.body = HttpPushBody{std::move(start)};
  return response;
}

TEST_CASE("a pushed body is delivered piece by piece and ended by close") {
  Handover<HttpPushWriter> handed;
  TestServer server(
      serving([&] { return push_response([&](HttpPushWriter writer) { handed.put(std::move(writer)); }); }));
  RawClient client(server.port);
  client.send(raw_get("/body"));
  const auto writer = handed.take();
  REQUIRE(writer);
  Event gone;
  writer->on_gone([&] { gone.set(); });
  CHECK(writer->write("data: one\n\n"));
  const std::string first = client.receive_until("one\n\n\r\n");
  CHECK(first.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(first.find("text/event-stream") != std::string::npos);
  CHECK_FALSE(gone.is_set());
  CHECK(writer->write("data: two\n\n"));
  writer->close();
  CHECK(client.receive_until("0\r\n\r\n").find("two") != std::string::npos);
  CHECK(gone.wait());
  CHECK_FALSE(writer->write("late"));
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("aborting a pushed body resets the connection") {
  TestServer server(serving([] {
    return push_response([](const HttpPushWriter& writer) {
      writer.write("part");
      writer.abort();
    });
  }));
  RawClient client(server.port);
  const auto response = client.exchange(raw_get("/body"));
  CHECK_FALSE(response.complete);
  CHECK(client.wait_for_end() == RawEnd::kReset);
}

TEST_CASE("a pushed body whose writer is dropped is broken off, since nobody can end it") {
  TestServer server(serving([] { return push_response([](const HttpPushWriter& writer) { writer.write("part"); }); }));
  RawClient client(server.port);
  CHECK_FALSE(client.exchange(raw_get("/body")).complete);
}

TEST_CASE("a client that leaves a pushed body is reported when something is written to it, and writing says so") {
  Handover<HttpPushWriter> handed;
  Event gone;
  TestServer server(
      serving([&] { return push_response([&](HttpPushWriter writer) { handed.put(std::move(writer)); }); }));
  std::optional<HttpPushWriter> writer;
  {
    RawClient client(server.port);
    client.send(raw_get("/body"));
    writer = handed.take();
    REQUIRE(writer);
    writer->on_gone([&] { gone.set(); });
    writer->write("hello");
    client.receive_until("hello");
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (writer->write("more") && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(gone.wait());
  CHECK_FALSE(writer->write("more"));
  Event at_once;
  writer->on_gone([&] { at_once.set(); });
  CHECK(at_once.is_set());
}

TEST_CASE("a client that falls more than 1 MiB behind a pushed body is cut off") {
  Handover<HttpPushWriter> handed;
  Event gone;
  TestServer server(
      serving([&] { return push_response([&](HttpPushWriter writer) { handed.put(std::move(writer)); }); }));
  RawClient client(server.port, {.receive_buffer = 4096});
  client.send(raw_get("/body"));
  const auto writer = handed.take();
  REQUIRE(writer);
  writer->on_gone([&] { gone.set(); });
  std::size_t written = 0;
  while (writer->write(std::string(100'000, 'x')) && written < (64u << 20)) {
    written += 100'000;
    CHECK(writer->queued_bytes() <= (1 << 20));
  }
  CHECK(written < (64u << 20));
  CHECK(gone.wait());
  CHECK(client.wait_for_end() == RawEnd::kReset);
}

}  // namespace
}  // namespace imgimport::testing
