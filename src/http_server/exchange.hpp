// One request on its way between a connection and whoever answers it.
#pragma once

#include <memory>
#include <stop_token>

#include "http_server/body_pull.hpp"
#include "http_server/io_thread.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/executor.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

class Session;

// Outlives its session if the answer is late.
struct Exchange {
  HttpRequest request;  // const once it has been dispatched
  std::stop_source stop;
  CallContext context;
  std::shared_ptr<IoThread> io;
  std::weak_ptr<Session> session;  // locked on the io thread only, so that sessions end there
};

// Has `handler` called, on the pool or (on_io_thread) right here; its answer, or a 500 for want of one, arrives at the
// session's on_response.
void dispatch(const std::shared_ptr<Exchange>& exchange, const Router::Route& route, Executor& pool);

// Has the pool read the next piece; it arrives at the session's on_body_part, or an error if the pool drops the task.
void pull_piece(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<BodyPull>& body, Executor& pool);

// Destroys a response that is not sent, on the pool: closing a reader may block.
void discard_response(HttpResponse response, Executor& pool);

}  // namespace imgimport
