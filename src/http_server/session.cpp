// The connection itself: one coroutine per connection reads requests, has them answered and writes the answers.
#include "http_server/session.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <new>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "http_server/exchange.hpp"
#include "http_server/push_channel.hpp"
#include "http_server/request_facts.hpp"
#include "http_server/request_parser.hpp"
#include "http_server/request_target.hpp"
#include "http_server/response_head.hpp"

namespace imgimport {
namespace {

using BodyPart = Result<BodyPull::Piece>;
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

using IoExecutor = asio::io_context::executor_type;
using Awaitable = asio::use_awaitable_t<IoExecutor>;
template <class T>
using Task = asio::awaitable<T, IoExecutor>;
using Socket = asio::basic_stream_socket<Tcp, IoExecutor>;
using WaitHandler = asio::async_result<Awaitable, void()>::handler_type;
constexpr auto kTuple = asio::as_tuple(Awaitable{});

// How long and how much is read on after a last answer, so that closing does not take it away from the client.
constexpr std::chrono::milliseconds kLingerTime{3'000};
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::size_t kFirstBuffer = 4 << 10;
constexpr std::size_t kSmallBody = 16 << 10;   // up to here, copying it behind the head is cheaper than a second buffer
constexpr std::size_t kLittleRest = 64 << 10;  // of a body that nobody wants: read over, to keep the connection

constexpr RequestProblem kSlowRequest{408, "request_timeout", "The request did not arrive in time."};
constexpr RequestProblem kTooManyConnections{503, "too_many_connections", "The server has no connection to spare."};
constexpr RequestProblem kMalformedBody{400, "malformed_request", "The request's body is not valid HTTP/1.1."};

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(ServerState& state, IoThread& io, NewConnection connection);
  ~HttpSession() override;
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  void start();
  void on_tick(SteadyTime now) override;
  void on_drain() override;
  void on_stop_requested() override;
  void cut_off() override;
  void on_response(const Exchange& exchange, HttpResponse response) override;
  void on_body_part(const BodyPull& pull, BodyPart part) override;

 private:
  // The coroutine; `false` = the connection is to end.
  Task<void> run();
  Task<bool> handshake();
  Task<bool> serve_one();
  Task<bool> read_head();
  Task<bool> read_body();
  Task<bool> respond(const Router::Route& route);
  Task<bool> answer_early(HttpResponse& response);
  Task<bool> refuse(const RequestProblem& problem);
  Task<bool> write_response(HttpResponse& response);
  Task<bool> write_text(const HttpResponse& response, ResponseFrame frame, std::string_view body);
  Task<bool> write_stream(HttpResponse& response, ResponseFrame frame);
  Task<bool> write_push(HttpResponse& response, ResponseFrame frame);
  Task<bool> pump_push(bool chunked);
  Task<bool> write(std::string_view first, std::string_view second = {});
  Task<void> linger();
  Task<bool> read_more();
  Task<void> wait_event();

  void ended(const std::exception_ptr& failure);
  std::optional<HttpResponse> ask_guard(const HttpRequest& request);
  void begin_exchange();
  void start_push(HttpPushBody& body);
  void on_push_wake();
  void start_read();
  void on_read(error_code error, std::size_t bytes);
  void watch_client();
  void shrink_buffers();
  void notify();
  void break_off();
  void reset_connection();
  void set_deadline(std::chrono::milliseconds from_now);
  bool client_lost() const { return broken_ || cut_; }
  std::string_view unread() const { return {in_.data() + begin_, end_ - begin_}; }
  ResponseFrame frame_for(const HttpResponse& response);

  ServerState& state_;
  const std::shared_ptr<IoThread> io_;
  const Router& router_;
  const std::string remote_;
  const SessionPurpose purpose_;
  Socket socket_;
  std::unique_ptr<ssl::stream<Socket&>> tls_;
  std::optional<WaitHandler> waiter_;  // the coroutine, while it waits for an event

  // Reading: one read is under way at most, also while a handler or a body is waited for, which is how a client that
  // leaves is noticed. What it brings early belongs to the next request.
  RequestParser parser_;
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t received_ = 0;
  bool reading_ = false;
  bool raw_ = false;     // TLS is over: what still comes is only thrown away
  bool eof_ = false;     // the client sends no more
  bool broken_ = false;  // the connection is gone

  // Time.
  SteadyTime deadline_ = SteadyTime::max();
  bool writing_ = false;          // a deadline closes the socket rather than waking the coroutine
  bool in_tls_exchange_ = false;  // likewise; the beginning or end of TLS
  int unsent_ = -1;               // of the kernel's buffer at the last tick
  bool timed_out_ = false;
  bool cut_ = false;
  bool idle_ = false;
  bool hang_up_ = false;

  // The request under way.
  std::string request_id_;
  std::optional<RequestProblem> problem_;
  bool keep_alive_ = false;
  bool http_1_1_ = true;
  bool on_io_thread_ = false;
  std::shared_ptr<Exchange> exchange_;
  std::optional<HttpResponse> response_;
  std::shared_ptr<BodyPull> pull_;
  std::optional<BodyPart> part_;
  std::shared_ptr<PushChannel> push_;
  std::string out_;
};

HttpSession::HttpSession(ServerState& state, IoThread& io, NewConnection connection)
    : state_(state),
      io_(io.shared_from_this()),
      router_(*connection.router),
      remote_(std::move(connection.remote)),
      purpose_(connection.purpose),
      socket_(io.context().get_executor()),
      parser_(state.options.max_header_bytes) {
  if (connection.tls != nullptr) {
    SSL* stream = SSL_new(connection.tls);
    if (stream == nullptr) throw std::bad_alloc();
    tls_ = std::make_unique<ssl::stream<Socket&>>(socket_, stream);
  }
  // Last, since the descriptor is the caller's if this fails.
  socket_.assign(connection.is_v6 ? Tcp::v6() : Tcp::v4(), connection.fd);
}

HttpSession::~HttpSession() = default;

void HttpSession::start() {
  io_->add(*this);
  asio::co_spawn(
      io_->context(), [self = shared_from_this()] { return self->run(); },
      [self = shared_from_this()](const std::exception_ptr& failure) { self->ended(failure); });
}

void HttpSession::ended(const std::exception_ptr& failure) {
  if (failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
      log_error("connection_failed", {{"remote", remote_}, {"error", thrown.what()}});
    }
  }
  if (exchange_) exchange_->stop.request_stop();
  error_code ignored;
  socket_.close(ignored);
  io_->remove(*this);
  (purpose_ == SessionPurpose::kServe ? state_.served : state_.refused).fetch_sub(1);
  state_.leave();
}

void HttpSession::on_tick(SteadyTime now) {
  if (writing_) {
    // A slow client that still takes bytes frees the kernel's buffer long before the socket is writable again.
    int unsent = 0;
    if (ioctl(socket_.native_handle(), SIOCOUTQ, &unsent) == 0 && unsent != unsent_) {
      unsent_ = unsent;
      deadline_ = now + state_.options.write_timeout;
    }
  }
  if (now < deadline_) return;
  deadline_ = SteadyTime::max();
  timed_out_ = true;
  if (writing_ || in_tls_exchange_) reset_connection();
  notify();
}

void HttpSession::on_drain() {
  if (!idle_) return;
  hang_up_ = true;
  notify();
}

void HttpSession::on_stop_requested() {
  if (exchange_) exchange_->stop.request_stop();
}

void HttpSession::cut_off() {
  cut_ = true;
  on_stop_requested();
  reset_connection();
  notify();
}

void HttpSession::on_response(const Exchange& exchange, HttpResponse response) {
  if (&exchange != exchange_.get() || response_) return discard_response(std::move(response), state_.requests);
  response_ = std::move(response);
  notify();
}

void HttpSession::on_body_part(const BodyPull& pull, BodyPart part) {
  if (&pull != pull_.get()) return;
  part_ = std::move(part);
  notify();
}

void HttpSession::on_push_wake() {
  // The coroutine may be stuck in a write to a client that does not read.
  if (push_ && push_->aborted()) reset_connection();
  notify();
}

void HttpSession::notify() {
  if (!waiter_) return;
  WaitHandler handler = std::move(*waiter_);
  waiter_.reset();
  asio::post(io_->context(), std::move(handler));
}

Task<void> HttpSession::wait_event() {
  Awaitable token;
  return asio::async_initiate<Awaitable, void()>([this](auto handler) { waiter_.emplace(std::move(handler)); }, token);
}

void HttpSession::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = SteadyClock::now() + from_now;
  timed_out_ = false;
}

