// The HTTP server: Beast and Asio coroutines behind plain values (imgimport/http.hpp). This header is all that anybody
// else sees of them.
//
// What it promises its clients: HTTP/1.1 keep-alive and pipelining (answers in order), a header beyond 64 KiB gets 431
// (414 where the address is what makes it so long) and a body beyond the route's limit 413, both readable (the rest is
// read on, bounded, before closing); an unknown path 404, a wrong method 405 with Allow, a malformed request 400, all
// in the API's error shape; OPTIONS and CORS are a router's affair. A client that is slower than the time-outs is cut
// off. Beyond the connection cap, a request gets 503, unless it asks for what is always answered. A client may end its
// sending once it has asked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  // Paths that are answered while the server starts or drains, too. Elsewhere a new request gets 503 then.
  std::vector<std::string> always_answered{"/health", "/ready"};
};

struct HttpListenerOptions {
  std::string name;  // of the module, for logs and errors
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;          // 0 = pick one
  const Router* router = nullptr;  // outlives the server
  std::optional<TlsFiles> tls;
  // Called, on an io thread, for each answer that is the server's own and no handler's or guard's (404, 405, 413,
  // 503…), with what is known of its request: without a whole head, that is nothing.
  std::function<void(const HttpRequest& request, HttpResponse& response)> finish;
};

// listen() for each port, then start() (or start_early() and open()), then drain() and stop(). Driven by one thread.
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
  // Serves what is always answered alone, until open().
  void start_early();
  // From the next request on, `after` answers on the ports that `before` has. REQUIRES: both outlive the server.
  void hand_over(const Router& before, const Router& after);
  void open();
  // Answers under way are finished and say "Connection: close"; idle connections are closed. Ports stay open: a new
  // connection gets one answer, a 503 unless it asks for what is always answered. Does not block.
  void drain();
  // Drains, closes the ports; returns when all connections have ended, cut off at `deadline`. Idempotent.
  void stop(std::chrono::steady_clock::time_point deadline);

  std::size_t open_connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace imgimport
