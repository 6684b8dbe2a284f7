// A small HTTP server on 127.0.0.1 that answers by script, badly if asked to: for tests of everything that calls out.
//
// Plain blocking sockets, a thread per connection. The script is called on those threads, and must be thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace imgimport::test {

struct ImposterRequest {
  std::string method;
  std::string target;  // path and query, as sent
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t connection = 0;  // which connection it came on, from 0

  // By name without case; empty when there is none.
  std::string header(std::string_view name) const;
  // A query parameter's value as sent (still percent-encoded).
  std::string query(std::string_view name) const;
  std::string path() const { return target.substr(0, target.find('?')); }
};

enum class ImposterEnding : std::uint8_t {
  kKeepAlive = 1,  // the next request may come on this connection
  kClose,          // an orderly close
  kReset,          // RST
  kStall,          // the connection stays, nothing comes; until release() or the end
};

struct ImposterReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<std::string> raw;             // sent instead of all the above
  std::optional<std::size_t> cut_body_after;  // so many bytes of the body; the head still announces all
  bool announce_length = true;                // Content-Length; else the end of the connection is the end of the body
  bool hold = false;                          // nothing is sent until release()
  ImposterEnding ending = ImposterEnding::kKeepAlive;

  static ImposterReply json(std::string text, int code = 200) {
    return {.status = code, .headers = {{"Content-Type", "application/json; charset=UTF-8"}}, .body = std::move(text)};
  }
  static ImposterReply nothing(ImposterEnding ending) { return {.raw = "", .ending = ending}; }
};

class HttpImposter {
 public:
  using Script = std::function<ImposterReply(const ImposterRequest&)>;

  explicit HttpImposter(Script script);
  ~HttpImposter();
  HttpImposter(const HttpImposter&) = delete;
  HttpImposter& operator=(const HttpImposter&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  // "http://127.0.0.1:PORT" + path.
  std::string url(std::string_view path = {}) const;

  std::vector<ImposterRequest> requests() const;
  std::size_t connections() const noexcept { return connections_; }
  // Bytes of bodies that the system has taken from this side so far.
  std::size_t body_bytes_sent() const noexcept { return body_bytes_sent_; }
  // Blocks until so many requests have come in whole, or were held or answered.
  void await_requests(std::size_t count) const;
  // Lets everything held or stalled go on, now and from now on.
  void release();
  // Whether an "Expect: 100-continue" is answered by 100 (the default); otherwise such a body is never asked for.
  void set_continue(bool answers) noexcept { continues_ = answers; }

 private:
  struct Connection {
    int fd;
    std::size_t number;
    std::thread thread;
  };

  void accept_all();
  void serve(Connection& connection);
  bool read_request(Connection& connection, std::string& buffer, ImposterRequest& request);
  bool read_body(int fd, std::string& buffer, ImposterRequest& request);
  bool answer(int fd, const ImposterReply& reply, const ImposterRequest& request);
  bool send_body(int fd, std::string_view body);
  void await_release();

  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> body_bytes_sent_{0};
  std::atomic<bool> continues_{true};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<ImposterRequest> requests_;  // guarded by mutex_
  std::list<Connection> open_;             // guarded by mutex_
  bool released_ = false;                  // guarded by mutex_
  bool stopping_ = false;                  // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace imgimport::test
