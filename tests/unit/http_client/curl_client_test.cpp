#include "http_client/curl_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>
#include <thread>

#include "support/http_imposter.hpp"

namespace imgimport {
namespace {

using test::HttpImposter;
using test::ImposterEnding;
using test::ImposterReply;
using test::ImposterRequest;

CurlHttpClientOptions hermetic() {
  CurlHttpClientOptions options;
  options.ca = {};
  options.proxies = ProxyUse::kIgnore;
  return options;
}

HttpClientRequest get(std::string url) {
  return {.url = std::move(url)};
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  return bytes;
}

// All of it, through a buffer of `piece` bytes.
Result<std::string> read_all(ByteReader& reader, const CallContext& context, std::size_t piece) {
  std::string all;
  std::vector<std::byte> buffer(piece);
  while (true) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read(context, buffer));
    if (count == 0) return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

class TextReader : public ByteReader {
 public:
  TextReader(std::string_view text, std::optional<std::size_t> fails_at) : text_(text), fails_at_(fails_at) {}
  Result<std::size_t> read(const CallContext&, std::span<std::byte> out) override {
    if (fails_at_ && at_ >= *fails_at_) return Error(ErrorCode::kRateLimited, "the source asks for a pause");
    const std::size_t count = std::min({out.size(), text_.size() - at_, std::size_t{7'000}});
    std::memcpy(out.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string_view text_;
  std::optional<std::size_t> fails_at_;
  std::size_t at_ = 0;
};

// A blob that must be streamed, and counts how often it was opened.
class StreamBlob : public Blob {
 public:
  explicit StreamBlob(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> size() const override { return says_size ? std::optional(text_.size()) : std::nullopt; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext&) const override {
    ++opened;
    return std::unique_ptr<ByteReader>(std::make_unique<TextReader>(text_, fails_at));
  }
  bool says_size = true;
  std::optional<std::size_t> fails_at;
  mutable std::atomic<int> opened{0};

 private:
  std::string text_;
};

class MemoryBlob : public Blob {
 public:
  explicit MemoryBlob(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> size() const override { return text_.size(); }
  Result<std::unique_ptr<ByteReader>> open(const CallContext&) const override {
    return std::unique_ptr<ByteReader>(std::make_unique<TextReader>(text_, std::nullopt));
  }
  std::optional<std::span<const std::byte>> in_memory() const override { return std::as_bytes(std::span(text_)); }

 private:
  std::string text_;
};

// A port that nobody listens on.
std::uint16_t closed_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

TEST_CASE("an answer's status, headers and body arrive", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) {
    return ImposterReply{.status = 404, .headers = {{"X-Thing", "  a b "}}, .body = "gone"};
  });
  CurlHttpClient client(hermetic());
  auto request = get(server.url("/x?y=1"));
  request.headers.set("Authorization", "Bearer t");
  request.headers.set("X-Empty", "");
  const auto response = client.send({}, request);
  REQUIRE(response.has_value());
  CHECK(response->status == 404);
  CHECK(response->headers.find("x-thing") == "a b");
  CHECK(response->body == "gone");
  const auto seen = server.requests().at(0);
  CHECK(seen.method == "GET");
  CHECK(seen.target == "/x?y=1");
  CHECK(seen.header("Authorization") == "Bearer t");
  CHECK(seen.header("Accept-Encoding").empty());
  CHECK(std::any_of(seen.headers.begin(), seen.headers.end(), [](const auto& h) { return h.first == "X-Empty"; }));
}

TEST_CASE("one connection serves one transfer after the other", "[http_client]") {
  HttpImposter server(
      [](const ImposterRequest& request) { return ImposterReply{.body = pattern(request.target.size() * 9'000)}; });
  CurlHttpClient client(hermetic());
  for (int i = 0; i < 20; ++i) {
    REQUIRE(client.send({}, get(server.url("/a"))).has_value());
    auto download = client.open({}, get(server.url("/body-of-many-bytes")));
    REQUIRE(download.has_value());
    CHECK(read_all(**download, {}, 1'000).value().size() == 19 * 9'000);
  }
  CHECK(server.connections() == 1);
  CHECK(client.idle_sessions() == 1);
}

TEST_CASE("a session is free as soon as the last byte was read", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = "0123456789"}; });
  CurlHttpClient client(hermetic());
  auto download = client.open({}, get(server.url()));
  std::vector<std::byte> buffer(10);
  REQUIRE((*download)->read({}, buffer).value() == 10);
  CHECK(client.idle_sessions() == 1);
  CHECK((*download)->read({}, buffer).value() == 0);
  CHECK((*download)->read({}, buffer).value() == 0);
}

TEST_CASE("a body is the same through small and large buffers", "[http_client]") {
  const std::string body = pattern(3'000'001);
  HttpImposter server([&](const ImposterRequest&) { return ImposterReply{.body = body}; });
  CurlHttpClient client(hermetic());
  const std::size_t piece = GENERATE(1'013, 65'536, 1 << 20, 4 << 20);
  auto download = client.open({}, get(server.url()));
  REQUIRE(download.has_value());
  CHECK((*download)->content_length() == body.size());
  CHECK((read_all(**download, {}, piece).value() == body));
}

TEST_CASE("an answer without a length ends with its connection, a chunked one with its last chunk", "[http_client]") {
  HttpImposter server([](const ImposterRequest& request) {
    if (request.target == "/chunked") {
      return ImposterReply{
          .raw =
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"};
    }
    if (request.target == "/chunk-missing") {
      return ImposterReply{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                           .ending = ImposterEnding::kClose};
    }
    return ImposterReply{.body = "until the end", .announce_length = false};
  });
  CurlHttpClient client(hermetic());
  auto plain = client.open({}, get(server.url("/plain")));
  CHECK((*plain)->content_length() == std::nullopt);
  CHECK(read_all(**plain, {}, 5).value() == "until the end");
  auto chunked = client.open({}, get(server.url("/chunked")));
  CHECK(read_all(**chunked, {}, 5).value() == "abcde");
  auto missing = client.open({}, get(server.url("/chunk-missing")));
  CHECK(read_all(**missing, {}, 5).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("interim answers are passed over", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) {
    return ImposterReply{
        .raw = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
  });
  CurlHttpClient client(hermetic());
  const auto response = client.send({}, get(server.url()));
  CHECK(response->status == 200);
  CHECK_FALSE(response->headers.find("Link").has_value());
  CHECK(response->body == "ok");
}

TEST_CASE("a body shorter than announced is unavailable, after what came of it", "[http_client]") {
  const auto ending = GENERATE(ImposterEnding::kClose, ImposterEnding::kReset);
  HttpImposter server([&](const ImposterRequest&) {
    return ImposterReply{.body = pattern(100'000), .cut_body_after = 60'000, .ending = ending};
  });
  CurlHttpClient client(hermetic());
  auto download = client.open({}, get(server.url()));
  REQUIRE(download.has_value());
  const auto all = read_all(**download, {}, 4'096);
  REQUIRE_FALSE(all.has_value());
  CHECK(all.error().code() == ErrorCode::kUnavailable);
  CHECK(all.error().message().find("127.0.0.1:" + std::to_string(server.port())) != std::string::npos);
  const auto sent = client.send({}, get(server.url()));
  CHECK(sent.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a stop wakes a call that waits for the head or for bytes", "[http_client]") {
  HttpImposter server([](const ImposterRequest& request) {
    if (request.target == "/warm") return ImposterReply{};
    if (request.target == "/head") return ImposterReply{.hold = true};
    return ImposterReply{.body = "0123456789", .cut_body_after = 5, .ending = ImposterEnding::kStall};
  });
  CurlHttpClient client(hermetic());
  std::stop_source source;
  CallContext context;
  context.stop = source.get_token();
  auto request = get(server.url(GENERATE("/head", "/body")));
  // Nothing but the stop is to end the wait: no timer of ours, and none that libcurl sets for a new connection.
  request.stall_timeout = request.connect_timeout = std::chrono::hours(1);
  REQUIRE(client.send({}, get(server.url("/warm"))).has_value());
  std::optional<Error> outcome;
  std::thread caller([&] {
    auto download = client.open(context, request);
    outcome = download.has_value() ? read_all(**download, context, 100).error() : download.error();
  });
  server.await_requests(2);
  source.request_stop();
  caller.join();
  CHECK(outcome->code() == ErrorCode::kCancelled);
  CHECK(server.connections() == 1);
}

TEST_CASE("the deadline ends a wait", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.hold = true}; });
  CurlHttpClient client(hermetic());
  const auto response = client.send(CallContext().with_timeout(std::chrono::milliseconds(30)), get(server.url()));
  CHECK(response.error().code() == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("a silent connection is given up after the stall timeout", "[http_client]") {
  HttpImposter server([](const ImposterRequest& request) {
    if (request.target == "/head") return ImposterReply{.hold = true};
    return ImposterReply{.body = "0123456789", .cut_body_after = 5, .ending = ImposterEnding::kStall};
  });
  CurlHttpClient client(hermetic());
  auto request = get(server.url("/head"));
  request.stall_timeout = std::chrono::milliseconds(40);
  const auto head = client.send({}, request);
  CHECK(head.error().code() == ErrorCode::kUnavailable);
  CHECK(head.error().reason() == "stalled");
  request.url = server.url("/body");
  auto download = client.open({}, request);
  REQUIRE(download.has_value());
  const auto body = read_all(**download, {}, 100);
  CHECK(body.error().code() == ErrorCode::kUnavailable);
  CHECK(body.error().reason() == "stalled");
}

TEST_CASE("time that the caller spends between reads is no stall", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = pattern(2'000'000)}; });
  CurlHttpClient client(hermetic());
  auto request = get(server.url());
  request.stall_timeout = std::chrono::milliseconds(300);
  auto download = client.open({}, request);
  std::vector<std::byte> buffer(64 << 10);
  REQUIRE((*download)->read({}, buffer).value() > 0);
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::chrono::milliseconds(700), [] { return false; });
  CHECK(read_all(**download, {}, 64 << 10).has_value());
}

TEST_CASE("a reader that takes nothing holds the sender back", "[http_client]") {
  constexpr std::size_t kSize = 64u << 20;
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = std::string(kSize, 'x')}; });
  CurlHttpClient client(hermetic());
  auto download = client.open({}, get(server.url()));
  std::vector<std::byte> small(1);
  std::size_t read = 0;
  for (int i = 0; i < 1'000; ++i) read += (*download)->read({}, small).value();
  CHECK(read == 1'000);
  // What left the sender lies in socket buffers and one receive buffer, not in memory of ours that grows.
  CHECK(server.body_bytes_sent() < kSize / 2);
  CHECK(read_all(**download, {}, 1 << 20).value().size() == kSize - 1'000);
}

TEST_CASE("a download dropped early leaves the client usable", "[http_client]") {
  HttpImposter server([](const ImposterRequest& request) {
    return ImposterReply{.body = request.target == "/big" ? std::string(8 << 20, 'x') : std::string("small")};
  });
  CurlHttpClient client(hermetic());
  {
    auto download = client.open({}, get(server.url("/big")));
    std::vector<std::byte> buffer(100);
    REQUIRE((*download)->read({}, buffer).has_value());
  }
  CHECK(client.send({}, get(server.url("/small")))->body == "small");
  CHECK(server.connections() == 2);
}

TEST_CASE("nobody listening is said with host and port", "[http_client]") {
  CurlHttpClient client(hermetic());
  const std::string host = "127.0.0.1:" + std::to_string(closed_port());
  const auto response = client.send({}, get("http://user:pw@" + host + "/?key=SECRET"));
  CHECK(response.error().code() == ErrorCode::kUnavailable);
  CHECK(response.error().reason() == "connect_failed");
  CHECK_THAT(response.error().message(), Catch::Equals("connecting to " + host + " failed: Connection refused"));
  CHECK_THAT(response.error().message(), !Catch::Contains("SECRET") && !Catch::Contains("pw@"));
}

TEST_CASE("what is not HTTP, or no answer at all, is unavailable", "[http_client]") {
  HttpImposter server([](const ImposterRequest& request) {
    if (request.target == "/none") return ImposterReply::nothing(ImposterEnding::kClose);
    if (request.target == "/reset") return ImposterReply::nothing(ImposterEnding::kReset);
    return ImposterReply{.raw = "SSH-2.0-whatever\r\n\r\n", .ending = ImposterEnding::kClose};
  });
  CurlHttpClient client(hermetic());
  const char* const path = GENERATE("/none", "/reset", "/ssh");
  CHECK(client.send({}, get(server.url(path))).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a bad URL is the caller's fault, and its secrets stay out of the text", "[http_client]") {
  CurlHttpClient client(hermetic());
  const char* const url =
      GENERATE("ftp://127.0.0.1/x?key=SECRET", "127.0.0.1?key=SECRET", "", "http://", "http://:80/",
               "http://127.0.0.1:99999/?key=SECRET", "http://a b/?key=SECRET", "http://127.0.0.1/\x01?key=SECRET");
  const auto response = client.send({}, get(url));
  CHECK(response.error().code() == ErrorCode::kInvalidArgument);
  CHECK_THAT(response.error().message(), !Catch::Contains("SECRET"));
}

TEST_CASE("certificates that cannot be had are a misconfiguration", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{}; });
  auto options = hermetic();
  SECTION("a file that is not there") {
    options.ca.file = "/no/such/bundle.pem";
  }
  SECTION("a shared store that is not there") {
    options.tls_setup = [](void* ssl_context, std::uint64_t*) { return ssl_context == nullptr; };
  }
  CurlHttpClient client(options);
  const auto response = client.send({}, get("https://127.0.0.1:" + std::to_string(server.port()) + "/"));
  CHECK(response.error().code() == ErrorCode::kMisconfigured);
  CHECK_THAT(response.error().remedy(), Catch::Contains("SSL_CERT_FILE"));
}

TEST_CASE("a header with a line break is refused", "[http_client]") {
  CurlHttpClient client(hermetic());
  auto request = get("http://127.0.0.1:1/");
  request.headers.set("X-A", "b\r\nX-C: d");
  CHECK(client.send({}, request).error().reason() == "bad_header");
}

TEST_CASE("an answer beyond the limit is too large", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = pattern(1'001)}; });
  CurlHttpClient client(hermetic());
  auto request = get(server.url());
  request.max_response_bytes = 1'001;
  CHECK(client.send({}, request)->body.size() == 1'001);
  request.max_response_bytes = 1'000;
  CHECK(client.send({}, request).error().code() == ErrorCode::kTooLarge);
}

TEST_CASE("each method is sent as itself, whatever the session did before", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = "body"}; });
  CurlHttpClient client(hermetic());
  const auto send = [&](HttpMethod method, std::string body) {
    HttpClientRequest request{.method = method, .url = server.url("/m"), .body = std::move(body)};
    return client.send({}, request);
  };
  REQUIRE(send(HttpMethod::kPost, "a=1").has_value());
  REQUIRE(send(HttpMethod::kGet, "").has_value());
  const auto head = send(HttpMethod::kHead, "");
  REQUIRE(head.has_value());
  CHECK(head->body.empty());
  CHECK(head->headers.find("Content-Length") == "4");
  REQUIRE(send(HttpMethod::kGet, "").has_value());
  REQUIRE(send(HttpMethod::kDelete, "").has_value());
  REQUIRE(send(HttpMethod::kPut, "").has_value());
  REQUIRE(send(HttpMethod::kPut, pattern(200'000)).has_value());
  CHECK(send(HttpMethod::kGet, "")->body == "body");

  std::vector<std::string> seen;
  for (const auto& request : server.requests()) {
    seen.push_back(request.method + " " + std::to_string(request.body.size()) + " " + request.header("Content-Type") +
                   request.header("Expect"));
  }
  CHECK(seen == std::vector<std::string>{"POST 3 ", "GET 0 ", "HEAD 0 ", "GET 0 ", "DELETE 0 ", "PUT 0 ", "PUT 200000 ",
                                         "GET 0 "});
  CHECK(server.connections() == 1);
}

TEST_CASE("an upload arrives whole, from memory, streamed, and streamed without a size", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.status = 201}; });
  CurlHttpClient client(hermetic());
  const std::size_t size = GENERATE(0, 1, 65'536, 300'000, 3'000'000);
  const std::string content = pattern(size);
  const MemoryBlob memory(content);
  StreamBlob stream(content);
  StreamBlob sizeless(content);
  sizeless.says_size = false;
  for (const Blob* blob : std::initializer_list<const Blob*>{&memory, &stream, &sizeless}) {
    HttpClientRequest request{.method = HttpMethod::kPut, .url = server.url("/up"), .upload = blob};
    request.headers.set("Content-Type", "image/png");
    const auto response = client.send({}, request);
    REQUIRE(response.has_value());
    CHECK(response->status == 201);
    const auto seen = server.requests().back();
    CHECK((seen.body == content));
    CHECK(seen.header("Content-Type") == "image/png");
    if (size < (1 << 20) && blob != &sizeless) CHECK(seen.header("Expect").empty());
    if (size > (1 << 20)) CHECK(seen.header("Expect") == "100-continue");
  }
}

TEST_CASE("an upload is sent again from its start when the kept connection was dead", "[http_client]") {
  std::atomic<int> calls{0};
  HttpImposter server([&](const ImposterRequest&) {
    // The first warms the connection, the second dies on it unanswered, the third is libcurl's own second try.
    if (++calls == 2) return ImposterReply::nothing(ImposterEnding::kClose);
    return ImposterReply{.body = "ok"};
  });
  CurlHttpClient client(hermetic());
  REQUIRE(client.send({}, get(server.url())).has_value());
  const StreamBlob blob(pattern(50'000));
  const HttpClientRequest request{.method = HttpMethod::kPut, .url = server.url("/up"), .upload = &blob};
  const auto response = client.send({}, request);
  if (!response.has_value()) FAIL(response.error().message());
  CHECK(response->body == "ok");
  CHECK(blob.opened == 2);
  CHECK((server.requests().back().body == pattern(50'000)));
}

TEST_CASE("a refusal before the body spares the upload", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) {
    return ImposterReply{.status = 403, .body = "no", .ending = ImposterEnding::kClose};
  });
  server.set_continue(false);
  CurlHttpClient client(hermetic());
  const StreamBlob blob(pattern(3'000'000));
  const HttpClientRequest request{.method = HttpMethod::kPut, .url = server.url("/up"), .upload = &blob};
  const auto response = client.send({}, request);
  REQUIRE(response.has_value());
  CHECK(response->status == 403);
  CHECK(blob.opened == 0);
}

TEST_CASE("a source that fails during an upload is the upload's error", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{}; });
  CurlHttpClient client(hermetic());
  StreamBlob blob(pattern(500'000));
  blob.fails_at = 210'000;
  const HttpClientRequest request{.method = HttpMethod::kPut, .url = server.url("/up"), .upload = &blob};
  const auto response = client.send({}, request);
  CHECK(response.error().code() == ErrorCode::kRateLimited);
  CHECK(response.error().message() == "the source asks for a pause");
  CHECK(server.requests().empty());
}

TEST_CASE("150 threads download at once without a byte astray", "[http_client]") {
  constexpr std::size_t kThreads = 150;
  HttpImposter server([](const ImposterRequest& request) {
    return ImposterReply{.body = pattern(20'000 + std::stoul(request.target.substr(1)) * 100)};
  });
  CurlHttpClient client(hermetic());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 4; ++i) {
        auto download = client.open({}, get(server.url("/" + std::to_string(t * 4 + i))));
        if (!download.has_value()) continue;
        const auto body = read_all(**download, {}, 8'192);
        if (body.has_value() && *body == pattern(20'000 + (t * 4 + i) * 100)) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == kThreads * 4);
  CHECK(server.connections() <= kThreads);
}

TEST_CASE("idle sessions beyond the cap are let go", "[http_client]") {
  HttpImposter server([](const ImposterRequest&) { return ImposterReply{.body = "x", .hold = true}; });
  auto options = hermetic();
  options.max_idle_sessions = 3;
  CurlHttpClient client(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { static_cast<void>(client.send({}, get(server.url()))); });
  server.await_requests(8);
  server.release();
  for (auto& thread : threads) thread.join();
  CHECK(client.idle_sessions() == 3);
}

}  // namespace
}  // namespace imgimport
