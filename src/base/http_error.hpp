// How an Error becomes an answer: the status, and the one error shape of every port,
// {"error": sentence, "code": snake_case, "remedy": what to do, "request_id": …}. Pure apart from one log line for
// faults of our own.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// The status for an error. A finer reason wins over the code: "range_not_satisfiable" is 416, "thumbnails_off" 501, and
// "thumbnail_…", of an image that none can be made of, 422.
int http_status(const Error& error) noexcept;

// The whole answer, with Retry-After and WWW-Authenticate where they belong. What is our own fault (kInternal,
// kCorrupt) is logged with its message, and the client gets a general sentence and the request id to look for.
HttpResponse error_response(const Error& error, const HttpRequest& request);
// 404: no route and no file has the request's path.
HttpResponse no_such_path(const HttpRequest& request);

// For the answers of HTTP itself (404 of a path, 405, 431…), which no Error stands for.
struct HttpErrorText {
  int status = 500;
  std::string_view code;     // snake_case
  std::string_view message;  // one sentence
  std::string_view remedy;
  std::string_view request_id;
};
HttpResponse error_response(const HttpErrorText& text);

// `text` as the inside of a JSON string: escaped, and valid UTF-8 whatever it was.
std::string json_escape(std::string_view text);

}  // namespace imgimport
