// A connection, as the rest of the server sees it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "http_server/body_pull.hpp"
#include "http_server/io_thread.hpp"
#include "http_server/server.hpp"
#include "imgimport/executor.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

struct Exchange;

// What all connections of a server share.
struct ServerState {
  ServerState(const HttpServerOptions& given, Executor& executor) : options(given), requests(executor) {}

  const HttpServerOptions options;
  Executor& requests;
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> served{0};   // connections
  std::atomic<std::size_t> refused{0};  // connections beyond the cap that are being told so

  // Counts what must have ended before the server may.
  void enter();
  void leave();
  // false: `deadline` came first.
  bool wait_for_end(std::chrono::steady_clock::time_point deadline);

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t under_way_ = 0;  // guarded by mutex_
};

// On its io thread only.
class Session {
 public:
  virtual ~Session() = default;
  // Checks the deadline of what the connection waits for.
  virtual void on_tick(std::chrono::steady_clock::time_point now) = 0;
  // Ends it if it is idle.
  virtual void on_drain() = 0;
  // Asks the handler under way to stop.
  virtual void on_stop_requested() = 0;
  virtual void cut_off() = 0;
  virtual void on_response(const Exchange& exchange, HttpResponse response) = 0;
  virtual void on_body_part(const BodyPull& pull, Result<BodyPull::Piece> part) = 0;
};

enum class SessionPurpose { kServe = 1, kRefuse };

struct NewConnection {
  int fd = -1;  // handed over
  bool is_v6 = false;
  std::string remote;
  const Router* router = nullptr;
  ssl_ctx_st* tls = nullptr;  // nullptr: plain
  SessionPurpose purpose = SessionPurpose::kServe;
};

// From any thread. The session owns itself; it is counted in `state` until it has ended.
void start_session(ServerState& state, IoThread& io, NewConnection connection);

}  // namespace imgimport
