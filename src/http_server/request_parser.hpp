// One HTTP/1.x request after the other out of bytes. No socket: whoever has bytes feeds them.
//
// Threading: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"

namespace imgimport {

// Why a request was refused before any handler saw it; an answer of the error shape is made of it.
struct RequestProblem {
  int status = 400;
  std::string_view code;
  std::string_view message;
};

class RequestParser {
 public:
  enum class Outcome : std::uint8_t { kNeedMore = 1, kComplete, kFailed };
  struct Fed {
    Outcome outcome = Outcome::kNeedMore;
    std::size_t consumed = 0;  // what was not consumed must be given again, with more behind it
  };

  explicit RequestParser(std::size_t max_header_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Begins the next request.
  void reset();
  // kComplete: the head is there; request() holds all but the body.
  Fed feed_head(std::string_view bytes);
  // kComplete: the body is there. REQUIRES: the head is complete
  Fed feed_body(std::string_view bytes);
  // kFailed is due to this.
  const RequestProblem& problem() const noexcept;
  // For a body whose announced length is beyond the limit already.
  static const RequestProblem& body_too_large() noexcept;

  // From here on valid once the head is complete.
  bool body_complete() const noexcept;
  // As announced by Content-Length; nullopt for a chunked body. 0 when there is none.
  std::optional<std::uint64_t> content_length() const noexcept;
  bool keep_alive() const noexcept;
  bool is_http_1_1() const noexcept;
  bool expects_continue() const noexcept;
  // A body beyond it fails with 413.
  void limit_body(std::size_t max_bytes) noexcept;
  // What has come of the body since the last call; it counts towards the limit all the same.
  std::string take_body();
  // The body is read over, not kept.
  void discard_body() noexcept;
  // Can be moved from.
  HttpRequest& request() noexcept;

 private:
  class Parser;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace imgimport
