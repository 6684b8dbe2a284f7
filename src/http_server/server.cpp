// One io_context per io thread, and each connection lives on one of them for good: nothing of a connection is shared,
// so there are no strands. What comes from other threads (an answer, a piece of a body, a stop) is posted.
#include "http_server/server.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "http_server/body_pull.hpp"
#include "http_server/listening_socket.hpp"
#include "http_server/push_channel.hpp"
#include "http_server/request_facts.hpp"
#include "http_server/request_parser.hpp"
#include "http_server/request_target.hpp"
#include "http_server/response_head.hpp"

namespace imgimport {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

using IoExecutor = asio::io_context::executor_type;
using Awaitable = asio::use_awaitable_t<IoExecutor>;
template <class T>
using Task = asio::awaitable<T, IoExecutor>;
using Socket = asio::basic_stream_socket<tcp, IoExecutor>;
using Acceptor = asio::basic_socket_acceptor<tcp, IoExecutor>;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, IoExecutor>;
using WaitHandler = asio::async_result<Awaitable, void()>::handler_type;
constexpr auto kTuple = asio::as_tuple(Awaitable{});

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kAcceptPause{100};
// How long and how much is read on after a last answer, so that closing does not take it away from the client.
constexpr std::chrono::milliseconds kLingerTime{3'000};
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::size_t kFirstBuffer = 4 << 10;
constexpr std::size_t kSmallBody = 16 << 10;   // up to here, copying it behind the head is cheaper than a second buffer
constexpr std::size_t kLittleRest = 64 << 10;  // of a body that nobody wants: read over, to keep the connection
constexpr std::size_t kMaxRefusals = 64;       // connections beyond the cap that get their 503 at the same time

constexpr RequestProblem kSlowRequest{408, "request_timeout", "The request did not arrive in time."};
constexpr RequestProblem kTooManyConnections{503, "too_many_connections", "The server has no connection to spare."};
constexpr RequestProblem kMalformedBody{400, "malformed_request", "The request's body is not valid HTTP/1.1."};

class Session;

// One thread and all the connections on it.
class IoThread : public std::enable_shared_from_this<IoThread> {
 public:
  asio::io_context context{1};
  std::unordered_set<Session*> sessions;  // io thread only

  void start(std::size_t index);
  // Any thread; dropped once the thread has ended.
  template <class F>
  void post(F f) {
    const std::lock_guard lock(mutex_);
    if (!closed_) asio::post(context, std::move(f));
  }
  bool runs_here() { return context.get_executor().running_in_this_thread(); }
  // Ends the thread. REQUIRES: no session is left
  void join();

  // io thread only.
  void add(Session& session);
  std::string_view date();

 private:
  void tick();

  std::mutex mutex_;
  bool closed_ = false;  // guarded by mutex_
  std::thread thread_;
  asio::executor_work_guard<IoExecutor> work_{context.get_executor()};
  Timer timer_{context};
  bool ticking_ = false;
  std::time_t date_time_ = 0;
  std::string date_;
};

// What all sessions share.
struct Shared {
  Shared(const HttpServerOptions& given, Executor& executor) : options(given), requests(executor) {}

  const HttpServerOptions options;
  Executor& requests;
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> served{0};
  std::atomic<std::size_t> refused{0};
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t coroutines = 0;  // guarded by mutex: accept loops and sessions

  void enter() {
    const std::lock_guard lock(mutex);
    ++coroutines;
  }
  void leave() {
    const std::lock_guard lock(mutex);
    --coroutines;
    ended.notify_all();
  }
};

struct Listener {
  std::string name;
  const Router* router = nullptr;
  std::unique_ptr<ssl::context> tls;
  Acceptor acceptor;
  Timer pause;
};

// One request between its session and whoever answers it; outlives the session if the answer is late.
struct Exchange {
  HttpRequest request;  // const from here on
  std::stop_source stop;
  CallContext context;
  std::shared_ptr<IoThread> io;
  std::weak_ptr<Session> session;  // locked on the io thread only, so that sessions end there
};

using BodyPart = Result<BodyPull::Piece>;

void append_chunk(std::string& out, std::string_view data, bool chunked) {
  if (data.empty()) return;
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  if (chunked) out.append(size.data(), end).append("\r\n");
  out.append(data);
  if (chunked) out.append("\r\n");
}

void destroy_on(Executor& pool, HttpResponse response) {
  // Closing a reader may block, and this may be an io thread.
  if (auto* stream = std::get_if<HttpStreamBody>(&response.body); stream != nullptr && stream->reader) {
    pool.post([reader = std::shared_ptr<ByteReader>(std::move(stream->reader))] {});
  }
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  enum class Purpose { kServe, kRefuse };
  Session(Shared& shared, std::shared_ptr<IoThread> io, Socket socket, const Listener& listener, std::string remote,
          Purpose purpose);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // All on the io thread.
  void start();
  void on_tick(SteadyTime now);
  void on_drain();
  void on_stop_requested();
  void cut_off();
  void on_response(const Exchange& exchange, HttpResponse response);
  void on_body_part(const BodyPull& pull, BodyPart part);
  void on_push_wake();

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

  void ended(std::exception_ptr failure);
  std::optional<HttpResponse> ask_guard(const HttpRequest& request);
  void dispatch(const Router::Route& route);
  void start_push(HttpPushBody& body);
  void pull(const std::shared_ptr<BodyPull>& body);
  void start_read();
  void on_read(error_code error, std::size_t bytes);
  void watch_client();
  void notify();
  void break_off();
  void reset_connection();
  void set_deadline(std::chrono::milliseconds from_now);
  bool client_lost() const { return broken_ || cut_; }
  std::string_view unread() const { return {in_.data() + begin_, end_ - begin_}; }
  ResponseFrame frame_for(const HttpResponse& response);

  Shared& shared_;
  const std::shared_ptr<IoThread> io_;
  const Router& router_;
  const std::string remote_;
  const Purpose purpose_;
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

// ---------------------------------------------------------------------------------------------------- IoThread

void IoThread::start(std::size_t index) {
  thread_ = std::thread([this, index] {
    pthread_setname_np(pthread_self(), ("http-" + std::to_string(index)).c_str());
    context.run();
  });
}

void IoThread::join() {
  work_.reset();
  context.stop();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  // Late answers that are queued hold a reference to this object: let them go.
  context.restart();
  context.poll();
}

void IoThread::add(Session& session) {
  sessions.insert(&session);
  if (ticking_) return;
  ticking_ = true;
  tick();
}

void IoThread::tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](error_code error) {
    if (error || sessions.empty()) {
      ticking_ = false;
      return;
    }
    const SteadyTime now = SteadyClock::now();
    for (Session* session : sessions) session->on_tick(now);
    tick();
  });
}

