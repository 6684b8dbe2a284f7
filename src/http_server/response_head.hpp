// The head of a response as text. Pure.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"

namespace imgimport {

std::string_view reason_phrase(int status) noexcept;

// What the connection knows of a response beside its own headers.
struct ResponseFrame {
  bool http_1_1 = true;
  bool keep_alive = true;
  bool head_only = false;  // the answer to a HEAD
  bool chunked = false;
  std::optional<std::uint64_t> content_length;  // nullopt: chunked, ended by closing, or a status without a body
  std::string_view request_id;
};

// 1xx, 204 and 304 have no body, whatever the handler says.
bool status_has_body(int status) noexcept;

// Appends status line, headers and the empty line. Headers of the response that are the connection's own (Connection,
// Content-Length, …) are left out, except that a HEAD's answer may name the length of the body that a GET would get.
// Bytes that would end a header's line become spaces. `date`: of this moment, as to_http_date() writes it.
void append_response_head(std::string& out, const HttpResponse& response, const ResponseFrame& frame,
                          std::string_view date);

// One chunk of a chunked body, or the bare bytes; nothing for nothing, since an empty chunk would end the body.
void append_piece(std::string& out, std::string_view data, bool chunked);

}  // namespace imgimport