void HttpSession::reset_connection() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  broken_ = true;
}

// In the middle of a body: the client must not take it for whole. Where only the end of the connection ends the body,
// that needs a reset; elsewhere a plain close leaves the client what it has.
void HttpSession::break_off() {
  if (!http_1_1_) reset_connection();
  error_code ignored;
  socket_.close(ignored);
  broken_ = true;
}

void HttpSession::start_read() {
  if (reading_ || eof_ || broken_) return;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size()) {
    if (begin_ > 0) {
      std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_), in_.begin() + static_cast<std::ptrdiff_t>(end_),
                in_.begin());
      end_ -= begin_;
      begin_ = 0;
    } else if (in_.size() <= state_.options.max_header_bytes) {
      in_.resize(std::max(kFirstBuffer, std::min(in_.size() * 4, state_.options.max_header_bytes + kFirstBuffer)));
    } else {
      return;
    }
  }
  reading_ = true;
  const auto space = asio::buffer(in_.data() + end_, in_.size() - end_);
  auto done = [self = shared_from_this()](error_code error, std::size_t bytes) { self->on_read(error, bytes); };
  if (tls_ && !raw_) {
    tls_->async_read_some(space, std::move(done));
  } else {
    socket_.async_read_some(space, std::move(done));
  }
}

