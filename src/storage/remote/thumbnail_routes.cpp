#include "storage/remote/thumbnail_routes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "storage/remote/storage_calls.hpp"

namespace imgimport {

using namespace storage_call;

namespace {

Result<ThumbnailRequest> thumbnail_request(const HttpRequest& request) {
  ThumbnailRequest wanted;
  wanted.key = ObjectKey(request.path_arg("key"));
  wanted.version = request.query_value("version").value_or("");
  wanted.mime_type = request.query_value("type").value_or("");
  wanted.width = whole_number<std::uint32_t>(request.query_value("w").value_or("")).value_or(0);
  const bool is_one =
      std::find(kThumbnailWidths.begin(), kThumbnailWidths.end(), wanted.width) != kThumbnailWidths.end();
  if (!is_one) return bad_message(": w is no width of thumbnails");
  return wanted;
}

HttpResponse response_of(const std::optional<Thumbnail>& thumbnail) {
  HttpResponse response;
  ThumbnailFacts facts;
  if (thumbnail) {
    facts = {.is_kept = true, .content_type = thumbnail->content_type};
    response.body = thumbnail->bytes;
  }
  response.headers.set("Content-Type", "application/octet-stream");
  response.headers.set(kThumbnailHeader, encode(facts));
  return response;
}

}  // namespace

void mount_thumbnail_routes(ServiceRoutes& routes, Thumbnails& thumbnails) {
  routes.serve(kForgetThumbnails, [&thumbnails](const CallContext& context, const KeyRequest& request) {
    return thumbnails.forget(context, request.key);
  });
  routes.serve_content_later(
      std::string(kThumbnailPath) + "{key...}",
      [&thumbnails](const CallContext& context, const HttpRequest& request, const ServiceRoutes::ContentReply& reply) {
        const auto wanted = thumbnail_request(request);
        if (!wanted.has_value()) return reply(wanted.error());
        if (request.query_value("kept") == "1") {
          const auto kept = thumbnails.find(context, *wanted);
          return reply(kept.has_value() ? Result<HttpResponse>(response_of(*kept)) : kept.error());
        }
        thumbnails.make(context, *wanted, [reply](const Result<Thumbnail>& made) {
          reply(made.has_value() ? Result<HttpResponse>(response_of(*made)) : made.error());
        });
      });
}

}  // namespace imgimport
