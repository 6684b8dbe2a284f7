#include "emulators/drive/connect_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

namespace imgimport::emulator {
namespace {

constexpr int kPipeBytes = 256 << 10;
constexpr std::size_t kMaxHead = 16 << 10;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// One direction of a tunnel.
class Flow {
 public:
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return false;
    out_ = Descriptor(ends[0]);
    in_ = Descriptor(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
    return true;
  }

  // Moves what can be moved. false: the tunnel is broken.
  bool pump(int from, int to) {
    constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    while (!over_) {
      const ssize_t got = eof_ ? 0 : ::splice(from, nullptr, in_.get(), nullptr, kPipeBytes, kFlags);
      if (got < 0 && errno != EAGAIN) return false;
      if (got == 0) eof_ = true;
      if (got > 0) held_ += static_cast<std::size_t>(got);
      if (held_ == 0 && !eof_) return true;
      if (held_ > 0) {
        const ssize_t given = ::splice(out_.get(), nullptr, to, nullptr, held_, kFlags);
        if (given < 0) return errno == EAGAIN;
        held_ -= static_cast<std::size_t>(given);
      }
      if (eof_ && held_ == 0) {
        ::shutdown(to, SHUT_WR);
        over_ = true;
      }
    }
    return true;
  }
  bool over() const { return over_; }

 private:
  Descriptor in_, out_;
  std::size_t held_ = 0;
  bool eof_ = false;
  bool over_ = false;
};

struct Tunnel {
  Descriptor client;
  Descriptor upstream;
  std::string head;
  Flow up, down;
};

}  // namespace

class ConnectProxy::Loop {
 public:
  Loop(Descriptor listener, std::uint16_t target_port)
      : listener_(std::move(listener)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        target_port_(target_port) {
    watch(listener_.get(), EPOLLIN);
    watch(wake_.get(), EPOLLIN);
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
  }

 private:
  void watch(int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void run() {
    std::array<epoll_event, 128> events{};
    while (true) {
      const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == wake_.get()) return;
        if (fd == listener_.get()) {
          accept_all();
        } else if (const auto found = by_fd_.find(fd); found != by_fd_.end()) {
          // Held here: serving may end the tunnel.
          const std::shared_ptr<Tunnel> tunnel = found->second;
          if (!serve(*tunnel)) end(*tunnel);
        }
      }
    }
  }

  void accept_all() {
    while (true) {
      Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client.get() < 0) return;
      set_no_delay(client.get());
      auto tunnel = std::make_shared<Tunnel>();
      tunnel->client = std::move(client);
      by_fd_[tunnel->client.get()] = tunnel;
      watch(tunnel->client.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
  }

  void end(const Tunnel& tunnel) {
    by_fd_.erase(tunnel.client.get());
    by_fd_.erase(tunnel.upstream.get());
  }

  bool serve(Tunnel& tunnel) {
    if (tunnel.upstream.get() < 0) {
      if (!read_head(tunnel)) return false;
      if (tunnel.upstream.get() < 0) return true;
    }
    const int client = tunnel.client.get();
    const int upstream = tunnel.upstream.get();
    if (!tunnel.up.pump(client, upstream) || !tunnel.down.pump(upstream, client)) return false;
    return !tunnel.up.over() || !tunnel.down.over();
  }

  // Byte by byte to the empty line, since what follows belongs to the tunnel. false: end it.
  bool read_head(Tunnel& tunnel) {
    while (!tunnel.head.ends_with("\r\n\r\n")) {
      char byte = 0;
      const ssize_t n = ::recv(tunnel.client.get(), &byte, 1, 0);
      if (n < 0 && errno == EAGAIN) return true;
      if (n <= 0 || tunnel.head.size() > kMaxHead) return false;
      tunnel.head += byte;
    }
    constexpr std::string_view kRefusal =
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    constexpr std::string_view kOpen = "HTTP/1.1 200 Connection established\r\n\r\n";
    if (!tunnel.head.starts_with("CONNECT ")) {
      ::send(tunnel.client.get(), kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL);
      return false;
    }
    Descriptor upstream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(target_port_);
    if (::connect(upstream.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
    ::fcntl(upstream.get(), F_SETFL, O_NONBLOCK);
    set_no_delay(upstream.get());
    if (!tunnel.up.open() || !tunnel.down.open()) return false;
    tunnel.upstream = std::move(upstream);
    by_fd_[tunnel.upstream.get()] = by_fd_[tunnel.client.get()];
    watch(tunnel.upstream.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    return ::send(tunnel.client.get(), kOpen.data(), kOpen.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kOpen.size());
  }

  const Descriptor listener_;
  const Descriptor wake_;
  const Descriptor epoll_;
  const std::uint16_t target_port_;
  std::unordered_map<int, std::shared_ptr<Tunnel>> by_fd_;  // the loop's thread only
  std::thread thread_;
};

ConnectProxy::ConnectProxy(std::uint16_t target_port) : target_port_(target_port) {}
ConnectProxy::~ConnectProxy() {
  stop();
}

Result<std::uint16_t> ConnectProxy::start(std::uint16_t port) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  socklen_t length = sizeof address;
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      ::listen(listener.get(), 1024) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return Error(ErrorCode::kMisconfigured, "the proxy cannot listen on port " + std::to_string(port));
  }
  loop_ = std::make_unique<Loop>(std::move(listener), target_port_);
  return ntohs(address.sin_port);
}

void ConnectProxy::stop() {
  loop_.reset();
}

}  // namespace imgimport::emulator
