// HTTP towards others. One implementation, on libcurl.
//
// Threading: the client from any thread; one HttpDownload by one thread at a time. Connections are kept alive and
// shared. Redirects are not followed. Proxies and CA files come from the usual environment variables, as with curl.
// Errors: kUnavailable (resolve, connect, TLS, reset, stall), kDeadlineExceeded, kCancelled, kInvalidArgument (bad
// URL). An answer with any HTTP status is no error here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct HttpClientRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string url;
  HttpHeaders headers;
  std::string body;              // sent when not empty, or with kPost / kPut
  const Blob* upload = nullptr;  // sent instead of `body`, streamed; opened again where the protocol must resend
  std::optional<std::uint64_t> upload_size;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_timeout{15'000};  // no byte in either direction for so long: kUnavailable
  std::size_t max_response_bytes = 16u << 20;       // of send(): beyond it, kTooLarge
};

// Whether the request ended because no connection came about: nobody has seen anything of it.
inline bool is_without_connection(const Error& error) noexcept {
  return error.reason() == "connect_failed" || error.reason() == "connect_timeout" ||
         error.reason() == "host_not_resolved";
}

struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

// An answer whose head has arrived and whose body is read on demand. Dropping it aborts the transfer.
// read() fails with kUnavailable when the connection breaks or ends before Content-Length.
class HttpDownload : public ByteReader {
 public:
  virtual int status() const = 0;
  virtual const HttpHeaders& headers() const = 0;
  virtual std::optional<std::uint64_t> content_length() const = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // The whole exchange, body in memory.
  virtual Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) = 0;
  // Returns when the head of the (final) answer has arrived.
  virtual Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, const HttpClientRequest& request) = 0;
};

}  // namespace imgimport
