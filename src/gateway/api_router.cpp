#include "gateway/api_router.hpp"

#include <exception>
#include <memory>
#include <utility>

#include "base/http_error.hpp"

namespace imgimport {
namespace {

// For answers that nothing was said about yet: they belong to one caller and are no document of their own.
void set_if_absent(HttpHeaders& headers, std::string_view name, std::string_view value) {
  if (!headers.find(name)) headers.set(name, std::string(value));
}

void finish_answer(const Cors& cors, const HttpRequest& request, HttpResponse& response) {
  set_if_absent(response.headers, "Cache-Control", "no-store");
  set_if_absent(response.headers, "X-Content-Type-Options", "nosniff");
  set_if_absent(response.headers, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  set_if_absent(response.headers, "Referrer-Policy", "no-referrer");
  cors.allow(request, response);
}

HttpResponse finished(const Cors& cors, const HttpRequest& request, HttpResponse response) {
  finish_answer(cors, request, response);
  return response;
}

}  // namespace

std::function<void(const HttpRequest&, HttpResponse&)> finish_public_answers(const std::vector<std::string>& origins) {
  return [cors = Cors(origins)](const HttpRequest& request, HttpResponse& response) {
    finish_answer(cors, request, response);
  };
}

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

ApiRouter::ApiRouter(const Parts& parts) : parts_(parts) {}

void ApiRouter::handle(HttpMethod method, const std::string& pattern, Handler handler, HttpRouteOptions options) {
  handle_async(
      method, pattern,
      [handler = std::move(handler)](const CallContext& context, const HttpRequest& request, const Send& send) {
        send(handler(context, request));
      },
      options);
}

void ApiRouter::handle_async(HttpMethod method, const std::string& pattern, AsyncHandler handler,
                             HttpRouteOptions options) {
  methods_[pattern].push_back(method);
  const Counters count = counters(method, pattern);
  parts_.router.handle_async(
      method, pattern,
      [&cors = parts_.cors, count, handler = std::move(handler)](const CallContext& context, const HttpRequest& request,
                                                                 HttpResponder responder) {
        // Shared, since a std::function must be copyable; the request may be gone when the answer comes.
        auto reply = std::make_shared<HttpResponder>(std::move(responder));
        auto origin = std::make_shared<const HttpRequest>(request);
        const Send send = [&cors, count, reply, origin](Result<HttpResponse> result) {
          HttpResponse response = result ? *std::move(result) : error_response(result.error(), *origin);
          Counter& counter = response.status < 400   ? *count.succeeded
                             : response.status < 500 ? *count.refused
                                                     : *count.failed;
          counter.add();
          reply->send(finished(cors, *origin, std::move(response)));
        };
        try {
          handler(context, *origin, send);
        } catch (const std::exception& failure) {
          send(Error(ErrorCode::kInternal, failure.what()));
        }
      },
      options);
}

ApiRouter::Counters ApiRouter::counters(HttpMethod method, const std::string& pattern) {
  const auto counter = [&](std::string_view outcome) {
    std::string labels("method=\"");
    labels.append(to_string(method)).append("\",route=\"").append(pattern);
    labels.append("\",outcome=\"").append(outcome).append("\"");
    return &parts_.metrics.counter("imgimport_api_requests_total", "Requests of the public API by route and outcome.",
                                   labels);
  };
  return {counter("succeeded"), counter("refused"), counter("failed")};
}

void ApiRouter::finish() {
  HttpRouteOptions options;
  options.guarded = false;  // browsers send preflights without credentials
  options.on_io_thread = true;
  for (const auto& [pattern, methods] : methods_) {
    parts_.router.handle(
        HttpMethod::kOptions, pattern,
        [&cors = parts_.cors, allowed = methods](const CallContext&, const HttpRequest& request) {
          return cors.preflight(request, allowed);
        },
        options);
  }
  parts_.router.set_guard(
      [&cors = parts_.cors, &access = parts_.access](const HttpRequest& request) -> std::optional<HttpResponse> {
        const auto refusal = access.refusal(request);
        if (!refusal) return std::nullopt;
        return finished(cors, request, error_response(*refusal, request));
      });
}

}  // namespace imgimport
