#include "http_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/text.hpp"

namespace imgimport {
namespace {

class Socket {
 public:
  explicit Socket(std::uint16_t port) : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Socket() { ::close(file_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  enum class Got : std::uint8_t { kBytes = 1, kEnd, kSilence };
  Got receive(std::string& into, std::chrono::milliseconds patience) {
    pollfd waiting{.fd = file_, .events = POLLIN};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) == 0) return Got::kSilence;
    std::array<char, 64 << 10> buffer{};
    const ssize_t n = ::recv(file_, buffer.data(), buffer.size(), 0);
    if (n <= 0) return Got::kEnd;
    into.append(buffer.data(), static_cast<std::size_t>(n));
    return Got::kBytes;
  }

 private:
  int file_;
  bool connected_ = false;
};

void read_head(std::string_view head, ProbeReply& reply) {
  reply.status = head.size() > 12 ? std::atoi(std::string(head.substr(9, 3)).c_str()) : 0;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    reply.headers[to_lower_ascii(line.substr(0, colon))] = std::string(trim(line.substr(colon + 1)));
  }
}

// Takes chunks apart. true: the last one was there.
bool join_chunks(std::string_view raw, std::string& body) {
  body.clear();
  while (true) {
    const std::size_t line = raw.find("\r\n");
    if (line == std::string_view::npos) return false;
    const std::size_t size = std::strtoul(std::string(raw.substr(0, line)).c_str(), nullptr, 16);
    raw.remove_prefix(line + 2);
    if (size == 0) return true;
    body.append(raw.substr(0, size));
    if (raw.size() < size + 2) return false;
    raw.remove_prefix(size + 2);
  }
}

bool is_whole(const std::string& raw, ProbeReply& reply) {
  if (reply.headers.contains("transfer-encoding")) return join_chunks(raw, reply.body);
  reply.body = raw;
  const auto length = reply.headers.find("content-length");
  return length != reply.headers.end() && raw.size() >= std::strtoull(length->second.c_str(), nullptr, 10);
}

std::string render(const ProbeRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.body.empty()) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

}  // namespace

ProbeReply probe(std::uint16_t port, const ProbeRequest& request) {
  ProbeReply reply;
  Socket socket(port);
  if (!socket.connected()) return reply;
  socket.send(render(request));
  std::string received;
  std::size_t body_at = std::string::npos;
  while (!reply.whole) {
    const auto got = socket.receive(received, request.patience);
    reply.timed_out = got == Socket::Got::kSilence;
    if (body_at == std::string::npos) {
      const std::size_t end = received.find("\r\n\r\n");
      if (end != std::string::npos) {
        body_at = end + 4;
        read_head(std::string_view(received).substr(0, end), reply);
      }
    }
    const bool over = got != Socket::Got::kBytes;
    if (body_at != std::string::npos) {
      // Joining chunks again and again would be quadratic: only at the end, or when the last chunk may be there.
      const bool chunked = reply.headers.contains("transfer-encoding");
      if (!chunked || over || received.ends_with("0\r\n\r\n")) reply.whole = is_whole(received.substr(body_at), reply);
    }
    if (over) break;
  }
  return reply;
}

ProbeReply probe(std::uint16_t port, const std::string& target) { return probe(port, ProbeRequest{.target = target}); }

}  // namespace imgimport
