// One multi handle, one easy handle, and the connection that they keep: what a transfer borrows.
//
// Driven by the thread that needs the bytes, through curl_multi_socket_action: libcurl then reads straight from the
// socket that poll() found ready, and a keep-alive request costs about one send, one poll and one recv.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/event_wait.hpp"
#include "http_client/origin.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {

struct CurlHttpClientOptions;

// The head of an answer.
struct HttpHead {
  int status = 0;
  HttpHeaders headers;
  std::optional<std::uint64_t> content_length;
};

// Used by one thread at a time.
class CurlSession {
 public:
  // `share` is a CURLSH with the TLS sessions of all.
  CurlSession(const CurlHttpClientOptions& options, void* share);
  ~CurlSession();
  CurlSession(const CurlSession&) = delete;
  CurlSession& operator=(const CurlSession&) = delete;

  // False when the system had no memory or descriptors left.
  bool valid() const noexcept;

  // Prepares the transfer; nothing is sent yet. The request's blob, and with kBorrowed its body, must live until end().
  enum class BodyOwner : std::uint8_t { kBorrowed = 1, kCopied };
  Result<void> start(const Origin& origin, const HttpClientRequest& request, BodyOwner owner);

  // Everything until the head has arrived.
  Result<void> await_head(const CallContext& context);
  HttpHead take_head() { return std::move(head_); }

  // As ByteReader::read. REQUIRES: await_head() succeeded.
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out);
  // The whole exchange; the body is appended to `sink`, up to `limit` bytes.
  Result<void> run(const CallContext& context, std::string& sink, std::size_t limit);

  // The answer has arrived in full and has been read to its end.
  bool exhausted() const noexcept { return done_ && spilled() == 0 && code_ == 0; }

  // Ends the transfer. The connection is kept if the exchange was complete, closed otherwise.
  void end();

  const std::string& origin_key() const noexcept { return origin_.key; }

 private:
  struct Callbacks;  // libcurl's, in the .cpp
  using TimePoint = std::chrono::steady_clock::time_point;

  void set_constant_options(const CurlHttpClientOptions& options, void* share);
  void set_method(const HttpClientRequest& request, BodyOwner owner);
  void set_body(const HttpClientRequest& request, BodyOwner owner);
  Result<void> set_headers(const HttpClientRequest& request);
  Result<void> step(const CallContext& context);
  Result<void> wait(const CallContext& context, TimePoint now);
  void act(int fd, int events);
  bool take_what_is_here();
  Result<void> check_stall(std::chrono::nanoseconds waited);
  Result<void> verdict();
  std::size_t spilled() const noexcept { return spill_.size() - spill_read_; }
  std::size_t take_spill(std::span<std::byte> out);
  std::size_t on_body(std::span<const std::byte> bytes);
  void on_header(std::string_view line);
  std::size_t on_upload(std::span<std::byte> out);
  bool reopen_upload();

  // Constant after construction. The handles are a CURLM and a CURL.
  EventWait events_;
  void* multi_ = nullptr;
  void* easy_ = nullptr;
  const std::function<bool(void*, std::uint64_t*)>* tls_setup_ = nullptr;
  std::array<char, 256> error_text_{};

  // What the easy handle was told last: only what differs is set again.
  Origin origin_;
  enum class Body : std::uint8_t { kNone = 1, kMemory, kSmallStream, kLargeStream };
  HttpMethod method_ = HttpMethod::kGet;
  Body body_ = Body::kNone;
  HttpHeaders sent_headers_;
  Body headers_body_ = Body::kNone;  // what header_list_ was made for
  void* header_list_ = nullptr;      // curl_slist
  std::chrono::milliseconds connect_timeout_{-1};

  // Of the connection; counted by what tls_setup installed.
  std::uint64_t records_read_ = 0;

  // The transfer under way.
  bool active_ = false;
  bool connected_ = false;
  bool head_done_ = false;
  bool done_ = false;
  bool paused_ = false;
  bool too_large_ = false;
  bool more_may_be_here_ = false;             // the last look at the socket brought something
  int code_ = 0;                              // CURLcode, once done_
  HttpHead head_;                             // until take_head()
  std::optional<std::uint64_t> head_length_;  // its content_length
  std::optional<TimePoint> timer_;
  std::chrono::nanoseconds silence_{0};
  std::chrono::milliseconds stall_timeout_{0};

  // Where the body goes: `out_` first, what does not fit into `spill_`; or all into `sink_`.
  std::span<std::byte> out_;
  std::size_t filled_ = 0;
  std::vector<std::byte> spill_;
  std::size_t spill_read_ = 0;
  std::string* sink_ = nullptr;
  std::size_t sink_limit_ = 0;

  // Where a streamed upload comes from.
  const Blob* upload_ = nullptr;
  const CallContext* upload_context_ = nullptr;
  std::unique_ptr<ByteReader> upload_reader_;
  std::optional<Error> upload_error_;
};

}  // namespace imgimport
