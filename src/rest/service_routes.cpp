#include "rest/service_routes.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/http_error.hpp"
#include "base/log.hpp"

namespace imgimport {
namespace {

HttpResponse answer_of(const HttpRequest& request, Result<HttpResponse> outcome) {
  HttpResponse response;
  if (outcome.has_value()) {
    response = *std::move(outcome);
  } else {
    const Error error = std::move(outcome).error();
    if (error.code() == ErrorCode::kInternal) {
      log_error("a request failed",
                {{"path", request.path}, {"request_id", request.request_id}, {"error", error.message()}});
    }
    response.status = http_status(error);
    response.headers.set("Content-Type", "application/json");
    response.body = encode_error(error, request.request_id);
  }
  response.headers.set(kWireVersionHeader, std::string(kWireVersion));
  return response;
}

Result<void> check_version(const HttpRequest& request) {
  const auto version = request.headers.find(kWireVersionHeader);
  if (!version || *version == kWireVersion) return {};
  return Error(ErrorCode::kUnavailable,
               fmt::format("the caller is another version of imgimport (its calls are of version {}, ours of "
                           "version {})",
                           *version, kWireVersion))
      .with_reason("service_version")
      .with_remedy("Run the same version of imgimport everywhere");
}

}  // namespace

ServiceRoutes::ServiceRoutes(Router& router, std::string_view service) : router_(router) {
  mount(fmt::format("/internal/v1/{}/hello", service),
        [](const CallContext&, std::string_view) -> Result<std::string> { return std::string("{}"); });
}

void ServiceRoutes::mount(std::string_view path, RawHandler handler) {
  HttpRouteOptions options;
  options.max_body_bytes = kMaxMessageBytes;
  router_.handle(
      HttpMethod::kPost, std::string(path),
      [handler = std::move(handler)](const CallContext& context, const HttpRequest& request) {
        const auto outcome = [&]() -> Result<HttpResponse> {
          IMGIMPORT_RETURN_IF_ERROR(check_version(request));
          IMGIMPORT_ASSIGN_OR_RETURN(std::string body, handler(context, request.body));
          HttpResponse response;
          response.headers.set("Content-Type", "application/json");
          response.body = std::move(body);
          return response;
        };
        return answer_of(request, outcome());
      },
      options);
}

void ServiceRoutes::serve_content(std::string pattern, ContentHandler handler) {
  router_.handle(HttpMethod::kGet, std::move(pattern),
                 [handler = std::move(handler)](const CallContext& context, const HttpRequest& request) {
                   const auto outcome = [&]() -> Result<HttpResponse> {
                     IMGIMPORT_RETURN_IF_ERROR(check_version(request));
                     return handler(context, request);
                   };
                   return answer_of(request, outcome());
                 });
}

void ServiceRoutes::serve_content_later(std::string pattern, LaterContentHandler handler) {
  router_.handle_async(
      HttpMethod::kGet, std::move(pattern),
      [handler = std::move(handler)](const CallContext& context, const HttpRequest& request, HttpResponder responder) {
        // A std::function must be copyable.
        auto reply = std::make_shared<HttpResponder>(std::move(responder));
        auto origin = std::make_shared<const HttpRequest>(request);
        if (auto checked = check_version(request); !checked.has_value()) {
          return reply->send(answer_of(request, std::move(checked).error()));
        }
        handler(context, *origin,
                [reply, origin](Result<HttpResponse> outcome) { reply->send(answer_of(*origin, std::move(outcome))); });
      });
}

}  // namespace imgimport