// A thousand idle connections are not to hold on to what one large request each once needed.
void HttpSession::shrink_buffers() {
  if (out_.capacity() > 2 * kSmallBody) std::string().swap(out_);
  if (reading_ || in_.size() <= 2 * kSmallBody) return;
  std::vector<char>().swap(in_);
  begin_ = end_ = 0;
}

void HttpSession::on_read(error_code error, std::size_t bytes) {
  reading_ = false;
  end_ += bytes;
  received_ += bytes;
  if (error == asio::error::eof || error == ssl::error::stream_truncated) {
    eof_ = true;
  } else if (error) {
    eof_ = true;
    // While TLS is being ended, a read may fail on a connection that still has to be read empty.
    if (!in_tls_exchange_) broken_ = true;
  }
  if (!waiter_) return;
  WaitHandler handler = std::move(*waiter_);
  waiter_.reset();
  std::move(handler)();
}

// To be called whenever something is waited for that is not the client's.
void HttpSession::watch_client() {
  start_read();
  if ((eof_ || broken_) && exchange_) exchange_->stop.request_stop();
}

Task<void> HttpSession::run() {
  if (tls_) {
    const bool secured = co_await handshake();
    if (!secured) co_return;
  }
  if (purpose_ == SessionPurpose::kRefuse) {
    co_await refuse(kTooManyConnections);
    co_return;
  }
  bool go_on = true;
  while (go_on) go_on = co_await serve_one();
}

Task<bool> HttpSession::handshake() {
  in_tls_exchange_ = true;
  set_deadline(state_.options.header_timeout);
  const auto [error] = co_await tls_->async_handshake(ssl::stream_base::server, kTuple);
  in_tls_exchange_ = false;
  co_return !error && !cut_;
}

// Waits for bytes; false when none came: the client has ended, or is too slow, or we end.
Task<bool> HttpSession::read_more() {
  const std::uint64_t before = received_;
  start_read();
  while (reading_ && received_ == before && !timed_out_ && !hang_up_ && !client_lost()) co_await wait_event();
  co_return received_ != before && !client_lost();
}

Task<bool> HttpSession::read_head() {
  parser_.reset();
  keep_alive_ = false;
  http_1_1_ = true;
  request_id_.clear();
  idle_ = begin_ == end_;
  if (idle_) shrink_buffers();
  if (idle_ && state_.draining.load(std::memory_order_relaxed)) co_return false;
  set_deadline(idle_ ? state_.options.idle_timeout : state_.options.header_timeout);
  for (;;) {
    if (begin_ != end_) {
      if (std::exchange(idle_, false)) set_deadline(state_.options.header_timeout);
      const auto fed = parser_.feed_head(unread());
      begin_ += fed.consumed;
      if (fed.outcome == RequestParser::Outcome::kComplete) co_return true;
      if (fed.outcome == RequestParser::Outcome::kFailed) co_return co_await refuse(parser_.problem());
    }
    const bool more = co_await read_more();
    if (more) continue;
    if (timed_out_ && !idle_) co_return co_await refuse(kSlowRequest);
    co_return false;
  }
}

