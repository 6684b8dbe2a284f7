#include "http_server/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "http_server/listening_socket.hpp"
#include "http_server/session.hpp"

namespace imgimport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kAcceptPause{100};
// Connections beyond the cap that get their 503, or are told of the health, at the same time; others wait in the
// backlog.
constexpr std::size_t kMaxRefusals = 64;
constexpr std::chrono::milliseconds kLastWords{500};

std::string text_of(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    const auto* address = v6.sin6_addr.s6_addr;
    inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? address + 12 : address, text.data(), text.size());
  }
  return text.data();
}

bool is_peers_fault(int code) noexcept {
  // accept(2): these are errors of the connection that was waiting; the next one may be well.
  return code == ECONNABORTED || code == EINTR || code == EPROTO || code == EPERM || code == ENETDOWN ||
         code == ENETUNREACH || code == EHOSTUNREACH || code == EHOSTDOWN || code == ENONET || code == ENOPROTOOPT;
}

}  // namespace

// One port. On the first io thread once it has been started.
class Listener {
 public:
  Listener(ServerState& state, const std::vector<std::shared_ptr<IoThread>>& threads, HttpListenerOptions options,
           ListeningSocket socket, TlsContext tls)
      : state_(state),
        threads_(threads),
        options_(std::move(options)),
        is_v6_(socket.is_v6),
        tls_(std::move(tls)),
        router_(options_.router),
        socket_(threads.front()->context(), socket.fd),
        pause_(threads.front()->context()) {}

  // Counts in `state` until close().
  void start() {
    state_.enter();
    wait();
  }
  void hand_over(const Router& before, const Router& after) {
    if (router_.load() == &before) router_.store(&after);
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
    pause_.cancel();
    state_.leave();
  }

 private:
  void wait() {
    socket_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code error) {
      if (!error && socket_.is_open()) accept_waiting();
    });
  }

  void accept_waiting() {
    for (;;) {
      if (!has_room()) return accept_later();
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      const int fd =
          accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        in_trouble_ = false;
        begin(fd, text_of(peer));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return wait();
      } else if (!is_peers_fault(errno)) {
        return pause_after(errno);
      }
    }
  }

  // Out of file descriptors or memory: connections wait in the backlog until some are free again.
  void pause_after(int code) {
    if (!std::exchange(in_trouble_, true)) {
      log_error("a connection could not be taken",
                {{"listener", options_.name}, {"error", std::generic_category().message(code)}});
    }
    accept_later();
  }

  bool has_room() const {
    return state_.served.load() < state_.options.max_connections || state_.refused.load() < kMaxRefusals;
  }

  void accept_later() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code error) {
      if (!error && socket_.is_open()) accept_waiting();
    });
  }

  void begin(int fd, std::string remote) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto purpose = SessionPurpose::kServe;
    if (state_.served.load() >= state_.options.max_connections) purpose = SessionPurpose::kRefuse;
    IoThread& io = *threads_[next_thread_++ % threads_.size()];
    start_session(state_, io, {fd, is_v6_, std::move(remote), &options_, &router_, tls_.get(), purpose});
  }

  ServerState& state_;
  const std::vector<std::shared_ptr<IoThread>>& threads_;
  const HttpListenerOptions options_;
  const bool is_v6_;
  const TlsContext tls_;
  std::atomic<const Router*> router_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer pause_;
  std::size_t next_thread_ = 0;
  bool in_trouble_ = false;
};

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, Executor& requests) : state_(options, requests) {
    const std::size_t count = std::max<std::size_t>(options.io_threads, 1);
    for (std::size_t i = 0; i < count; ++i) threads_.push_back(std::make_shared<IoThread>());
  }

  Result<std::uint16_t> listen(const HttpListenerOptions& options) {
    TlsContext tls;
    if (options.tls) {
      IMGIMPORT_ASSIGN_OR_RETURN(tls, load_tls(*options.tls));
    }
    IMGIMPORT_ASSIGN_OR_RETURN(const ListeningSocket socket,
                               open_listening_socket(options.name, options.address, options.port));
    listeners_.push_back(std::make_unique<Listener>(state_, threads_, options, socket, std::move(tls)));
    return socket.port;
  }

  void start() {
    if (std::exchange(started_, true)) return;
    for (const auto& listener : listeners_) listener->start();
    for (std::size_t i = 0; i < threads_.size(); ++i) threads_[i]->start(i);
  }

  void start_early() {
    state_.starting = true;
    start();
  }
  void hand_over(const Router& before, const Router& after) {
    for (const auto& listener : listeners_) listener->hand_over(before, after);
  }
  void open() { state_.starting = false; }

  void drain() {
    if (state_.draining.exchange(true)) return;
    if (started_) for_each_session(&Session::on_drain);
  }

  void stop(SteadyTime deadline) {
    if (std::exchange(stopped_, true)) return;
    drain();
    state_.closing = true;
    if (started_) {
      threads_.front()->post([this] {
        for (const auto& listener : listeners_) listener->close();
      });
      for_each_session(&Session::on_drain);
      end_sessions(deadline);
    }
    for (const auto& io : threads_) io->join();
    listeners_.clear();
  }

  std::size_t open_connections() const { return state_.served.load(); }

 private:
  void for_each_session(void (Session::*act)()) {
    for (const auto& io : threads_) {
      io->post([io = io.get(), act] {
        for (Session* session : io->sessions()) (session->*act)();
      });
    }
  }

  void end_sessions(SteadyTime deadline) {
    // Handlers that still wait are asked to stop a little before the end, so that they can say so.
    const auto now = std::chrono::steady_clock::now();
    const auto left = std::max(deadline, now) - now;
    if (state_.wait_for_end(deadline - std::min<SteadyTime::duration>(left / 4, kLastWords))) return;
    for_each_session(&Session::on_stop_requested);
    if (state_.wait_for_end(deadline)) return;
    if (open_connections() > 0) log_warning("connections were cut off at the end", {{"count", open_connections()}});
    for_each_session(&Session::cut_off);
    state_.wait_for_end(SteadyTime::max());
  }

  ServerState state_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  bool started_ = false;
  bool stopped_ = false;
};

HttpServer::HttpServer(HttpServerOptions options, Executor& requests)
    : impl_(std::make_unique<Impl>(options, requests)) {}

HttpServer::~HttpServer() {
  stop(std::chrono::steady_clock::now());
}

Result<std::uint16_t> HttpServer::listen(const HttpListenerOptions& options) {
  return impl_->listen(options);
}
void HttpServer::start() {
  impl_->start();
}
void HttpServer::start_early() {
  impl_->start_early();
}
void HttpServer::hand_over(const Router& before, const Router& after) {
  impl_->hand_over(before, after);
}
void HttpServer::open() {
  impl_->open();
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
