// Small decisions about requests that need no socket. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "http_server/request_parser.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// The client's X-Request-Id if it is [A-Za-z0-9._-]{1,128}, else a new one.
std::string choose_request_id(const HttpRequest& request);

// X-Deadline-Ms: the milliseconds that the caller has left; time_point::max() without one. A day at most.
std::chrono::steady_clock::time_point deadline_of(const HttpRequest& request,
                                                  std::chrono::steady_clock::time_point now);

// 404, or 405 with Allow when the path has other methods.
HttpResponse no_route_response(const HttpRequest& request, const std::vector<HttpMethod>& allowed);

HttpResponse problem_response(const RequestProblem& problem, std::string_view request_id);

// Gives an error without a body the error shape; leaves everything else as it is.
void fill_in_error_body(HttpResponse& response, std::string_view request_id);

}  // namespace imgimport
