// Answers onto a connection: texts, streams that are pulled and bodies that are pushed, and how each ends when it
// cannot be completed.
//
// Threading: on the connection's io thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http_server/body_pull.hpp"
#include "http_server/connection.hpp"
#include "http_server/exchange.hpp"
#include "http_server/push_channel.hpp"
#include "http_server/response_head.hpp"
#include "http_server/server_state.hpp"
#include "http_server/task.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// What an answer's form depends on, of the request that it belongs to.
struct AnswerTo {
  std::shared_ptr<Exchange> exchange;  // nullptr: no handler was asked; the answer is a text
  std::string request_id;
  bool keep_alive = false;  // as far as the request goes
  bool http_1_1 = true;
  bool head_only = false;  // of a HEAD
  bool on_io_thread = false;
};

class ResponseWriter {
 public:
  // REQUIRES: all outlive it.
  ResponseWriter(ServerState& state, IoThread& io, Connection& connection)
      : state_(state), io_(io), connection_(connection) {}

  // Writes the whole answer; when it is the connection's last, also ends it so that the client can read it. false: no
  // further request is to be read.
  Task<bool> write(HttpResponse& response, const AnswerTo& to);

  void on_body_part(const BodyPull& pull, Result<BodyPull::Piece> part);
  void on_push_wake();
  // Keeps a read under way, and tells the handler when the connection is gone. To be called whenever something is
  // waited for that is not the client's.
  void watch_client(const std::shared_ptr<Exchange>& exchange);

 private:
  using BodyPart = Result<BodyPull::Piece>;
  Task<bool> write_text(const HttpResponse& response, ResponseFrame frame, std::string_view body);
  Task<bool> write_stream(HttpResponse& response, const AnswerTo& to);
  Task<bool> write_push(HttpResponse& response, const AnswerTo& to);
  Task<bool> pump_push(bool chunked, const AnswerTo& to);
  ResponseFrame frame_for(const HttpResponse& response, const AnswerTo& to) const;
  void start_push(HttpPushBody& body, const AnswerTo& to);
  void break_off(const AnswerTo& to);

  ServerState& state_;
  IoThread& io_;
  Connection& connection_;
  std::shared_ptr<BodyPull> pull_;
  std::optional<BodyPart> part_;
  std::shared_ptr<PushChannel> push_;
  std::string out_;
};

}  // namespace imgimport
