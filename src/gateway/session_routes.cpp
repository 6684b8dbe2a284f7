#include "gateway/session_routes.hpp"

#include "base/json_writer.hpp"
#include "gateway/import_request.hpp"

namespace imgimport {
namespace {

HttpResponse session_response(std::string_view message) {
  JsonWriter json;
  json.begin_object();
  json.field("message", message);
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> sign_in(const Access& access, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string token, parse_session_request(request.body));
  if (!access.token_needed()) return session_response("This server needs no token");
  if (!access.is_token(token)) {
    return Error(ErrorCode::kUnauthenticated, "The token is not the one of this server")
        .with_reason("wrong_token")
        .with_remedy("Send the server's API_TOKEN.");
  }
  HttpResponse response = session_response("Signed in");
  response.headers.set("Set-Cookie", access.session_cookie());
  return response;
}

HttpResponse session_state(const Access& access, const HttpRequest& request) {
  JsonWriter json;
  json.begin_object();
  json.field("token_needed", access.token_needed());
  json.field("signed_in", !access.refusal(request).has_value());
  json.end_object();
  return json_response(json.take());
}

}  // namespace

void mount_session_routes(ApiRouter& router, const Access& access) {
  HttpRouteOptions open;
  open.guarded = false;
  router.handle(
      HttpMethod::kGet, "/api/session",
      [&access](const CallContext&, const HttpRequest& request) { return session_state(access, request); }, open);
  router.handle(
      HttpMethod::kPost, "/api/session",
      [&access](const CallContext&, const HttpRequest& request) { return sign_in(access, request); }, open);
  router.handle(
      HttpMethod::kDelete, "/api/session",
      [&access](const CallContext&, const HttpRequest&) -> Result<HttpResponse> {
        HttpResponse response = session_response("Signed out");
        response.headers.set("Set-Cookie", access.expired_cookie());
        return response;
      },
      open);
}

}  // namespace imgimport
