// A server with routes of the test's own, on a port of its own.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/thread_pool.hpp"
#include "http_server/server.hpp"
#include "support/raw_http.hpp"

namespace imgimport::testing {

inline constexpr std::chrono::seconds kPatience{20};

// Something that one thread waits for and another brings about. Waiting in vain returns false.
class Event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return set_; });
  }
  bool is_set() {
    const std::lock_guard lock(mutex_);
    return set_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// A value that another thread hands over.
template <class T>
class Handover {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    changed_.notify_all();
  }
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
};

inline HttpResponse text_response(std::string text, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

struct ServerSetup {
  std::function<void(Router&)> routes;
  HttpServerOptions options;
  std::size_t pool_threads = 2;
  std::optional<TlsFiles> tls;
  std::function<void(const HttpRequest&, HttpResponse&)> finish = {};
};

class TestServer {
 public:
  explicit TestServer(const ServerSetup& setup)
      : pool("test-requests", setup.pool_threads), server(setup.options, pool) {
    setup.routes(router);
    HttpListenerOptions listener;
    listener.name = "test";
    listener.router = &router;
    listener.tls = setup.tls;
    listener.finish = setup.finish;
    const auto bound = server.listen(listener);
    REQUIRE(bound.has_value());
    port = *bound;
    server.start();
  }
  ~TestServer() { server.stop(std::chrono::steady_clock::now()); }

  Router router;
  ThreadPool pool;
  HttpServer server;
  std::uint16_t port = 0;
};

inline void add_hello(Router& router) {
  router.handle(HttpMethod::kGet, "/hello",
                [](const CallContext&, const HttpRequest&) { return text_response("hello"); }, {.on_io_thread = true});
}

inline bool has_error_shape(const RawResponse& response) {
  return response.header("Content-Type") == "application/json" && response.body.starts_with(R"({"error":")") &&
         response.body.find(R"(","code":")") != std::string::npos &&
         response.body.find(R"(","remedy":")") != std::string::npos &&
         response.body.find(R"("remedy":"")") == std::string::npos &&
         response.body.find(R"(","request_id":")") != std::string::npos;
}

}  // namespace imgimport::testing
