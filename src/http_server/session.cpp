// Requests, one after the other: one coroutine per connection reads them, has them answered and writes the answers.
#include "http_server/session.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "http_server/body_inlet.hpp"
#include "http_server/connection.hpp"
#include "http_server/exchange.hpp"
#include "http_server/request_facts.hpp"
#include "http_server/request_parser.hpp"
#include "http_server/request_target.hpp"
#include "http_server/response_writer.hpp"
#include "http_server/task.hpp"

namespace imgimport {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

constexpr std::size_t kLittleRest = 64 << 10;
constexpr std::size_t kStreamBuffer = 64 << 10;  // of a body that is streamed, for each read

// The end of a client's sending may be the end of the client: only what is sent to it tells, by the reset that comes
// back. An interim answer is one that every client of HTTP/1.1 reads over (RFC 9110, 15.2).
constexpr std::string_view kStillHere = "HTTP/1.1 102 Processing\r\n\r\n";
constexpr std::chrono::milliseconds kAskAgain{1'000};
constexpr std::chrono::milliseconds kRefusalPatience{2'000};  // with the request of a client that is to be refused

constexpr RequestProblem kSlowRequest{408, "request_timeout", "The request did not arrive in time."};
constexpr RequestProblem kTooManyConnections{503, "too_many_connections", "The server has no connection to spare."};
constexpr RequestProblem kStarting{503, "starting", "The server is starting."};
constexpr RequestProblem kDraining{503, "draining", "The server is ending."};
constexpr RequestProblem kMalformedBody{400, "malformed_request", "The request's body is not valid HTTP/1.1."};

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(ServerState& state, IoThread& io, const NewConnection& connection);

  void start();
  void on_tick(SteadyTime now) override { connection_.on_tick(now); }
  void on_drain() override;
  void on_stop_requested() override;
  void cut_off() override;
  void on_response(const Exchange& exchange, HttpResponse response) override;
  void on_body_part(const BodyPull& pull, Result<BodyPull::Piece> part) override {
    writer_.on_body_part(pull, std::move(part));
  }
  void on_push_wake() override { writer_.on_push_wake(); }
  void on_body_wanted() override { connection_.notify(); }

 private:
  static DetachedTask run_to_end(std::shared_ptr<HttpSession> self);
  // `false` = the connection is to end.
  Task<void> run();
  Task<bool> serve_one();
  Task<bool> read_head();
  Task<bool> read_body();
  Task<bool> respond(const Router::Route& route);
  Task<void> pass_body_on();
  Task<void> ask_whether_still_there();
  Task<bool> write_continue();
  Task<bool> answer_early(HttpResponse& response);
  Task<bool> answer_ourselves(HttpResponse response);
  Task<bool> refuse(const RequestProblem& problem);

  void ended(const std::exception_ptr& failure);
  std::optional<HttpResponse> ask_guard(const Router& router, const HttpRequest& request);
  std::optional<HttpResponse> not_now(const HttpRequest& request) const;
  void begin_exchange();
  void begin_inlet();
  void end_inlet(std::optional<Error> failure);
  bool rest_is_short() const;
  AnswerTo answer_to();

  ServerState& state_;
  const std::shared_ptr<IoThread> io_;
  const HttpListenerOptions& listener_;
  const std::atomic<const Router*>& router_;
  const std::string remote_;
  const SessionPurpose purpose_;
  const bool secure_;
  RequestParser parser_;
  Connection connection_;  // behind what may throw: it owns the descriptor
  ResponseWriter writer_;
  bool idle_ = false;
  bool fresh_ = true;  // no request has come yet

  // The request under way.
  std::string request_id_;
  std::optional<RequestProblem> problem_;
  bool keep_alive_ = false;
  bool http_1_1_ = true;
  bool on_io_thread_ = false;
  std::shared_ptr<Exchange> exchange_;
  std::optional<HttpResponse> response_;
  std::shared_ptr<BodyInlet> inlet_;  // while a streamed body is under way
  bool awaits_continue_ = false;      // the client sends its body only when told to
};

Error broken_off() {
  return Error(ErrorCode::kUnavailable, "The client went away in the middle of its body")
      .with_reason("body_broken_off");
}

ConnectionOptions options_for(const NewConnection& connection, const HttpServerOptions& server) {
  return {.fd = connection.fd,
          .is_v6 = connection.is_v6,
          .tls = connection.tls,
          .max_buffered = server.max_header_bytes,
          .write_timeout = server.write_timeout};
}

HttpSession::HttpSession(ServerState& state, IoThread& io, const NewConnection& connection)
    : state_(state),
      io_(io.shared_from_this()),
      listener_(*connection.listener),
      router_(*connection.router),
      remote_(connection.remote),
      purpose_(connection.purpose),
      secure_(connection.tls != nullptr),
      parser_(state.options.max_header_bytes),
      connection_(io, options_for(connection, state.options)),
      writer_(state, io, connection_) {}

void HttpSession::start() {
  io_->add(*this);
  run_to_end(shared_from_this());
}

DetachedTask HttpSession::run_to_end(std::shared_ptr<HttpSession> self) {
  std::exception_ptr failure;
  try {
    co_await self->run();
  } catch (...) {
    failure = std::current_exception();
  }
  self->ended(failure);
}

void HttpSession::ended(const std::exception_ptr& failure) {
  if (failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
      log_error("a connection failed", {{"remote", remote_}, {"error", thrown.what()}});
    }
  }
  if (exchange_) exchange_->stop.request_stop();
  connection_.close();
  io_->remove(*this);
  (purpose_ == SessionPurpose::kServe ? state_.served : state_.refused).fetch_sub(1);
  state_.leave();
}

void HttpSession::on_drain() {
  if (idle_ && (!fresh_ || state_.closing.load())) connection_.hang_up();
}

void HttpSession::on_stop_requested() {
  if (exchange_) exchange_->stop.request_stop();
}

void HttpSession::cut_off() {
  on_stop_requested();
  connection_.cut_off();
}

void HttpSession::on_response(const Exchange& exchange, HttpResponse response) {
  if (&exchange != exchange_.get() || response_) return discard_response(std::move(response), state_.requests);
  response_ = std::move(response);
  connection_.notify();
}

Task<void> HttpSession::run() {
  if (secure_) {
    const bool secured = co_await connection_.handshake(state_.options.header_timeout);
    if (!secured) co_return;
  }
  bool go_on = true;
  while (go_on) go_on = co_await serve_one();
}

Task<bool> HttpSession::read_head() {
  parser_.reset();
  keep_alive_ = false;
  http_1_1_ = true;
  request_id_.clear();
  idle_ = connection_.unread().empty();
  if (idle_) connection_.shrink();
  if (idle_ && (fresh_ ? state_.closing.load() : state_.draining.load(std::memory_order_relaxed))) co_return false;
  const bool has_place = purpose_ == SessionPurpose::kServe;
  const auto in_time = has_place ? state_.options.header_timeout : kRefusalPatience;
  connection_.set_deadline(idle_ && has_place ? state_.options.idle_timeout : in_time);
  for (;;) {
    if (!connection_.unread().empty()) {
      fresh_ = false;
      if (std::exchange(idle_, false)) connection_.set_deadline(in_time);
      const auto fed = parser_.feed_head(connection_.unread());
      connection_.consume(fed.consumed);
      if (fed.outcome == RequestParser::Outcome::kComplete) co_return true;
      if (fed.outcome == RequestParser::Outcome::kFailed) co_return co_await refuse(parser_.problem());
    }
    const bool more = co_await connection_.read_more();
    if (more) continue;
    if (connection_.timed_out() && !has_place) co_return co_await refuse(kTooManyConnections);
    if (connection_.timed_out() && !idle_) co_return co_await refuse(kSlowRequest);
    co_return false;
  }
}

// false: problem_ says what to answer, if anything.
Task<bool> HttpSession::read_body() {
  problem_.reset();
  connection_.set_deadline(state_.options.body_timeout);
  for (;;) {
    const auto fed = parser_.feed_body(connection_.unread());
    connection_.consume(fed.consumed);
    if (fed.outcome == RequestParser::Outcome::kComplete) co_return true;
    if (fed.outcome == RequestParser::Outcome::kFailed) {
      problem_ = parser_.problem();
      co_return false;
    }
    const bool more = co_await connection_.read_more();
    if (more) continue;
    if (connection_.timed_out()) problem_ = kSlowRequest;
    // No room: a chunk's head that never ends.
    if (!connection_.timed_out() && !connection_.ended() && !connection_.lost()) problem_ = kMalformedBody;
    co_return false;
  }
}

Task<bool> HttpSession::serve_one() {
  const bool has_head = co_await read_head();
  if (!has_head) co_return false;
  HttpRequest& request = parser_.request();
  keep_alive_ = parser_.keep_alive() && purpose_ == SessionPurpose::kServe;
  http_1_1_ = parser_.is_http_1_1();
  awaits_continue_ = !parser_.body_complete() && parser_.expects_continue() && connection_.unread().empty();
  request.request_id = choose_request_id(request);
  request.remote_address = remote_;
  request_id_ = request.request_id;
  if (auto split = split_target(request); !split) {
    co_return co_await answer_ourselves(error_response(split.error(), request));
  }
  if (auto refusal = not_now(request)) co_return co_await answer_ourselves(*std::move(refusal));
  const Router& router = *router_.load();
  Router::Match match = router.match(request.method, raw_path(request.target));
  if (match.route == nullptr) {
    co_return co_await answer_ourselves(no_route_response(request, match.allowed));
  }
  request.path_args = std::move(match.path_args);
  const Router::Route& route = *match.route;
  if (route.options.guarded && router.guard()) {
    std::optional<HttpResponse> refusal = ask_guard(router, request);
    if (refusal) co_return co_await answer_early(*refusal);
  }
  parser_.limit_body(route.options.max_body_bytes);
  const auto length = parser_.content_length();
  if (length && *length > route.options.max_body_bytes) co_return co_await refuse(RequestParser::body_too_large());
  if (!parser_.body_complete() && !route.options.stream_body) {
    const bool asked = co_await write_continue();
    if (!asked) co_return false;
    const bool whole = co_await read_body();
    if (!whole && problem_) co_return co_await refuse(*problem_);
    if (!whole) co_return false;
  }
  co_return co_await respond(route);
}

std::optional<HttpResponse> HttpSession::not_now(const HttpRequest& request) const {
  const bool has_place = purpose_ == SessionPurpose::kServe;
  if (has_place && state_.serves()) return std::nullopt;
  const auto& always = state_.options.always_answered;
  std::string_view path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (std::find(always.begin(), always.end(), path) != always.end()) return std::nullopt;
  if (!has_place) return problem_response(kTooManyConnections, request_id_);
  if (request.headers.find("Accept") == std::string_view("text/event-stream")) {
    // An EventSource never comes back after an answer that is not 200, but it does after a broken connection.
    HttpResponse nothing;
    nothing.drop_connection = true;
    return nothing;
  }
  return problem_response(state_.draining.load() ? kDraining : kStarting, request_id_);
}

std::optional<HttpResponse> HttpSession::ask_guard(const Router& router, const HttpRequest& request) {
  try {
    std::optional<HttpResponse> refusal = router.guard()(request);
    if (!refusal || refusal->body.index() < 2) return refusal;
    return error_response(Error(ErrorCode::kInternal, "a guard must answer with a text"), request);
  } catch (const std::exception& failure) {
    return error_response(Error(ErrorCode::kInternal, std::string("the guard: ") + failure.what()), request);
  }
}

AnswerTo HttpSession::answer_to() {
  const HttpRequest& request = exchange_ ? exchange_->request : parser_.request();
  return {.exchange = exchange_,
          .request_id = request_id_,
          .keep_alive = keep_alive_,
          .http_1_1 = http_1_1_,
          .head_only = request.method == HttpMethod::kHead,
          .on_io_thread = on_io_thread_};
}

Task<bool> HttpSession::write_continue() {
  if (!std::exchange(awaits_continue_, false)) co_return true;
  co_return co_await connection_.write("HTTP/1.1 100 Continue\r\n\r\n");
}

// Of a body that nobody wants: short enough to be read over, so that the connection can be kept.
bool HttpSession::rest_is_short() const {
  const auto length = parser_.content_length();
  return length && *length <= kLittleRest && !awaits_continue_;
}

// An answer before the body has been read. A short rest of a body is read over afterwards, a long one ends the
// connection.
Task<bool> HttpSession::answer_early(HttpResponse& response) {
  const bool whole = parser_.body_complete();
  if (!whole && !rest_is_short()) response.close_connection = true;
  const AnswerTo to = answer_to();
  const bool go_on = co_await writer_.write(response, to);
  if (!go_on) co_return false;
  if (whole) co_return true;
  parser_.discard_body();
  co_return co_await read_body();
}

Task<bool> HttpSession::answer_ourselves(HttpResponse response) {
  if (listener_.finish) listener_.finish(parser_.request(), response);
  co_return co_await answer_early(response);
}

Task<bool> HttpSession::refuse(const RequestProblem& problem) {
  if (request_id_.empty()) request_id_ = random_token(8);
  HttpResponse response = problem_response(problem, request_id_);
  if (listener_.finish) listener_.finish(parser_.request(), response);
  const AnswerTo to = answer_to();
  co_return co_await writer_.write(response, to);
}

void HttpSession::begin_exchange() {
  exchange_ = std::make_shared<Exchange>();
  exchange_->request = std::move(parser_.request());
  exchange_->context.stop = exchange_->stop.get_token();
  exchange_->context.deadline = deadline_of(exchange_->request, SteadyClock::now());
  exchange_->context.request_id = exchange_->request.request_id;
  exchange_->io = io_;
  exchange_->session = weak_from_this();
}

void HttpSession::begin_inlet() {
  inlet_ = std::make_shared<BodyInlet>([io = io_, weak = weak_from_this()] {
    io->post([weak] {
      if (const auto session = weak.lock()) session->on_body_wanted();
    });
  });
  exchange_->request.body_reader = inlet_;
  connection_.set_deadline(state_.options.body_timeout);
}

void HttpSession::end_inlet(std::optional<Error> failure) {
  if (failure) {
    inlet_->fail(*std::move(failure));
  } else {
    inlet_->finish();
  }
  inlet_.reset();
  connection_.clear_deadline();
}

// To the handler, as far as it has room; then leaves a read under way, with a time for its end.
Task<void> HttpSession::pass_body_on() {
  if (!inlet_->has_room() || (awaits_continue_ && !inlet_->is_wanted())) {
    connection_.clear_deadline();
    co_return;
  }
  const bool asked = co_await write_continue();
  const auto fed = parser_.feed_body(connection_.unread());
  connection_.consume(fed.consumed);
  inlet_->push(parser_.take_body());
  if (fed.outcome == RequestParser::Outcome::kComplete) co_return end_inlet(std::nullopt);
  if (fed.outcome == RequestParser::Outcome::kFailed) {
    const RequestProblem& problem = parser_.problem();
    const ErrorCode code = problem.status == 413 ? ErrorCode::kTooLarge : ErrorCode::kInvalidArgument;
    keep_alive_ = false;
    co_return end_inlet(Error(code, std::string(problem.message)).with_reason(std::string(problem.code)));
  }
  if (connection_.timed_out()) {
    co_return end_inlet(
        Error(ErrorCode::kUnavailable, "The request's body did not arrive in time").with_reason("request_timeout"));
  }
  if (!asked || connection_.ended()) {
    // The reader first, so that it can say why.
    end_inlet(broken_off());
    exchange_->stop.request_stop();
    co_return;
  }
  if (fed.consumed > 0 || !connection_.has_deadline()) connection_.set_deadline(state_.options.body_timeout);
  connection_.grow(kStreamBuffer);
  connection_.start_read();
}

// Of a client that has said all it has to say, now and then while its answer takes its time.
Task<void> HttpSession::ask_whether_still_there() {
  if (inlet_ || !connection_.ended() || connection_.has_deadline()) co_return;
  if (connection_.timed_out() && http_1_1_) {
    const bool sent = co_await connection_.write(kStillHere);
    if (!sent) co_return;
  }
  connection_.set_deadline(kAskAgain);
}

Task<bool> HttpSession::respond(const Router::Route& route) {
  connection_.clear_deadline();
  begin_exchange();
  if (route.options.stream_body) begin_inlet();
  on_io_thread_ = route.options.on_io_thread;
  dispatch(exchange_, route, state_.requests);
  while (!response_ && !connection_.lost()) {
    if (inlet_) co_await pass_body_on();
    if (!inlet_) writer_.watch_client(exchange_);
    if (response_ || connection_.lost()) break;
    co_await ask_whether_still_there();
    if (response_ || connection_.lost()) break;
    co_await connection_.event();
  }
  if (connection_.ended()) connection_.clear_deadline();
  if (inlet_) end_inlet(connection_.lost() ? broken_off() : Error(ErrorCode::kCancelled, "the request was answered"));
  const bool whole = parser_.body_complete();
  bool go_on = false;
  if (response_ && !connection_.lost()) {
    HttpResponse response = std::move(*response_);
    // A handler that threw or said nothing: the answer's words will be ours.
    const bool is_bare = response.status >= 400 && response.headers.all().empty();
    if (is_bare && listener_.finish) listener_.finish(exchange_->request, response);
    if (!whole && !rest_is_short()) response.close_connection = true;
    const AnswerTo to = answer_to();
    go_on = co_await writer_.write(response, to);
  }
  if (response_) discard_response(std::move(*response_), state_.requests);
  response_.reset();
  if (!go_on) exchange_->stop.request_stop();
  exchange_.reset();
  if (!go_on || whole) co_return go_on;
  parser_.discard_body();
  co_return co_await read_body();
}

}  // namespace

void start_session(ServerState& state, IoThread& io, NewConnection connection) {
  auto& count = connection.purpose == SessionPurpose::kServe ? state.served : state.refused;
  count.fetch_add(1);
  state.enter();
  io.post([&state, &io, &count, connection = std::move(connection)] {
    std::shared_ptr<HttpSession> session;
    try {
      if (!state.closing.load()) session = std::make_shared<HttpSession>(state, io, connection);
    } catch (const std::exception& failure) {
      log_error("a connection failed", {{"remote", connection.remote}, {"error", failure.what()}});
    }
    if (session) return session->start();
    close(connection.fd);
    count.fetch_sub(1);
    state.leave();
  });
}

}  // namespace imgimport