std::string_view IoThread::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_time_) {
    date_time_ = now;
    date_ = http_date(now);
  }
  return date_;
}

// ---------------------------------------------------------------------------------------------------- answers

void deliver(const std::shared_ptr<Exchange>& exchange, Executor& pool, HttpResponse response) {
  if (exchange->session.expired()) return;
  auto hand_over = [exchange, &pool, response = std::move(response)]() mutable {
    if (const auto session = exchange->session.lock()) {
      session->on_response(*exchange, std::move(response));
    } else {
      destroy_on(pool, std::move(response));
    }
  };
  if (exchange->io->runs_here()) {
    hand_over();
  } else {
    exchange->io->post(std::move(hand_over));
  }
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
  log_error("handler_failed",
            {{"path", exchange.request.path}, {"request_id", exchange.request.request_id}, {"error", failure}});
}

// A task for the pool, which must answer even if the pool drops it.
struct HandlerCall {
  const Router::Route& route;
  std::shared_ptr<Exchange> exchange;
  HttpResponder responder;
};

struct PullCall {
  std::shared_ptr<BodyPull> body;
  std::shared_ptr<Exchange> exchange;
  bool reported = false;

  PullCall(std::shared_ptr<BodyPull> pull, std::shared_ptr<Exchange> from)
      : body(std::move(pull)), exchange(std::move(from)) {}
  PullCall(const PullCall&) = delete;
  PullCall& operator=(const PullCall&) = delete;
  ~PullCall() {
    if (!reported) report(Error(ErrorCode::kCancelled, "the server is ending"));
  }
  void report(BodyPart part) {
    reported = true;
    exchange->io->post([exchange = exchange, body = body, part = std::move(part)]() mutable {
      if (const auto session = exchange->session.lock()) session->on_body_part(*body, std::move(part));
    });
  }
};

// ---------------------------------------------------------------------------------------------------- Session: events

