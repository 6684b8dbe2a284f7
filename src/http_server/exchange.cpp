#include "http_server/exchange.hpp"

#include <exception>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "http_server/session.hpp"

namespace imgimport {
namespace {

void hand_over(const Exchange& exchange, Executor& pool, HttpResponse response) {
  if (const auto session = exchange.session.lock()) {
    session->on_response(exchange, std::move(response));
  } else {
    discard_response(std::move(response), pool);
  }
}

void deliver(const std::shared_ptr<Exchange>& exchange, Executor& pool, HttpResponse response) {
  if (exchange->io->runs_here()) return hand_over(*exchange, pool, std::move(response));
  // Nobody is there any more: what the response holds ends on this thread, which may block.
  if (exchange->session.expired()) return;
  exchange->io->post([exchange, &pool, response = std::make_shared<HttpResponse>(std::move(response))] {
    hand_over(*exchange, pool, std::move(*response));
  });
}

void call_handler(const Router::Route& route, const Exchange& exchange, HttpResponder responder) {
  std::string failure;
  try {
    route.handler(exchange.context, exchange.request, std::move(responder));
    return;
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "not a std::exception";
  }
  log_error("a handler threw",
            {{"path", exchange.request.path}, {"request_id", exchange.request.request_id}, {"error", failure}});
}

// Tasks for the pool, which must report even if the pool drops them.
struct HandlerCall {
  const Router::Route& route;
  std::shared_ptr<Exchange> exchange;
  HttpResponder responder;
};

class PullCall {
 public:
  PullCall(std::shared_ptr<Exchange> exchange, std::shared_ptr<BodyPull> body)
      : exchange_(std::move(exchange)), body_(std::move(body)) {}
  PullCall(const PullCall&) = delete;
  PullCall& operator=(const PullCall&) = delete;
  ~PullCall() {
    if (!reported_) report(Error(ErrorCode::kCancelled, "the server is ending"));
  }
  void run() { report(body_->read(exchange_->context)); }

 private:
  void report(Result<BodyPull::Piece> part) {
    reported_ = true;
    exchange_->io->post([exchange = exchange_, body = body_, part = std::move(part)] {
      if (const auto session = exchange->session.lock()) session->on_body_part(*body, part);
    });
  }

  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<BodyPull> body_;
  bool reported_ = false;
};

}  // namespace

void dispatch(const std::shared_ptr<Exchange>& exchange, const Router::Route& route, Executor& pool) {
  HttpResponder responder([exchange, &pool](HttpResponse response) { deliver(exchange, pool, std::move(response)); });
  if (route.options.on_io_thread) return call_handler(route, *exchange, std::move(responder));
  auto call = std::make_shared<HandlerCall>(HandlerCall{route, exchange, std::move(responder)});
  pool.post([call = std::move(call)] { call_handler(call->route, *call->exchange, std::move(call->responder)); });
}

void pull_piece(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<BodyPull>& body, Executor& pool) {
  auto call = std::make_shared<PullCall>(exchange, body);
  pool.post([call = std::move(call)] { call->run(); });
}

void discard_response(HttpResponse response, Executor& pool) {
  if (auto* stream = std::get_if<HttpStreamBody>(&response.body); stream != nullptr && stream->reader) {
    pool.post([reader = std::shared_ptr<ByteReader>(std::move(stream->reader))] {});
  }
}

}  // namespace imgimport
