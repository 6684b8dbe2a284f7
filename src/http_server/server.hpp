// The HTTP server: Beast and Asio coroutines behind plain values (imgimport/http.hpp). This header is all that anybody
// else sees of them.
//
// What it promises its clients: HTTP/1.1 keep-alive and pipelining (answers in order), a header beyond 64 KiB gets 431
// and a body beyond the route's limit 413, both readable (the rest is read on, bounded, before closing); an unknown
// path 404, a wrong method 405 with Allow, a malformed request 400, all in the API's error shape; OPTIONS and CORS are
// a router's affair. A client that is slower than the time-outs is cut off. Beyond the connection cap, a connection
// gets 503.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http_server/tls_files.hpp"
#include "imgimport/executor.hpp"
#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct HttpServerOptions {
  std::size_t io_threads = 1;
  std::size_t max_connections = 1024;  // all listeners together
  std::size_t max_header_bytes = 64 << 10;
  std::chrono::milliseconds header_timeout{15'000};  // from a request's first byte to the end of its head
  std::chrono::milliseconds body_timeout{60'000};    // for the body, whole
  std::chrono::milliseconds idle_timeout{75'000};    // between requests of one connection
  std::chrono::milliseconds write_timeout{60'000};   // without the client taking a byte
};

struct HttpListenerOptions {
  std::string name;  // of the module, for logs and errors
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;          // 0 = pick one
  const Router* router = nullptr;  // outlives the server
  std::optional<TlsFiles> tls;
};

// listen() for each port, then start(), then drain() and stop(). Driven by one thread.
class HttpServer {
 public:
  // Handlers run on `requests`, which outlives the server.
  HttpServer(HttpServerOptions options, Executor& requests);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds and returns the port. kMisconfigured: taken, not allowed, no such address, an unreadable certificate.
  // Connections wait in the backlog until start().
  Result<std::uint16_t> listen(const HttpListenerOptions& options);
  void start();
  // No new connections; idle ones are closed, answers under way say "Connection: close". Does not block.
  void drain();
  // Drains; returns when all connections have ended, cut off at `deadline`. Idempotent.
  void stop(std::chrono::steady_clock::time_point deadline);

  std::size_t open_connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace imgimport