Session::Session(Shared& shared, std::shared_ptr<IoThread> io, Socket socket, const Listener& listener,
                 std::string remote, Purpose purpose)
    : shared_(shared),
      io_(std::move(io)),
      router_(*listener.router),
      remote_(std::move(remote)),
      purpose_(purpose),
      socket_(std::move(socket)),
      parser_(shared.options.max_header_bytes) {
  if (listener.tls) tls_ = std::make_unique<ssl::stream<Socket&>>(socket_, *listener.tls);
}

Session::~Session() = default;

void Session::start() {
  io_->add(*this);
  asio::co_spawn(
      io_->context, [self = shared_from_this()] { return self->run(); },
      [self = shared_from_this()](std::exception_ptr failure) { self->ended(std::move(failure)); });
}

void Session::ended(std::exception_ptr failure) {
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
  io_->sessions.erase(this);
  (purpose_ == Purpose::kServe ? shared_.served : shared_.refused).fetch_sub(1);
  shared_.leave();
}

void Session::on_tick(SteadyTime now) {
  if (writing_) {
    // A slow client that still takes bytes frees the kernel's buffer long before the socket is writable again.
    int unsent = 0;
    if (ioctl(socket_.native_handle(), SIOCOUTQ, &unsent) == 0 && unsent != unsent_) {
      unsent_ = unsent;
      deadline_ = now + shared_.options.write_timeout;
    }
  }
  if (now < deadline_) return;
  deadline_ = SteadyTime::max();
  timed_out_ = true;
  if (writing_ || in_tls_exchange_) reset_connection();
  notify();
}

void Session::on_drain() {
  if (!idle_) return;
  hang_up_ = true;
  notify();
}

void Session::on_stop_requested() {
  if (exchange_) exchange_->stop.request_stop();
}

void Session::cut_off() {
  cut_ = true;
  on_stop_requested();
  reset_connection();
  notify();
}

void Session::on_response(const Exchange& exchange, HttpResponse response) {
  if (&exchange != exchange_.get() || response_) return destroy_on(shared_.requests, std::move(response));
  response_ = std::move(response);
  notify();
}

void Session::on_body_part(const BodyPull& pull, BodyPart part) {
  if (&pull != pull_.get()) return;
  part_ = std::move(part);
  notify();
}

void Session::on_push_wake() {
  // The coroutine may be stuck in a write to a client that does not read.
  if (push_ && push_->aborted()) reset_connection();
  notify();
}

void Session::notify() {
  if (!waiter_) return;
  WaitHandler handler = std::move(*waiter_);
  waiter_.reset();
  asio::post(io_->context, std::move(handler));
}

Task<void> Session::wait_event() {
  Awaitable token;
  return asio::async_initiate<Awaitable, void()>([this](auto handler) { waiter_.emplace(std::move(handler)); }, token);
}

void Session::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = SteadyClock::now() + from_now;
  timed_out_ = false;
}

void Session::reset_connection() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  broken_ = true;
}

// In the middle of a body: the client must not take it for whole. Where only the end of the connection ends the body,
// that needs a reset; elsewhere a plain close leaves the client what it has.
void Session::break_off() {
  if (!http_1_1_) reset_connection();
  error_code ignored;
  socket_.close(ignored);
  broken_ = true;
}

