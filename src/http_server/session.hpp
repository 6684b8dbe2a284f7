// A connection's requests and answers, as the rest of the server sees them.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "http_server/body_pull.hpp"
#include "http_server/io_thread.hpp"
#include "http_server/server.hpp"
#include "http_server/server_state.hpp"
#include "imgimport/http.hpp"

struct ssl_ctx_st;

namespace imgimport {

struct Exchange;

// On its io thread only.
class Session {
 public:
  virtual ~Session() = default;
  // Checks the deadline of what the connection waits for.
  virtual void on_tick(std::chrono::steady_clock::time_point now) = 0;
  // Ends it if it waits for a further request; once the server is closing, also for the first.
  virtual void on_drain() = 0;
  // Asks the handler under way to stop.
  virtual void on_stop_requested() = 0;
  virtual void cut_off() = 0;
  virtual void on_response(const Exchange& exchange, HttpResponse response) = 0;
  virtual void on_body_part(const BodyPull& pull, Result<BodyPull::Piece> part) = 0;
  // There is something to take from the channel of a pushed body.
  virtual void on_push_wake() = 0;
  // The handler reads the body, and has room for more of it.
  virtual void on_body_wanted() = 0;
};

enum class SessionPurpose { kServe = 1, kRefuse };

struct NewConnection {
  int fd = -1;  // handed over
  bool is_v6 = false;
  std::string remote;
  const HttpListenerOptions* listener = nullptr;       // outlives the session
  const std::atomic<const Router*>* router = nullptr;  // likewise
  ssl_ctx_st* tls = nullptr;                           // nullptr: plain
  SessionPurpose purpose = SessionPurpose::kServe;
};

// From any thread. The session owns itself; it is counted in `state` until it has ended.
void start_session(ServerState& state, IoThread& io, NewConnection connection);

}  // namespace imgimport
