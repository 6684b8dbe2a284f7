#include "http_server/request_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/http_error.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "http_server/response_head.hpp"

namespace imgimport {
namespace {

bool is_sane_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > 128) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string_view remedy_for(const RequestProblem& problem) noexcept {
  if (problem.code == "host_missing") return "Send one Host header with the server's name.";
  switch (problem.status) {
    case 400:
      return "Send the request as RFC 9112 lays it down; a client library of HTTP does.";
    case 505:
      return "Send HTTP/1.1.";
    case 417:
      return "Leave the Expect header out, or send \"Expect: 100-continue\".";
    case 408:
      return "Send the request without long pauses.";
    case 413:
      return "Send less at once.";
    case 414:
      return "Send a shorter address, with less in its query.";
    case 431:
      return "Send fewer or shorter headers, cookies among them.";
    case 503:
      return "Try again in a moment.";
    default:
      return "Correct the request.";
  }
}

}  // namespace

std::string choose_request_id(const HttpRequest& request) {
  const auto given = request.headers.find("X-Request-Id");
  return given && is_sane_id(*given) ? std::string(*given) : random_token(8);
}

std::chrono::steady_clock::time_point deadline_of(const HttpRequest& request,
                                                  std::chrono::steady_clock::time_point now) {
  constexpr std::int64_t kLongest = 24LL * 3600 * 1000;
  const auto given = request.headers.find("X-Deadline-Ms");
  if (!given) return std::chrono::steady_clock::time_point::max();
  const auto left = whole_number<std::int64_t>(*given);
  if (!left || *left < 0) return std::chrono::steady_clock::time_point::max();
  return now + std::chrono::milliseconds(std::min(*left, kLongest));
}

HttpResponse no_route_response(const HttpRequest& request, const std::vector<HttpMethod>& allowed) {
  if (allowed.empty()) return no_such_path(request);
  std::string methods;
  for (const HttpMethod method : allowed) {
    if (!methods.empty()) methods += ", ";
    methods += to_string(method);
  }
  const std::string message = request.path + " does not answer " + request.method_text + ".";
  const std::string remedy = "Use " + methods + ".";
  HttpResponse response = error_response(HttpErrorText{.status = 405,
                                                       .code = "method_not_allowed",
                                                       .message = message,
                                                       .remedy = remedy,
                                                       .request_id = request.request_id});
  response.headers.set("Allow", methods);
  return response;
}

HttpResponse problem_response(const RequestProblem& problem, std::string_view request_id) {
  HttpResponse response = error_response(HttpErrorText{.status = problem.status,
                                                       .code = problem.code,
                                                       .message = problem.message,
                                                       .remedy = remedy_for(problem),
                                                       .request_id = request_id});
  if (problem.status == 503) response.headers.set("Retry-After", "1");
  response.close_connection = true;
  return response;
}

void fill_in_error_body(HttpResponse& response, std::string_view request_id) {
  const auto* text = std::get_if<std::string>(&response.body);
  if (response.status < 400 || text == nullptr || !text->empty()) return;
  const bool ours = response.status >= 500;
  HttpResponse shaped = error_response(HttpErrorText{
      .status = response.status,
      .code = ours ? "internal" : "request_failed",
      .message = ours ? std::string_view("The server failed to answer this request.") : reason_phrase(response.status),
      .remedy = ours ? "Try again; if it stays, look for the request id in the server's log."
                     : "Look into the API's description at /api/openapi.json.",
      .request_id = request_id});
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(shaped.body);
}

}  // namespace imgimport
