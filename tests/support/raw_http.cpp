#include "support/raw_http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/text.hpp"

namespace imgimport::testing {
namespace {

constexpr int kPatienceSeconds = 20;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct RawClient::Tls {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> stream{SSL_new(context.get()), SSL_free};
};

std::string RawResponse::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (equals_ignore_case(field, name)) return value;
  }
  return {};
}

RawClient::RawClient(std::uint16_t port) : RawClient(port, Options{}) {}

RawClient::RawClient(std::uint16_t port, Options options) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  const timeval patience{kPatienceSeconds, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (options.receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fail("connect");
  }
  if (!options.tls) return;
  tls_ = std::make_unique<Tls>();
  SSL_set_fd(tls_->stream.get(), fd_);
  if (SSL_connect(tls_->stream.get()) != 1) {
    ::close(fd_);
    throw std::runtime_error("the TLS handshake failed");
  }
}

RawClient::~RawClient() {
  close();
}

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = tls_ ? SSL_write(tls_->stream.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      if (tls_ || errno == EPIPE || errno == ECONNRESET) return false;
      fail("send");
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::fill() {
  if (end_ != RawEnd::kOpen) return false;
  std::array<char, 65536> piece{};
  const auto got =
      tls_ ? SSL_read(tls_->stream.get(), piece.data(), piece.size()) : recv(fd_, piece.data(), piece.size(), 0);
  if (got > 0) {
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }
  if (got == 0 || (tls_ && errno != ECONNRESET)) {
    end_ = RawEnd::kClosed;
  } else if (errno == ECONNRESET) {
    end_ = RawEnd::kReset;
  } else {
    fail("nothing came");
  }
  return false;
}

RawResponse RawClient::receive(std::string_view method) {
  RawResponse response;
  std::size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return response;
  }
  response.head = buffer_.substr(0, head_end + 4);
  buffer_.erase(0, head_end + 4);
  response.status = std::stoi(response.head.substr(response.head.find(' ') + 1));
  std::size_t line = response.head.find("\r\n") + 2;
  while (line + 2 < response.head.size()) {
    const std::size_t line_end = response.head.find("\r\n", line);
    const std::size_t colon = response.head.find(": ", line);
    response.headers.emplace_back(response.head.substr(line, colon - line),
                                  response.head.substr(colon + 2, line_end - colon - 2));
    line = line_end + 2;
  }
  const bool bodiless = method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304;
  if (bodiless) {
    response.complete = true;
  } else {
    take_body(response);
  }
  return response;
}

void RawClient::take_body(RawResponse& response) {
  if (response.header("Transfer-Encoding") == "chunked") return take_chunks(response);
  const std::string length = response.header("Content-Length");
  const std::size_t wanted = length.empty() ? std::string::npos : std::stoul(length);
  while (buffer_.size() < wanted && fill()) {
  }
  response.body = buffer_.substr(0, wanted);
  buffer_.erase(0, response.body.size());
  response.complete = length.empty() ? end_ == RawEnd::kClosed : response.body.size() == wanted;
}

void RawClient::take_chunks(RawResponse& response) {
  for (;;) {
    std::size_t line_end = 0;
    while ((line_end = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill()) return;
    }
    const std::size_t size = std::stoul(buffer_.substr(0, line_end), nullptr, 16);
    while (buffer_.size() < line_end + 2 + size + 2) {
      if (!fill()) return;
    }
    response.body.append(buffer_, line_end + 2, size);
    buffer_.erase(0, line_end + 2 + size + 2);
    if (size > 0) continue;
    response.complete = true;
    return;
  }
}

RawResponse RawClient::exchange(std::string_view request, std::string_view method) {
  send(request);
  return receive(method);
}

std::string RawClient::receive_until(std::string_view text) {
  while (buffer_.find(text) == std::string::npos) {
    if (!fill()) break;
  }
  return std::exchange(buffer_, {});
}

RawEnd RawClient::wait_for_end() {
  while (fill()) {
  }
  return end_;
}

std::string raw_get(std::string_view path, std::string_view headers) {
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: test\r\n").append(headers).append("\r\n");
  return request;
}

std::string raw_post(std::string_view path, std::string_view body, std::string_view headers) {
  std::string request = "POST ";
  request.append(path).append(" HTTP/1.1\r\nHost: test\r\nContent-Length: ").append(std::to_string(body.size()));
  request.append("\r\n").append(headers).append("\r\n").append(body);
  return request;
}

}  // namespace imgimport::testing
