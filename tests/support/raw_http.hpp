// A small blocking HTTP client on a bare socket, for tests that need to see exactly what a server does: partial and
// pipelined requests, resets, truncated bodies. Each wait ends after 20 s with an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imgimport::testing {

struct RawResponse {
  int status = 0;
  std::string head;  // with the empty line
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;       // chunks put together
  bool complete = false;  // the body came whole, as framed

  // Empty when it is not there. The name compares without case.
  std::string header(std::string_view name) const;
};

// Whose other end ended how.
enum class RawEnd : std::uint8_t { kOpen = 1, kClosed, kReset };

class RawClient {
 public:
  struct Options {
    int receive_buffer = 0;  // bytes; 0 = the system's
    bool tls = false;        // any certificate is accepted
  };
  // Connects to 127.0.0.1. Throws where that fails.
  explicit RawClient(std::uint16_t port);
  RawClient(std::uint16_t port, Options options);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // false: the other side broke the connection first.
  bool send(std::string_view bytes);
  // The next response; `method` decides whether it has a body. status 0: the connection ended before a head.
  RawResponse receive(std::string_view method = "GET");
  RawResponse exchange(std::string_view request, std::string_view method = "GET");
  // Whatever comes until `text` has come or the connection ends.
  std::string receive_until(std::string_view text);
  // Reads on until the connection ends, and says how.
  RawEnd wait_for_end();
  RawEnd end() const noexcept { return end_; }

  void shutdown_send();
  void close();

 private:
  bool fill();
  void take_body(RawResponse& response);
  void take_chunks(RawResponse& response);

  struct Tls;
  int fd_ = -1;
  std::unique_ptr<Tls> tls_;
  std::string buffer_;
  RawEnd end_ = RawEnd::kOpen;
};

// "GET /path HTTP/1.1" with Host and the given further lines ("Name: value\r\n"…).
std::string raw_get(std::string_view path, std::string_view headers = {});
std::string raw_post(std::string_view path, std::string_view body, std::string_view headers = {});

}  // namespace imgimport::testing