// false: problem_ says what to answer, if anything.
Task<bool> HttpSession::read_body() {
  problem_.reset();
  set_deadline(state_.options.body_timeout);
  for (;;) {
    const auto fed = parser_.feed_body(unread());
    begin_ += fed.consumed;
    if (fed.outcome == RequestParser::Outcome::kComplete) co_return true;
    if (fed.outcome == RequestParser::Outcome::kFailed) {
      problem_ = parser_.problem();
      co_return false;
    }
    const bool more = co_await read_more();
    if (more) continue;
    if (timed_out_) problem_ = kSlowRequest;
    // No room: a chunk's head that never ends.
    if (!timed_out_ && !eof_ && !client_lost()) problem_ = kMalformedBody;
    co_return false;
  }
}

Task<bool> HttpSession::serve_one() {
  const bool has_head = co_await read_head();
  if (!has_head) co_return false;
  HttpRequest& request = parser_.request();
  keep_alive_ = parser_.keep_alive();
  http_1_1_ = parser_.is_http_1_1();
  request.request_id = choose_request_id(request);
  request.remote_address = remote_;
  request_id_ = request.request_id;
  if (auto split = split_target(request); !split) {
    HttpResponse response = error_response(split.error(), request);
    co_return co_await answer_early(response);
  }
  Router::Match match = router_.match(request.method, raw_path(request.target));
  if (match.route == nullptr) {
    HttpResponse response = no_route_response(request, match.allowed);
    co_return co_await answer_early(response);
  }
  request.path_args = std::move(match.path_args);
  const Router::Route& route = *match.route;
  if (route.options.guarded && router_.guard()) {
    std::optional<HttpResponse> refusal = ask_guard(request);
    if (refusal) co_return co_await answer_early(*refusal);
  }
  if (!parser_.body_complete()) {
    parser_.limit_body(route.options.max_body_bytes);
    const auto length = parser_.content_length();
    if (length && *length > route.options.max_body_bytes) co_return co_await refuse(RequestParser::body_too_large());
    if (parser_.expects_continue() && begin_ == end_) {
      const bool asked = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!asked) co_return false;
    }
    const bool whole = co_await read_body();
    if (!whole && problem_) co_return co_await refuse(*problem_);
    if (!whole) co_return false;
  }
  co_return co_await respond(route);
}

std::optional<HttpResponse> HttpSession::ask_guard(const HttpRequest& request) {
  try {
    std::optional<HttpResponse> refusal = router_.guard()(request);
    if (!refusal || refusal->body.index() < 2) return refusal;
    return error_response(Error(ErrorCode::kInternal, "a guard must answer with a text"), request);
  } catch (const std::exception& failure) {
    return error_response(Error(ErrorCode::kInternal, std::string("the guard: ") + failure.what()), request);
  }
}

// An answer before the body has been read. A short rest of a body is read over afterwards, a long one ends the
// connection.
Task<bool> HttpSession::answer_early(HttpResponse& response) {
  const bool whole = parser_.body_complete();
  const auto length = parser_.content_length();
  const bool short_rest = length && *length <= kLittleRest && !parser_.expects_continue();
  if (!whole && !short_rest) response.close_connection = true;
  const bool go_on = co_await write_response(response);
  if (!go_on) co_return false;
  if (whole) co_return true;
  parser_.discard_body();
  co_return co_await read_body();
}

