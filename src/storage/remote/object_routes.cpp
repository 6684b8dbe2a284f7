#include "storage/remote/object_routes.hpp"

#include <string>
#include <utility>

#include "base/text.hpp"
#include "storage/remote/storage_calls.hpp"

namespace imgimport {

using namespace storage_call;

namespace {

Result<std::optional<std::uint64_t>> number_of(const HttpRequest& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text) return std::optional<std::uint64_t>();
  const auto number = whole_number<std::uint64_t>(*text);
  if (!number) return bad_message(": a range is not a number");
  return number;
}

Result<std::optional<ByteRange>> range_of(const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto first, number_of(request, "first"));
  IMGIMPORT_ASSIGN_OR_RETURN(const auto last, number_of(request, "last"));
  IMGIMPORT_ASSIGN_OR_RETURN(const auto suffix, number_of(request, "suffix"));
  if (!first && !suffix) return std::optional<ByteRange>();
  return std::optional(ByteRange{.first = first.value_or(0), .last = last, .suffix = suffix});
}

Result<HttpResponse> content_of(ObjectStore& store, const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto range, range_of(request));
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectContent content, store.get(context, ObjectKey(request.path_arg("key")), range));
  HttpResponse response;
  response.headers.set("Content-Type", "application/octet-stream");
  response.headers.set(kContentHeader, encode(ContentFacts{content.info, content.offset, content.length}));
  response.body = HttpStreamBody{std::move(content.reader), content.length};
  return response;
}

}  // namespace

void mount_object_routes(ServiceRoutes& routes, ObjectStore& store) {
  routes.serve(kPlace, [&store](const CallContext& context, const Nothing&) { return store.place(context); });
  routes.serve(kFlush, [&store](const CallContext& context, const Nothing&) { return store.flush(context); });
  routes.serve(kHead, [&store](const CallContext& context, const KeyRequest& request) {
    return store.head(context, request.key);
  });
  routes.serve(kInspect, [&store](const CallContext& context, const KeyRequest& request) {
    return store.inspect(context, request.key);
  });
  routes.serve(kRemove, [&store](const CallContext& context, const KeyRequest& request) {
    return store.remove(context, request.key);
  });
  routes.serve(kTickets, [&store](const CallContext& context, const TicketsRequest& request) {
    return store.tickets(context, request.plans);
  });
  routes.serve(kLink, [&store](const CallContext& context, const LinkRequest& request) {
    return store.link(context, request.key, request.options);
  });
  routes.serve_content(
      std::string(kContentPath) + "{key...}",
      [&store](const CallContext& context, const HttpRequest& request) { return content_of(store, context, request); });
}

}  // namespace imgimport
