#include "gateway/web/openapi_route.hpp"

#include <memory>
#include <string>

#include "crypto/hash.hpp"
#include "gateway/web/embedded.hpp"
#include "gateway/web/web_app.hpp"

namespace imgimport {

void mount_openapi_route(ApiRouter& router) {
  WebFile file;
  file.mime_type = "application/json";
  file.plain = std::make_shared<const std::string>(embedded_openapi());
  file.tag = sha256_hex(*file.plain).substr(0, 16);
  HttpRouteOptions open;
  open.guarded = false;
  open.on_io_thread = true;
  router.handle(
      HttpMethod::kGet, "/api/openapi.json",
      [file](const CallContext&, const HttpRequest& request) -> Result<HttpResponse> {
        HttpResponse response = file_response(request, file, "default-src 'none'; frame-ancestors 'none'");
        // Documentation tools of other origins read it; who may is the CORS list's affair.
        response.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
        return response;
      },
      open);
}

}  // namespace imgimport