Task<bool> HttpSession::refuse(const RequestProblem& problem) {
  if (request_id_.empty()) request_id_ = random_token(8);
  HttpResponse response = problem_response(problem, request_id_);
  co_return co_await write_response(response);
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

Task<bool> HttpSession::respond(const Router::Route& route) {
  deadline_ = SteadyTime::max();
  begin_exchange();
  on_io_thread_ = route.options.on_io_thread;
  dispatch(exchange_, route, state_.requests);
  while (!response_ && !client_lost()) {
    watch_client();
    co_await wait_event();
  }
  bool go_on = false;
  if (response_ && !client_lost()) {
    HttpResponse response = std::move(*response_);
    go_on = co_await write_response(response);
  }
  if (response_) discard_response(std::move(*response_), state_.requests);
  response_.reset();
  if (!go_on) exchange_->stop.request_stop();
  exchange_.reset();
  co_return go_on;
}

ResponseFrame HttpSession::frame_for(const HttpResponse& response) {
  ResponseFrame frame;
  frame.http_1_1 = http_1_1_;
  frame.head_only = (exchange_ ? exchange_->request : parser_.request()).method == HttpMethod::kHead;
  frame.date = io_->date();
  frame.request_id = request_id_;
  bool endless = false;
  if (!status_has_body(response.status)) {
    // Neither a length nor chunks.
  } else if (const auto* text = std::get_if<std::string>(&response.body)) {
    frame.content_length = text->size();
  } else if (const auto* shared = std::get_if<HttpSharedBody>(&response.body)) {
    frame.content_length = *shared ? (*shared)->size() : 0;
  } else {
    const auto* stream = std::get_if<HttpStreamBody>(&response.body);
    if (stream != nullptr) frame.content_length = stream->length;
    frame.chunked = !frame.content_length && http_1_1_;
    endless = !frame.content_length && !http_1_1_ && !frame.head_only;
  }
  frame.keep_alive =
      keep_alive_ && !response.close_connection && !endless && !state_.draining.load(std::memory_order_relaxed);
  return frame;
}

// Writes the whole answer; when it is the connection's last, also ends it so that the client can read it.
Task<bool> HttpSession::write_response(HttpResponse& response) {
  if (response.drop_connection) {
    discard_response(std::move(response), state_.requests);
    reset_connection();
    co_return false;
  }
  fill_in_error_body(response, request_id_);
  const ResponseFrame frame = frame_for(response);
  const bool with_body = !frame.head_only && status_has_body(response.status);
  bool written = false;
  if (with_body && std::holds_alternative<HttpStreamBody>(response.body)) {
    written = co_await write_stream(response, frame);
  } else if (with_body && std::holds_alternative<HttpPushBody>(response.body)) {
    written = co_await write_push(response, frame);
  } else {
    std::string_view body;
    if (const auto* text = std::get_if<std::string>(&response.body); with_body && text != nullptr) body = *text;
    if (const auto* text = std::get_if<HttpSharedBody>(&response.body); with_body && text != nullptr && *text) {
      body = **text;
    }
    written = co_await write_text(response, frame, body);
    discard_response(std::move(response), state_.requests);
  }
  if (!written) co_return false;
  if (frame.keep_alive) co_return true;
  co_await linger();
  co_return false;
}

Task<bool> HttpSession::write_text(const HttpResponse& response, ResponseFrame frame, std::string_view body) {
  out_.clear();
  append_response_head(out_, response, frame);
  if (body.size() <= kSmallBody) {
    out_.append(body);
    co_return co_await write(out_);
  }
  co_return co_await write(out_, body);
}

Task<bool> HttpSession::write_stream(HttpResponse& response, ResponseFrame frame) {
  auto& stream = std::get<HttpStreamBody>(response.body);
  const auto framing = frame.chunked ? BodyPull::Framing::kChunked : BodyPull::Framing::kPlain;
  pull_ = std::make_shared<BodyPull>(std::move(stream.reader), stream.length, framing);
  bool head_sent = false;
  bool last = false;
  while (!last) {
    part_.reset();
    pull_piece(exchange_, pull_, state_.requests);
    while (!part_ && !client_lost()) {
      watch_client();
      co_await wait_event();
    }
    if (!part_ || client_lost()) break;
    if (!part_->has_value()) {
      const Error error = std::move(*part_).error();
      if (head_sent) {
        log_warning("body_broken_off", {{"request_id", request_id_}, {"error", error.message()}});
        break;
      }
      // Nothing has been sent yet, so the client can be told.
      pull_.reset();
      HttpResponse failed = error_response(error, exchange_->request);
      failed.close_connection = !frame.keep_alive;
      frame = frame_for(failed);
      co_return co_await write_text(failed, frame, std::get<std::string>(failed.body));
    }
    last = (*part_)->last;
    out_.clear();
    if (!std::exchange(head_sent, true)) append_response_head(out_, response, frame);
    const bool taken = co_await write(out_, (*part_)->wire);
    if (!taken) break;
  }
  if (!last || client_lost()) {
    break_off();
    // The reader goes where it may block; a read under way holds on to it.
    state_.requests.post([unfinished = std::exchange(pull_, nullptr)] {});
    co_return false;
  }
  pull_.reset();
  co_return true;
}

// When the pool drops this, the writer goes with it, and the body is aborted.
void HttpSession::start_push(HttpPushBody& body) {
  auto start = [start = std::move(body.start), writer = push_->handle()] {
    try {
      start(writer);
    } catch (const std::exception& failure) {
      log_error("push_failed", {{"error", failure.what()}});
      writer.abort();
    }
  };
  if (on_io_thread_) return start();
  state_.requests.post(std::move(start));
}

Task<bool> HttpSession::write_push(HttpResponse& response, ResponseFrame frame) {
  out_.clear();
  append_response_head(out_, response, frame);
  const bool head_sent = co_await write(out_);
  if (!head_sent) co_return false;
  push_ = std::make_shared<PushChannel>([io = io_, weak = weak_from_this()] {
    io->post([weak] {
      if (const auto session = weak.lock()) session->on_push_wake();
    });
  });
  start_push(std::get<HttpPushBody>(response.body));
  const bool whole = co_await pump_push(frame.chunked);
  std::exchange(push_, nullptr)->finish();
  if (!whole) break_off();
  co_return whole;
}

Task<bool> HttpSession::pump_push(bool chunked) {
  for (;;) {
    const PushChannel::Batch batch = push_->take();
    if (batch.aborted) {
      reset_connection();
      co_return false;
    }
    if (!batch.data.empty() || batch.closed) {
      out_.clear();
      append_piece(out_, batch.data, chunked);
      if (batch.closed && chunked) out_.append("0\r\n\r\n");
      const bool taken = co_await write(out_);
      push_->written(batch.data.size());
      if (!taken) co_return false;
      if (batch.closed) co_return true;
      continue;
    }
    watch_client();
    if (eof_ || client_lost()) co_return false;
    co_await wait_event();
  }
}

// Returns when all has been taken by the kernel.
Task<bool> HttpSession::write(std::string_view first, std::string_view second) {
  writing_ = true;
  unsent_ = -1;
  while (!client_lost() && !(first.empty() && second.empty())) {
    set_deadline(state_.options.write_timeout);
    error_code error;
    std::size_t bytes = 0;
    if (tls_) {
      // TLS takes one buffer at a time anyway.
      const std::string_view next = first.empty() ? second : first;
      std::tie(error, bytes) = co_await tls_->async_write_some(asio::buffer(next.data(), next.size()), kTuple);
    } else {
      const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                                   asio::buffer(second.data(), second.size())};
      std::tie(error, bytes) = co_await socket_.async_write_some(both, kTuple);
    }
    if (error) broken_ = true;
    const std::size_t of_first = std::min(bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(bytes - of_first);
  }
  writing_ = false;
  deadline_ = SteadyTime::max();
  co_return !client_lost();
}

// Ends our side and reads on until the client has ended its own: closing with unread bytes would reset the connection
// and take the answer away from a client that is still sending.
Task<void> HttpSession::linger() {
  set_deadline(kLingerTime);
  if (tls_) {
    in_tls_exchange_ = true;
    co_await tls_->async_shutdown(kTuple);
    in_tls_exchange_ = false;
    raw_ = true;
    eof_ = false;
  }
  error_code error;
  socket_.shutdown(Tcp::socket::shutdown_send, error);
  const std::uint64_t most = received_ + kLingerBytes;
  while (!eof_ && !timed_out_ && !client_lost() && received_ < most) {
    begin_ = end_;
    const bool more = co_await read_more();
    if (!more) break;
  }
}

}  // namespace

void ServerState::enter() {
  const std::lock_guard lock(mutex_);
  ++under_way_;
}

void ServerState::leave() {
  const std::lock_guard lock(mutex_);
  --under_way_;
  ended_.notify_all();
}

bool ServerState::wait_for_end(SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  const auto over = [this] { return under_way_ == 0; };
  if (deadline != SteadyTime::max()) return ended_.wait_until(lock, deadline, over);
  ended_.wait(lock, over);
  return true;
}

void start_session(ServerState& state, IoThread& io, NewConnection connection) {
  auto& count = connection.purpose == SessionPurpose::kServe ? state.served : state.refused;
  count.fetch_add(1);
  state.enter();
  io.post([&state, &io, &count, connection = std::move(connection)] {
    std::shared_ptr<HttpSession> session;
    try {
      if (!state.draining.load()) session = std::make_shared<HttpSession>(state, io, connection);
    } catch (const std::exception& failure) {
      log_error("connection_failed", {{"remote", connection.remote}, {"error", failure.what()}});
    }
    if (session) return session->start();
    close(connection.fd);
    count.fetch_sub(1);
    state.leave();
  });
}

}  // namespace imgimport
