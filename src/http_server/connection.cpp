#include "http_server/connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <new>
#include <utility>
#include <vector>

namespace imgimport {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;
using Socket = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;

// How long and how much is read on after a last answer, so that closing does not take it away from the client.
constexpr std::chrono::milliseconds kLingerTime{3'000};
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::size_t kFirstBuffer = 4 << 10;
constexpr std::size_t kKeptBuffer = 32 << 10;

// An operation of Asio as something to await. `Start` is called with the handler.
template <class Start>
struct Operation {
  Start start;
  error_code error{};
  std::size_t bytes = 0;

  struct Handler {
    Operation* operation;
    std::coroutine_handle<> waiting;
    void operator()(error_code error, std::size_t bytes = 0) const {
      operation->error = error;
      operation->bytes = bytes;
      waiting.resume();
    }
  };
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { start(Handler{this, waiting}); }
  std::pair<error_code, std::size_t> await_resume() const noexcept { return {error, bytes}; }
};
template <class Start>
Operation(Start) -> Operation<Start>;

}  // namespace

struct Connection::State : std::enable_shared_from_this<State> {
  State(IoThread& io_thread, const ConnectionOptions& given)
      : options(given), io(io_thread.shared_from_this()), socket(io_thread.context().get_executor()) {
    if (options.tls != nullptr) {
      SSL* stream = SSL_new(options.tls);
      if (stream == nullptr) throw std::bad_alloc();
      tls = std::make_unique<ssl::stream<Socket&>>(socket, stream);
    }
    // Last, since the descriptor is the caller's if this fails.
    socket.assign(options.is_v6 ? Tcp::v6() : Tcp::v4(), options.fd);
  }

  void start_read();
  void on_read(error_code error, std::size_t bytes);
  void notify();
  void reset();
  void close();
  bool make_room();
  bool lost() const noexcept { return broken || cut; }
  void set_deadline(std::chrono::milliseconds from_now) {
    deadline = SteadyClock::now() + from_now;
    timed_out = false;
  }

  const ConnectionOptions options;
  const std::shared_ptr<IoThread> io;
  Socket socket;
  std::unique_ptr<ssl::stream<Socket&>> tls;
  std::coroutine_handle<> waiting;  // the coroutine, while it waits for an event

  std::vector<char> in;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint64_t received = 0;
  bool reading = false;
  bool raw = false;     // TLS is over: what still comes is only thrown away
  bool eof = false;     // the client sends no more
  bool broken = false;  // the connection is gone

  SteadyTime deadline = SteadyTime::max();
  bool writing = false;          // a deadline closes the socket rather than waking the coroutine
  bool in_tls_exchange = false;  // likewise; the beginning or end of TLS
  int unsent = -1;               // of the kernel's buffer at the last tick
  bool timed_out = false;
  bool cut = false;
  bool hang_up = false;
};

Connection::Connection(IoThread& io, const ConnectionOptions& options) : state_(std::make_shared<State>(io, options)) {}

Connection::~Connection() = default;

Task<bool> Connection::handshake(std::chrono::milliseconds limit) {
  State& state = *state_;
  state.in_tls_exchange = true;
  state.set_deadline(limit);
  const auto [error, none] = co_await Operation{
      [&](auto handler) { state.tls->async_handshake(ssl::stream_base::server, std::move(handler)); }};
  state.in_tls_exchange = false;
  co_return !error && !state.cut;
}

std::string_view Connection::unread() const noexcept {
  return {state_->in.data() + state_->begin, state_->end - state_->begin};
}

void Connection::consume(std::size_t bytes) noexcept {
  state_->begin += bytes;
}

bool Connection::State::make_room() {
  if (begin == end) begin = end = 0;
  if (end < in.size()) return true;
  if (begin > 0) {
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(begin), in.begin() + static_cast<std::ptrdiff_t>(end),
              in.begin());
    end -= begin;
    begin = 0;
    return true;
  }
  if (in.size() > options.max_buffered) return false;
  in.resize(std::max(kFirstBuffer, std::min(in.size() * 4, options.max_buffered + kFirstBuffer)));
  return true;
}

void Connection::State::start_read() {
  if (reading || eof || broken || !make_room()) return;
  reading = true;
  const auto space = asio::buffer(in.data() + end, in.size() - end);
  auto done = [self = shared_from_this()](error_code error, std::size_t bytes) { self->on_read(error, bytes); };
  if (tls && !raw) {
    tls->async_read_some(space, std::move(done));
  } else {
    socket.async_read_some(space, std::move(done));
  }
}

