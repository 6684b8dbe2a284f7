// What every public route has in common, laid around its handler: errors as values become answers in the one error
// shape, browsers of allowed origins may read them, caches and sniffing browsers are told what to leave alone, requests
// are counted. Also answers the preflight of each path.
//
// Threading: filled by one thread before the server starts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "gateway/access.hpp"
#include "gateway/cors.hpp"
#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

class ApiRouter {
 public:
  using Handler = std::function<Result<HttpResponse>(const CallContext&, const HttpRequest&)>;
  using Send = std::function<void(Result<HttpResponse>)>;  // called once at most; from any thread
  using AsyncHandler = std::function<void(const CallContext&, const HttpRequest&, Send)>;

  struct Parts {
    Router& router;
    const Cors& cors;
    const Access& access;
    MetricsRegistry& metrics;
  };
  // REQUIRES: all parts outlive the router's use.
  explicit ApiRouter(const Parts& parts);

  void handle(HttpMethod method, const std::string& pattern, Handler handler, HttpRouteOptions options = {});
  // For answers that come later.
  void handle_async(HttpMethod method, const std::string& pattern, AsyncHandler handler, HttpRouteOptions options = {});

  // To be called once, after the last route: OPTIONS for every path, and the guard.
  void finish();

 private:
  struct Counters {
    Counter* succeeded;
    Counter* refused;
    Counter* failed;
  };
  Counters counters(HttpMethod method, const std::string& pattern);

  Parts parts_;
  std::map<std::string, std::vector<HttpMethod>> methods_;
};

// For the answers of the public port that no route makes (404, 413, 503 while starting…): they get what those of the
// routes get, so that a page may read them, too. May be called from any thread.
std::function<void(const HttpRequest&, HttpResponse&)> finish_public_answers(const std::vector<std::string>& origins);

// {"Content-Type": "application/json"} and the text.
HttpResponse json_response(std::string body);

}  // namespace imgimport
