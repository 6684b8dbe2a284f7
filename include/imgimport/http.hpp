// HTTP as modules see it: requests, responses and routes as plain values. No socket, no Beast, no Asio.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

enum class HttpMethod : std::uint8_t { kGet = 1, kHead, kPost, kPut, kDelete, kOptions, kPatch, kOther };
std::string_view to_string(HttpMethod method) noexcept;

// A list of headers; names compare without case.
class HttpHeaders {
 public:
  void set(std::string_view name, std::string value);  // replaces
  void add(std::string_view name, std::string value);
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string method_text;                                     // as sent
  std::string target;                                          // as sent: path and query
  std::string path;                                            // percent-decoded
  std::vector<std::pair<std::string, std::string>> query;      // decoded, in order
  std::vector<std::pair<std::string, std::string>> path_args;  // the route's {names}, decoded
  HttpHeaders headers;
  std::string body;  // whole; at most the route's limit; empty where the route streams it
  // The body of a route with stream_body, else nullptr. Reading blocks until bytes come, and the client is slowed down
  // to the reader's pace. Ends only when the body is whole; kUnavailable: it broke off, or the client was too slow;
  // kTooLarge: beyond the route's limit. To be read until the answer is sent, by one thread at a time.
  std::shared_ptr<ByteReader> body_reader;
  std::string remote_address;  // "127.0.0.1"
  std::string request_id;      // the client's X-Request-Id where it is a sane one, else made here

  std::optional<std::string_view> query_value(std::string_view name) const noexcept;
  // REQUIRES: the route has it.
  const std::string& path_arg(std::string_view name) const;
};

// A body that is pushed piece by piece when its time comes (Server-Sent Events), holding no thread in between. Handed
// to the start function of an HttpPushBody, once the head is on its way. Thread-safe; cheap to copy.
class HttpPushWriter {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual bool write(std::string chunk) = 0;
    virtual void close() = 0;
    virtual void abort() = 0;
    virtual std::size_t queued_bytes() const = 0;
    virtual void on_gone(std::function<void()> callback) = 0;
  };
  explicit HttpPushWriter(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  // Queues a chunk; never blocks. false: the client is gone, or is more than 1 MiB behind and was cut off.
  bool write(std::string chunk) const { return sink_->write(std::move(chunk)); }
  // The body is complete.
  void close() const { sink_->close(); }
  // Breaks the connection off in the middle of the body.
  void abort() const { sink_->abort(); }
  std::size_t queued_bytes() const { return sink_->queued_bytes(); }
  // Calls back once, from any thread, when the client has gone or the body is over; at once if that is so already.
  void on_gone(std::function<void()> callback) const { sink_->on_gone(std::move(callback)); }

 private:
  std::shared_ptr<Sink> sink_;
};

struct HttpPushBody {
  std::function<void(HttpPushWriter)> start;
};

// A body that is pulled: the server calls read() on the request pool for one piece after the other, each only when the
// client has taken the one before (back-pressure; a slow client holds no thread). A failing read breaks the connection
// off, so that the client cannot take a part for the whole.
struct HttpStreamBody {
  std::unique_ptr<ByteReader> reader;
  std::optional<std::uint64_t> length;  // Content-Length; nullopt = chunked
};

// Bytes that many responses share without a copy.
using HttpSharedBody = std::shared_ptr<const std::string>;

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::variant<std::string, HttpSharedBody, HttpStreamBody, HttpPushBody> body;
  bool close_connection = false;
  bool drop_connection = false;  // resets the connection instead of answering: what a broken server does, for emulators
};

// The promise of an answer. Exactly one send() from any thread; if it is dropped unsent, the client gets a 500.
class HttpResponder {
 public:
  using Send = std::function<void(HttpResponse)>;
  explicit HttpResponder(Send send);
  ~HttpResponder();
  HttpResponder(HttpResponder&& other) noexcept;
  HttpResponder& operator=(HttpResponder&& other) noexcept;
  void send(HttpResponse response);

 private:
  Send send_;
};

// Answers at once, on a thread of the request pool; may block on the database. context.stop is requested when the
// client goes away.
using HttpHandler = std::function<HttpResponse(const CallContext&, const HttpRequest&)>;
// Answers when it can, holding no thread meanwhile (a pending reply). Called on the request pool. Context and request
// live until the call has returned and the reply is sent: whoever answers later copies what it needs.
using HttpAsyncHandler = std::function<void(const CallContext&, const HttpRequest&, HttpResponder)>;
// Looks at a request before its handler: an answer here (401, 404…) ends it. Runs on the io thread: must not block.
using HttpGuard = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

struct HttpRouteOptions {
  std::size_t max_body_bytes = 1 << 20;  // beyond it: 413
  bool on_io_thread = false;             // for answers from memory only (health): never waits for a busy pool
  bool guarded = true;                   // false: open without a token
  // The handler is called once the head is there, and reads the body itself, whatever its size, in flat memory. An
  // answer may come before the body has been read. Not together with on_io_thread.
  bool stream_body = false;
};

// A table of routes. Patterns are paths with {name} for one segment and, at the end, {name...} for the rest.
// Filled before the server starts, const afterwards.
class Router {
 public:
  struct Route {
    HttpMethod method;
    std::string pattern;
    HttpAsyncHandler handler;
    HttpRouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;  // nullptr: no such path, or not with this method
    std::vector<std::pair<std::string, std::string>> path_args;
    std::vector<HttpMethod> allowed;  // the path's methods, when only the method is wrong
  };

  void handle(HttpMethod method, std::string pattern, HttpHandler handler, HttpRouteOptions options = {});
  void handle_async(HttpMethod method, std::string pattern, HttpAsyncHandler handler, HttpRouteOptions options = {});
  // What answers GET and HEAD of a path that no route has, where `takes` says so of the raw path (the pages of a web
  // app). Never hides a 405: a path that a route has for other methods is not asked about.
  void set_fallback(std::function<bool(std::string_view path)> takes, HttpHandler handler,
                    HttpRouteOptions options = {});
  // Asked for every guarded route.
  void set_guard(HttpGuard guard);
  const HttpGuard& guard() const noexcept { return guard_; }
  const std::vector<Route>& routes() const noexcept { return routes_; }

  // GET routes answer HEAD too. `path` is the raw (still encoded) path of the target; segments are decoded one by one,
  // so that %2F stays inside its segment.
  Match match(HttpMethod method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
  std::function<bool(std::string_view path)> fallback_takes_;
  std::optional<Route> fallback_;
  HttpGuard guard_;
};

}  // namespace imgimport