void Connection::State::on_read(error_code error, std::size_t bytes) {
  reading = false;
  end += bytes;
  received += bytes;
  if (error == asio::error::eof || error == ssl::error::stream_truncated) {
    eof = true;
  } else if (error) {
    eof = true;
    // While TLS is being ended, a read may fail on a connection that still has to be read empty.
    if (!in_tls_exchange) broken = true;
  }
  if (waiting) std::exchange(waiting, nullptr).resume();
}

void Connection::start_read() {
  state_->start_read();
}

Task<bool> Connection::read_more() {
  State& state = *state_;
  const std::uint64_t before = state.received;
  state.start_read();
  while (state.reading && state.received == before && !state.timed_out && !state.hang_up && !state.lost()) {
    co_await event();
  }
  co_return state.received != before && !state.lost();
}

void Connection::grow(std::size_t bytes) {
  State& state = *state_;
  if (state.reading || state.begin != state.end || state.in.size() >= bytes) return;
  state.begin = state.end = 0;
  state.in.resize(bytes);
}

// A thousand idle connections are not to hold on to what one large request each once needed.
void Connection::shrink() {
  State& state = *state_;
  if (state.reading || state.in.size() <= kKeptBuffer) return;
  std::vector<char>().swap(state.in);
  state.begin = state.end = 0;
}

Task<bool> Connection::write(std::string_view first, std::string_view second) {
  State& state = *state_;
  state.writing = true;
  state.unsent = -1;
  while (!state.lost() && !(first.empty() && second.empty())) {
    state.set_deadline(state.options.write_timeout);
    const auto [error, bytes] = co_await Operation{[&](auto handler) {
      if (state.tls) {
        // TLS takes one buffer at a time anyway.
        const std::string_view next = first.empty() ? second : first;
        state.tls->async_write_some(asio::buffer(next.data(), next.size()), std::move(handler));
      } else {
        const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                                     asio::buffer(second.data(), second.size())};
        state.socket.async_write_some(both, std::move(handler));
      }
    }};
    if (error) state.broken = true;
    const std::size_t of_first = std::min(bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(bytes - of_first);
  }
  state.writing = false;
  clear_deadline();
  co_return !state.lost();
}

Task<void> Connection::linger() {
  State& state = *state_;
  state.set_deadline(kLingerTime);
  if (state.tls) {
    state.in_tls_exchange = true;
    co_await Operation{[&](auto handler) { state.tls->async_shutdown(std::move(handler)); }};
    state.in_tls_exchange = false;
    state.raw = true;
    state.eof = false;
  }
  error_code error;
  state.socket.shutdown(Tcp::socket::shutdown_send, error);
  const std::uint64_t most = state.received + kLingerBytes;
  while (!state.eof && !state.timed_out && !state.lost() && state.received < most) {
    state.begin = state.end;
    const bool more = co_await read_more();
    if (!more) break;
  }
}

void Connection::Event::await_suspend(std::coroutine_handle<> waiting) const noexcept {
  connection.state_->waiting = waiting;
}

void Connection::notify() {
  state_->notify();
}

// Never from here: whoever notifies may be walking over all connections.
void Connection::State::notify() {
  if (!waiting) return;
  asio::post(io->context(),
             [self = shared_from_this(), resumed = std::exchange(waiting, nullptr)] { resumed.resume(); });
}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  state_->set_deadline(from_now);
}

void Connection::clear_deadline() noexcept {
  state_->deadline = SteadyTime::max();
}

bool Connection::has_deadline() const noexcept {
  return state_->deadline != SteadyTime::max();
}

bool Connection::timed_out() const noexcept {
  return state_->timed_out;
}

void Connection::on_tick(SteadyTime now) {
  State& state = *state_;
  if (state.writing) {
    // A slow client that still takes bytes frees the kernel's buffer long before the socket is writable again.
    int unsent = 0;
    if (ioctl(state.socket.native_handle(), SIOCOUTQ, &unsent) == 0 && unsent != state.unsent) {
      state.unsent = unsent;
      state.deadline = now + state.options.write_timeout;
    }
  }
  if (now < state.deadline) return;
  state.deadline = SteadyTime::max();
  state.timed_out = true;
  if (state.writing || state.in_tls_exchange) state.reset();
  state.notify();
}

void Connection::hang_up() {
  state_->hang_up = true;
  state_->notify();
}

void Connection::State::reset() {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::State::close() {
  error_code ignored;
  socket.close(ignored);
  broken = true;
}

void Connection::reset() {
  state_->reset();
}

void Connection::close() {
  state_->close();
}

void Connection::cut_off() {
  state_->cut = true;
  state_->reset();
  state_->notify();
}

bool Connection::ended() const noexcept {
  return state_->eof || state_->broken;
}

bool Connection::lost() const noexcept {
  return state_->lost();
}

}  // namespace imgimport
