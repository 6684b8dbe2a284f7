#include "support/http_imposter.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/text.hpp"

namespace imgimport::test {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Appends what comes next; false at the end of the connection.
bool receive_more(int fd, std::string& buffer) {
  char chunk[16 << 10];
  const ssize_t received = ::recv(fd, chunk, sizeof chunk, 0);
  if (received <= 0) return false;
  buffer.append(chunk, static_cast<std::size_t>(received));
  return true;
}

bool receive_at_least(int fd, std::string& buffer, std::size_t size) {
  while (buffer.size() < size) {
    if (!receive_more(fd, buffer)) return false;
  }
  return true;
}

std::optional<std::string> receive_line(int fd, std::string& buffer) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n")) == std::string::npos) {
    if (!receive_more(fd, buffer)) return std::nullopt;
  }
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 2);
  return line;
}

void reset_connection(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

std::string ImposterRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equals_ignore_case(key, name)) return value;
  }
  return {};
}

std::string ImposterRequest::query(std::string_view name) const {
  std::size_t at = target.find('?');
  while (at != std::string::npos) {
    const std::size_t end = target.find('&', at + 1);
    const std::string pair = target.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    if (pair.substr(0, pair.find('=')) == name) return pair.substr(std::min(pair.size(), name.size() + 1));
    at = end;
  }
  return {};
}

HttpImposter::HttpImposter(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 512) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("the imposter cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpImposter::~HttpImposter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = released_ = true;
    for (const Connection& connection : open_) ::shutdown(connection.fd, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  // Nobody adds to the list any more.
  for (Connection& connection : open_) {
    connection.thread.join();
    ::close(connection.fd);
  }
  ::close(listener_);
}

std::string HttpImposter::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::vector<ImposterRequest> HttpImposter::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpImposter::await_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return requests_.size() >= count || stopping_; });
}

void HttpImposter::release() {
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  changed_.notify_all();
}

void HttpImposter::await_release() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return released_; });
}

void HttpImposter::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(fd);
      return;
    }
    Connection& connection = open_.emplace_back(Connection{fd, connections_++, {}});
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void HttpImposter::serve(Connection& connection) {
  std::string buffer;
  ImposterRequest request;
  bool keeps_on = true;
  while (keeps_on && read_request(connection, buffer, request)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    changed_.notify_all();
    const ImposterReply reply = script_(request);
    if (reply.hold) await_release();
    keeps_on = answer(connection.fd, reply, request);
    request = {};
  }
  // Closed for the other side at once; the descriptor itself is freed with the imposter, so that it names no other.
  ::shutdown(connection.fd, SHUT_RDWR);
}

bool HttpImposter::read_request(Connection& connection, std::string& buffer, ImposterRequest& request) {
  const auto first = receive_line(connection.fd, buffer);
  if (!first) return false;
  const std::size_t space = first->find(' ');
  if (space == std::string::npos || first->rfind(' ') == space) return false;  // not HTTP: a TLS client's first words
  request.method = first->substr(0, space);
  const std::size_t target = request.method.size() + 1;
  request.target = first->substr(target, first->rfind(' ') - target);
  request.connection = connection.number;
  while (true) {
    const auto line = receive_line(connection.fd, buffer);
    if (!line) return false;
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == std::string::npos) return false;
    request.headers.emplace_back(line->substr(0, colon), std::string(trim(std::string_view(*line).substr(colon + 1))));
  }
  return read_body(connection.fd, buffer, request);
}

bool HttpImposter::read_body(int fd, std::string& buffer, ImposterRequest& request) {
  if (!request.header("Expect").empty()) {
    if (!continues_) return true;
    if (!send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
  }
  if (equals_ignore_case(request.header("Transfer-Encoding"), "chunked")) {
    while (true) {
      const auto line = receive_line(fd, buffer);
      if (!line) return false;
      const std::size_t size = std::strtoull(line->c_str(), nullptr, 16);
      if (!receive_at_least(fd, buffer, size + 2)) return false;
      request.body.append(buffer, 0, size);
      buffer.erase(0, size + 2);
      if (size == 0) return true;
    }
  }
  const std::size_t size = std::strtoull(request.header("Content-Length").c_str(), nullptr, 10);
  if (!receive_at_least(fd, buffer, size)) return false;
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return true;
}

bool HttpImposter::answer(int fd, const ImposterReply& reply, const ImposterRequest& request) {
  bool sent = true;
  if (reply.raw) {
    sent = send_all(fd, *reply.raw);
  } else {
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
    for (const auto& [name, value] : reply.headers) head.append(name).append(": ").append(value).append("\r\n");
    const bool bodiless = reply.status == 204 || reply.status == 304;
    if (reply.announce_length && !bodiless) head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    if (!reply.announce_length) head += "Connection: close\r\n";
    head += "\r\n";
    std::string_view body = reply.body;
    if (request.method == "HEAD" || bodiless) body = {};
    if (reply.cut_body_after) body = body.substr(0, *reply.cut_body_after);
    // Small answers leave in one piece, as real servers' do.
    if (body.size() <= 64 << 10) {
      sent = send_all(fd, head.append(body));
      body_bytes_sent_ += body.size();
    } else {
      sent = send_all(fd, head) && send_body(fd, body);
    }
  }
  if (reply.ending == ImposterEnding::kStall) await_release();
  if (reply.ending == ImposterEnding::kReset) {
    reset_connection(fd);
    const sockaddr unspecified{AF_UNSPEC, {}};
    ::connect(fd, &unspecified,
              sizeof unspecified);  // disconnects at once, with the RST that lingering for 0 s asks for
  }
  return sent && reply.ending == ImposterEnding::kKeepAlive && reply.announce_length;
}

bool HttpImposter::send_body(int fd, std::string_view body) {
  constexpr std::size_t kPiece = 16 << 10;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, kPiece);
    if (!send_all(fd, piece)) return false;
    body_bytes_sent_ += piece.size();
    body.remove_prefix(piece.size());
  }
  return true;
}

}  // namespace imgimport::test