void Session::start_read() {
  if (reading_ || eof_ || broken_) return;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size()) {
    if (begin_ > 0) {
      std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_), in_.begin() + static_cast<std::ptrdiff_t>(end_),
                in_.begin());
      end_ -= begin_;
      begin_ = 0;
    } else if (in_.size() <= shared_.options.max_header_bytes) {
      in_.resize(std::max(kFirstBuffer, std::min(in_.size() * 4, shared_.options.max_header_bytes + kFirstBuffer)));
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

void Session::on_read(error_code error, std::size_t bytes) {
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
void Session::watch_client() {
  start_read();
  if ((eof_ || broken_) && exchange_) exchange_->stop.request_stop();
}

// ---------------------------------------------------------------------------------------------------- Session: reading

Task<void> Session::run() {
  if (tls_) {
    const bool secured = co_await handshake();
    if (!secured) co_return;
  }
  if (purpose_ == Purpose::kRefuse) {
    co_await refuse(kTooManyConnections);
    co_return;
  }
  bool go_on = true;
  while (go_on) go_on = co_await serve_one();
}

Task<bool> Session::handshake() {
  in_tls_exchange_ = true;
  set_deadline(shared_.options.header_timeout);
  const auto [error] = co_await tls_->async_handshake(ssl::stream_base::server, kTuple);
  in_tls_exchange_ = false;
  co_return !error && !cut_;
}

// Waits for bytes; false when none came: the client has ended, or is too slow, or we end.
Task<bool> Session::read_more() {
  const std::uint64_t before = received_;
  start_read();
  while (reading_ && received_ == before && !timed_out_ && !hang_up_ && !client_lost()) co_await wait_event();
  co_return received_ != before && !client_lost();
}

Task<bool> Session::read_head() {
  parser_.reset();
  keep_alive_ = false;
  http_1_1_ = true;
  request_id_.clear();
  idle_ = begin_ == end_;
  if (idle_ && shared_.draining.load(std::memory_order_relaxed)) co_return false;
  set_deadline(idle_ ? shared_.options.idle_timeout : shared_.options.header_timeout);
  for (;;) {
    if (begin_ != end_) {
      if (std::exchange(idle_, false)) set_deadline(shared_.options.header_timeout);
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
Task<bool> Session::read_body() {
  problem_.reset();
  set_deadline(shared_.options.body_timeout);
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

Task<bool> Session::serve_one() {
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

std::optional<HttpResponse> Session::ask_guard(const HttpRequest& request) {
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
Task<bool> Session::answer_early(HttpResponse& response) {
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

Task<bool> Session::refuse(const RequestProblem& problem) {
  if (request_id_.empty()) request_id_ = random_token(8);
  HttpResponse response = problem_response(problem, request_id_);
  co_return co_await write_response(response);
}

// ---------------------------------------------------------------------------------------------------- Session:
// answering

void Session::dispatch(const Router::Route& route) {
  exchange_ = std::make_shared<Exchange>();
  exchange_->request = std::move(parser_.request());
  exchange_->context.stop = exchange_->stop.get_token();
  exchange_->context.deadline = deadline_of(exchange_->request, SteadyClock::now());
  exchange_->context.request_id = exchange_->request.request_id;
  exchange_->io = io_;
  exchange_->session = weak_from_this();
  HttpResponder responder([exchange = exchange_, &pool = shared_.requests](HttpResponse response) {
    deliver(exchange, pool, std::move(response));
  });
  on_io_thread_ = route.options.on_io_thread;
  if (on_io_thread_) return call_handler(route, *exchange_, std::move(responder));
  auto call = std::make_shared<HandlerCall>(HandlerCall{route, exchange_, std::move(responder)});
  shared_.requests.post([call] { call_handler(call->route, *call->exchange, std::move(call->responder)); });
}

Task<bool> Session::respond(const Router::Route& route) {
  deadline_ = SteadyTime::max();
  dispatch(route);
  while (!response_ && !client_lost()) {
    watch_client();
    co_await wait_event();
  }
  bool go_on = false;
  if (response_ && !client_lost()) {
    HttpResponse response = std::move(*response_);
    go_on = co_await write_response(response);
  }
  if (response_) destroy_on(shared_.requests, std::move(*response_));
  response_.reset();
  if (!go_on) exchange_->stop.request_stop();
  exchange_.reset();
  co_return go_on;
}

ResponseFrame Session::frame_for(const HttpResponse& response) {
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
      keep_alive_ && !response.close_connection && !endless && !shared_.draining.load(std::memory_order_relaxed);
  return frame;
}

// Writes the whole answer; when it is the connection's last, also ends it so that the client can read it.
Task<bool> Session::write_response(HttpResponse& response) {
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
    destroy_on(shared_.requests, std::move(response));
  }
  if (!written) co_return false;
  if (frame.keep_alive) co_return true;
  co_await linger();
  co_return false;
}

Task<bool> Session::write_text(const HttpResponse& response, ResponseFrame frame, std::string_view body) {
  out_.clear();
  append_response_head(out_, response, frame);
  if (body.size() <= kSmallBody) {
    out_.append(body);
    co_return co_await write(out_);
  }
  co_return co_await write(out_, body);
}

void Session::pull(const std::shared_ptr<BodyPull>& body) {
  part_.reset();
  auto call = std::make_shared<PullCall>(body, exchange_);
  shared_.requests.post([call] { call->report(call->body->read(call->exchange->context)); });
}

Task<bool> Session::write_stream(HttpResponse& response, ResponseFrame frame) {
  auto& stream = std::get<HttpStreamBody>(response.body);
  const auto framing = frame.chunked ? BodyPull::Framing::kChunked : BodyPull::Framing::kPlain;
  pull_ = std::make_shared<BodyPull>(std::move(stream.reader), stream.length, framing);
  bool head_sent = false;
  bool last = false;
  while (!last) {
    pull(pull_);
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
    shared_.requests.post([unfinished = std::exchange(pull_, nullptr)] {});
    co_return false;
  }
  pull_.reset();
  co_return true;
}

// When the pool drops this, the writer goes with it, and the body is aborted.
void Session::start_push(HttpPushBody& body) {
  auto start = [start = std::move(body.start), writer = push_->handle()] {
    try {
      start(writer);
    } catch (const std::exception& failure) {
      log_error("push_failed", {{"error", failure.what()}});
      writer.abort();
    }
  };
  if (on_io_thread_) return start();
  shared_.requests.post(std::move(start));
}

Task<bool> Session::write_push(HttpResponse& response, ResponseFrame frame) {
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

Task<bool> Session::pump_push(bool chunked) {
  for (;;) {
    const PushChannel::Batch batch = push_->take();
    if (batch.aborted) {
      reset_connection();
      co_return false;
    }
    if (!batch.data.empty() || batch.closed) {
      out_.clear();
      append_chunk(out_, batch.data, chunked);
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
Task<bool> Session::write(std::string_view first, std::string_view second) {
  writing_ = true;
  unsent_ = -1;
  while (!client_lost() && !(first.empty() && second.empty())) {
    set_deadline(shared_.options.write_timeout);
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
Task<void> Session::linger() {
  set_deadline(kLingerTime);
  if (tls_) {
    in_tls_exchange_ = true;
    const auto [ignored] = co_await tls_->async_shutdown(kTuple);
    in_tls_exchange_ = false;
    raw_ = true;
    eof_ = false;
  }
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  const std::uint64_t most = received_ + kLingerBytes;
  while (!eof_ && !timed_out_ && !client_lost() && received_ < most) {
    begin_ = end_;
    const bool more = co_await read_more();
    if (!more) break;
  }
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- HttpServer

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, Executor& requests);
  Result<std::uint16_t> listen(const HttpListenerOptions& options);
  void start();
  void drain();
  void stop(SteadyTime deadline);
  std::size_t open_connections() const { return shared_.served.load(); }

 private:
  Task<void> accept_all(Listener& listener);
  void begin_session(IoThread& io, Socket socket, const Listener& listener, const tcp::endpoint& peer);
  template <class F>
  void for_each_session(F act);
  bool wait_for_end(SteadyTime deadline);

  Shared shared_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // used on the first thread once started
  std::size_t next_thread_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

HttpServer::Impl::Impl(const HttpServerOptions& options, Executor& requests) : shared_(options, requests) {
  const std::size_t count = std::max<std::size_t>(options.io_threads, 1);
  for (std::size_t i = 0; i < count; ++i) threads_.push_back(std::make_shared<IoThread>());
}

Result<std::uint16_t> HttpServer::Impl::listen(const HttpListenerOptions& options) {
  std::unique_ptr<ssl::context> tls;
  if (options.tls) {
    IMGIMPORT_ASSIGN_OR_RETURN(TlsContext context, load_tls(*options.tls));
    tls = std::make_unique<ssl::context>(context.release());
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const ListeningSocket socket,
                             open_listening_socket(options.name, options.address, options.port));
  asio::io_context& context = threads_.front()->context;
  listeners_.push_back(std::make_unique<Listener>(
      Listener{options.name, options.router, std::move(tls),
               Acceptor(context.get_executor(), socket.is_v6 ? tcp::v6() : tcp::v4(), socket.fd), Timer(context)}));
  return socket.port;
}

void HttpServer::Impl::start() {
  if (std::exchange(started_, true)) return;
  for (const auto& listener : listeners_) {
    shared_.enter();
    asio::co_spawn(
        threads_.front()->context, [this, &listener = *listener] { return accept_all(listener); },
        [this](const std::exception_ptr&) { shared_.leave(); });
  }
  for (std::size_t i = 0; i < threads_.size(); ++i) threads_[i]->start(i);
}

Task<void> HttpServer::Impl::accept_all(Listener& listener) {
  bool in_trouble = false;
  while (listener.acceptor.is_open()) {
    IoThread& io = *threads_[next_thread_++ % threads_.size()];
    tcp::endpoint peer;
    auto [error, socket] = co_await listener.acceptor.async_accept(io.context, peer, kTuple);
    if (!error) {
      in_trouble = false;
      begin_session(io, std::move(socket), listener, peer);
      continue;
    }
    if (error == asio::error::connection_aborted || !listener.acceptor.is_open()) continue;
    // Out of file descriptors or memory: connections wait in the backlog until some are free again.
    if (!std::exchange(in_trouble, true)) {
      log_error("accept_failed", {{"listener", listener.name}, {"error", error.message()}});
    }
    listener.pause.expires_after(kAcceptPause);
    co_await listener.pause.async_wait(kTuple);
  }
}

void HttpServer::Impl::begin_session(IoThread& io, Socket socket, const Listener& listener, const tcp::endpoint& peer) {
  error_code ignored;
  fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  socket.set_option(tcp::no_delay(true), ignored);
  auto purpose = Session::Purpose::kServe;
  if (shared_.served.load() >= shared_.options.max_connections) {
    if (shared_.refused.load() >= kMaxRefusals) return;
    purpose = Session::Purpose::kRefuse;
  }
  (purpose == Session::Purpose::kServe ? shared_.served : shared_.refused).fetch_add(1);
  asio::ip::address remote = peer.address();
  if (remote.is_v6() && remote.to_v6().is_v4_mapped())
    remote = asio::ip::make_address_v4(asio::ip::v4_mapped, remote.to_v6());
  shared_.enter();
  auto session = std::make_shared<Session>(shared_, io.shared_from_this(), std::move(socket), listener,
                                           remote.to_string(), purpose);
  io.post([session = std::move(session)] { session->start(); });
}

template <class F>
void HttpServer::Impl::for_each_session(F act) {
  for (const auto& io : threads_) {
    io->post([io = io.get(), act] {
      for (Session* session : io->sessions) act(*session);
    });
  }
}

void HttpServer::Impl::drain() {
  if (shared_.draining.exchange(true)) return;
  if (!started_) {
    listeners_.clear();
    return;
  }
  threads_.front()->post([this] {
    for (const auto& listener : listeners_) {
      error_code ignored;
      listener->acceptor.close(ignored);
      listener->pause.cancel();
    }
  });
  for_each_session([](Session& session) { session.on_drain(); });
}

bool HttpServer::Impl::wait_for_end(SteadyTime deadline) {
  std::unique_lock lock(shared_.mutex);
  const auto over = [this] { return shared_.coroutines == 0; };
  if (deadline != SteadyTime::max()) return shared_.ended.wait_until(lock, deadline, over);
  shared_.ended.wait(lock, over);
  return true;
}

void HttpServer::Impl::stop(SteadyTime deadline) {
  if (std::exchange(stopped_, true)) return;
  drain();
  if (started_) {
    // Handlers that still wait are asked to stop a little before the end, so that they can say why.
    const auto left = std::max(deadline - SteadyClock::now(), SteadyClock::duration::zero());
    const auto last_words = std::min<SteadyClock::duration>(left / 4, std::chrono::milliseconds(500));
    if (!wait_for_end(deadline - last_words)) {
      for_each_session([](Session& session) { session.on_stop_requested(); });
      if (!wait_for_end(deadline)) {
        log_warning("connections_cut_off", {{"count", open_connections()}});
        for_each_session([](Session& session) { session.cut_off(); });
        wait_for_end(SteadyTime::max());
      }
    }
  }
  for (const auto& io : threads_) io->join();
  listeners_.clear();
}

HttpServer::HttpServer(HttpServerOptions options, Executor& requests)
    : impl_(std::make_unique<Impl>(options, requests)) {}
HttpServer::~HttpServer() {
  stop(SteadyClock::now());
}
Result<std::uint16_t> HttpServer::listen(const HttpListenerOptions& options) {
  return impl_->listen(options);
}
void HttpServer::start() {
  impl_->start();
}
void HttpServer::drain() {
  impl_->drain();
}
void HttpServer::stop(std::chrono::steady_clock::time_point deadline) {
  impl_->stop(deadline);
}
std::size_t HttpServer::open_connections() const {
  return impl_->open_connections();
}

}  // namespace imgimport
