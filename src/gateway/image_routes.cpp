#include "gateway/image_routes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "gateway/content_headers.hpp"
#include "gateway/parameters.hpp"
#include "gateway/text_stream.hpp"

namespace imgimport {
namespace {

constexpr std::int64_t kMaxPerPage = 500;
constexpr std::int64_t kDefaultPerPage = 50;
constexpr std::int64_t kDefaultGroups = 100;

Error object_missing(const Image& image) {
  return Error(ErrorCode::kNotFound, fmt::format("The bytes of image {} are not in the store", image.id.value()))
      .with_reason("object_missing")
      .with_remedy("Somebody removed the object by other means: delete the image here, and import its folder again.");
}

HttpResponse range_not_satisfiable(const HttpRequest& request, std::uint64_t size) {
  HttpResponse response =
      error_response(Error(ErrorCode::kInvalidArgument, fmt::format("The range begins behind the end: the image has {} "
                                                                    "bytes",
                                                                    size))
                         .with_reason("range_not_satisfiable")
                         .with_remedy("Ask for bytes within the size."),
                     request);
  response.headers.set("Content-Range", fmt::format("bytes */{}", size));
  response.headers.set("Accept-Ranges", "bytes");
  return response;
}

struct GroupList {
  ImageStore::GroupQuery query;
  std::size_t limit = 0;  // how many are shown; one more is asked for, so that the last part is known to be the last
};

Result<GroupList> group_list(const HttpRequest& request) {
  GroupList list;
  IMGIMPORT_ASSIGN_OR_RETURN(
      const std::int64_t limit,
      number_parameter(request, {.name = "limit", .most = kMaxPerPage, .otherwise = kDefaultGroups}));
  IMGIMPORT_ASSIGN_OR_RETURN(list.query.parent, text_parameter(request, "parent"));
  IMGIMPORT_ASSIGN_OR_RETURN(list.query.after, text_parameter(request, "cursor"));
  list.limit = static_cast<std::size_t>(limit);
  list.query.limit = list.limit + 1;
  return list;
}

// Takes the one too many away; gives the cursor of the next part.
std::optional<std::string> cut(std::vector<ImageGroup>& groups, const GroupList& list) {
  if (groups.size() <= list.limit) return std::nullopt;
  groups.resize(list.limit);
  return groups.back().name;
}

}  // namespace

void ImageRoutes::mount(ApiRouter& router) {
  const auto method = [this](Result<HttpResponse> (ImageRoutes::*handler)(const CallContext&, const HttpRequest&)) {
    return [this, handler](const CallContext& context, const HttpRequest& request) {
      return (this->*handler)(context, request);
    };
  };
  router.handle(HttpMethod::kGet, "/api/images", method(&ImageRoutes::page));
  router.handle(HttpMethod::kGet, "/api/images/folders", method(&ImageRoutes::folders));
  router.handle(HttpMethod::kGet, "/api/images/cameras", method(&ImageRoutes::cameras));
  router.handle(HttpMethod::kGet, "/api/images/all", method(&ImageRoutes::all));
  router.handle(HttpMethod::kGet, "/api/images/{id}", method(&ImageRoutes::record));
  router.handle(HttpMethod::kDelete, "/api/images/{id}", method(&ImageRoutes::remove));
  router.handle(HttpMethod::kGet, "/api/images/{id}/content", method(&ImageRoutes::content));
  router.handle_async(HttpMethod::kGet, "/api/images/{id}/thumbnail",
                      [this](const CallContext& context, const HttpRequest& request, const ApiRouter::Send& send) {
                        thumbnail(context, request, send);
                      });
  router.handle(HttpMethod::kGet, "/api/stats", method(&ImageRoutes::stats));
}

Result<HttpResponse> ImageRoutes::page(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t number, number_parameter(request, {.name = "page", .otherwise = 1}));
  IMGIMPORT_ASSIGN_OR_RETURN(
      const std::int64_t per_page,
      number_parameter(request, {.name = "per_page", .most = kMaxPerPage, .otherwise = kDefaultPerPage}));
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageQuery query, image_query(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const std::optional<ImageId> cursor, image_cursor(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const List found, cursor ? list_below(context, query, *cursor, per_page)
                                                      : list(context, query, number, per_page));
  const std::int64_t total = found.page.total;
  JsonWriter json;
  json.begin_object();
  json.key("images");
  json.begin_array();
  for (const Image& image : found.page.images) write_image(json, image, parts_.links);
  json.end_array();
  json.field("total", total);
  json.field("total_capped", found.page.total_capped);
  json.field("page", number);
  json.field("per_page", per_page);
  json.field("total_pages", total / per_page + (total % per_page == 0 ? 0 : 1));
  json.known_field("next_cursor", found.next ? std::to_string(found.next->value()) : "");
  json.end_object();
  return json_response(json.take());
}

Result<ImageRoutes::List> ImageRoutes::list(const CallContext& context, const ImageQuery& query, std::int64_t number,
                                            std::int64_t per_page) {
  List found;
  IMGIMPORT_ASSIGN_OR_RETURN(found.page, parts_.images.page(context, query, number, per_page));
  if (found.page.images.empty()) return found;
  const auto shown = static_cast<std::int64_t>(found.page.images.size());
  // A page that is not empty begins within the total: no overflow.
  const bool more = (number - 1) * per_page + shown < found.page.total || found.page.total_capped;
  if (more) found.next = found.page.images.back().id;
  return found;
}

Result<ImageRoutes::List> ImageRoutes::list_below(const CallContext& context, const ImageQuery& query, ImageId before,
                                                  std::int64_t per_page) {
  List found;
  IMGIMPORT_ASSIGN_OR_RETURN(found.page, parts_.images.page(context, query, 1, 1));
  // One more than is shown: so that the last part is known to be the last.
  IMGIMPORT_ASSIGN_OR_RETURN(found.page.images,
                             parts_.images.walk(context, query, before, static_cast<std::size_t>(per_page) + 1));
  if (static_cast<std::int64_t>(found.page.images.size()) <= per_page) return found;
  found.page.images.pop_back();
  found.next = found.page.images.back().id;
  return found;
}

Result<HttpResponse> ImageRoutes::folders(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(GroupList list, group_list(request));
  IMGIMPORT_ASSIGN_OR_RETURN(auto groups, parts_.images.folders(context, list.query));
  const std::optional<std::string> next = cut(groups, list);
  JsonWriter json;
  json.begin_object();
  json.field("parent", list.query.parent);
  json.key("folders");
  json.begin_array();
  for (const ImageGroup& group : groups) {
    json.begin_object();
    json.field("path", group.name);
    json.field("name", group.name.substr(list.query.parent.empty() ? 0 : list.query.parent.size() + 1));
    json.field("images", group.images);
    json.end_object();
  }
  json.end_array();
  json.field("next_cursor", next);
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> ImageRoutes::cameras(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(GroupList list, group_list(request));
  IMGIMPORT_ASSIGN_OR_RETURN(auto groups, parts_.images.cameras(context, list.query));
  const std::optional<std::string> next = cut(groups, list);
  JsonWriter json;
  json.begin_object();
  json.key("cameras");
  json.begin_array();
  for (const ImageGroup& group : groups) {
    json.begin_object();
    json.field("camera", group.name);
    json.field("images", group.images);
    json.end_object();
  }
  json.end_array();
  json.field("next_cursor", next);
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> ImageRoutes::all(const CallContext& context, const HttpRequest&) {
  return all_images_response(context, {parts_.images, parts_.links, parts_.options.page_size});
}

Result<HttpResponse> ImageRoutes::record(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageId id, image_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const Image image, parts_.images.image(context, id));
  JsonWriter json;
  write_image(json, image, parts_.links);
  return json_response(json.take());
}

Result<void> ImageRoutes::check_place(const CallContext& context, ImageId id, const StorePlace& place) const {
  IMGIMPORT_ASSIGN_OR_RETURN(const StorePlace here, parts_.objects.place(context));
  if (place.provider == here.provider && place.bucket == here.bucket) return {};
  return Error(ErrorCode::kMisconfigured,
               fmt::format("Image {} is stored with the provider {}{}{}, which this server is not set up for",
                           id.value(), place.provider, place.bucket.empty() ? "" : " in ", place.bucket))
      .with_reason("stored_elsewhere")
      .with_remedy("Start the server with the STORAGE_PROVIDER and bucket that the image was imported with.");
}

Result<HttpResponse> ImageRoutes::remove(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageId id, image_id_argument(request));
  // A record that an earlier, broken off deletion has marked is not found here, yet is still to be finished.
  const Result<Image> image = parts_.images.image(context, id);
  if (!image && image.error().code() != ErrorCode::kNotFound) return image.error();
  if (image) IMGIMPORT_RETURN_IF_ERROR(check_place(context, id, image->place));
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageStore::Deletion deletion, parts_.images.begin_delete(context, id));
  // Another bucket may hold an object under this key as well: somebody else's.
  IMGIMPORT_RETURN_IF_ERROR(check_place(context, id, deletion.place));
  if (deletion.last) {
    IMGIMPORT_RETURN_IF_ERROR(parts_.objects.remove(context, deletion.key));
    // Without the record nobody reaches them any more; those that stay go when the cache is full.
    if (auto forgotten = parts_.thumbnails.forget(context, deletion.key); !forgotten.has_value()) {
      log_warning("thumbnails of a deleted image stay for a while",
                  {{"image", id.value()}, {"error", forgotten.error().message()}});
    }
  }
  IMGIMPORT_RETURN_IF_ERROR(parts_.images.finish_delete(context, id));
  JsonWriter json;
  json.begin_object();
  json.field("message", "Image deleted successfully");
  json.field("id", id.value());
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> ImageRoutes::content(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageId id, image_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const Image image, parts_.images.image(context, id));
  // A link is signed for GET alone, so that whoever asks for the headers gets them here.
  if (request.query_value("redirect") == "1" && request.method != HttpMethod::kHead) {
    Result<HttpResponse> redirect = redirect_to(context, image);
    if (redirect || redirect.error().code() != ErrorCode::kUnsupported) return redirect;
  }
  Result<HttpResponse> response = bytes_of(context, request, image);
  if (response || response.error().code() != ErrorCode::kNotFound) return response;
  // Between the two look-ups a newer version may have replaced the object: the record says so.
  IMGIMPORT_ASSIGN_OR_RETURN(const Image again, parts_.images.image(context, id));
  if (again.key == image.key) return object_missing(image);
  return bytes_of(context, request, again);
}

Result<HttpResponse> ImageRoutes::redirect_to(const CallContext& context, const Image& image) {
  IMGIMPORT_RETURN_IF_ERROR(check_place(context, image.id, image.place));
  LinkOptions options;
  options.content_type = image.mime_type;
  options.content_disposition = content_disposition(image);
  IMGIMPORT_ASSIGN_OR_RETURN(std::string url, parts_.objects.link(context, image.key, options));
  HttpResponse response;
  response.status = 302;
  response.headers.set("Location", std::move(url));
  response.headers.set("Cache-Control", "no-store");  // the link ends in minutes
  return response;
}

Result<HttpResponse> ImageRoutes::bytes_of(const CallContext& context, const HttpRequest& request, const Image& image) {
  IMGIMPORT_RETURN_IF_ERROR(check_place(context, image.id, image.place));
  const std::string tag = entity_tag(image);
  HttpResponse response;
  set_content_headers(response.headers, image, tag);
  if (matches_if_none_match(request, tag)) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", image.mime_type.empty() ? "application/octet-stream" : image.mime_type);
  if (request.method == HttpMethod::kHead) {
    IMGIMPORT_ASSIGN_OR_RETURN(const ObjectInfo info, parts_.objects.head(context, image.key));
    response.headers.set("Content-Length", std::to_string(info.size_bytes));
    return response;
  }
  const RangeRequest wanted = requested_range(request, image.size_bytes, tag);
  if (!wanted.satisfiable) return range_not_satisfiable(request, image.size_bytes);
  auto opened = parts_.objects.get(context, image.key, wanted.range);
  if (!opened && opened.error().reason() == "range_not_satisfiable") {
    return range_not_satisfiable(request, image.size_bytes);
  }
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectContent object, std::move(opened));
  if (wanted.range) {
    response.status = 206;
    response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", object.offset,
                                                      object.offset + object.length - 1, object.info.size_bytes));
  }
  response.body = HttpStreamBody{std::move(object.reader), object.length};
  return response;
}

namespace {

struct ThumbnailAnswer {
  std::string tag;
  bool is_pinned = false;  // the URL names the version: it never shows another one

  HttpResponse with(const Thumbnail& thumbnail) const {
    HttpResponse response;
    set_thumbnail_headers(response.headers, tag, is_pinned);
    response.headers.set("Content-Type", thumbnail.content_type);
    response.body = thumbnail.bytes;
    return response;
  }
  HttpResponse not_modified() const {
    HttpResponse response;
    response.status = 304;
    set_thumbnail_headers(response.headers, tag, is_pinned);
    return response;
  }
};

}  // namespace

void ImageRoutes::thumbnail(const CallContext& context, const HttpRequest& request, const ApiRouter::Send& send) {
  ThumbnailAnswer answer;
  ThumbnailRequest wanted;
  Image image;
  auto begun = [&]() -> Result<std::optional<HttpResponse>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const ImageId id, image_id_argument(request));
    IMGIMPORT_ASSIGN_OR_RETURN(
        const std::int64_t width,
        number_parameter(request, {.name = "w", .most = kThumbnailWidths.back(), .otherwise = kDefaultThumbnailWidth}));
    IMGIMPORT_ASSIGN_OR_RETURN(image, parts_.images.image(context, id));
    IMGIMPORT_RETURN_IF_ERROR(check_place(context, image.id, image.place));
    wanted = {.key = image.key,
              .version = content_version(image),
              .mime_type = image.mime_type,
              .width = thumbnail_width_for(static_cast<std::uint32_t>(width))};
    answer.tag = thumbnail_tag(image, wanted.width);
    answer.is_pinned = names_version(request, image);
    if (matches_if_none_match(request, answer.tag)) return std::optional(answer.not_modified());
    IMGIMPORT_ASSIGN_OR_RETURN(const std::optional<Thumbnail> kept, parts_.thumbnails.find(context, wanted));
    return kept ? std::optional(answer.with(*kept)) : std::nullopt;
  }();
  if (!begun.has_value()) return send(begun.error());
  if (*begun) return send(**std::move(begun));
  parts_.thumbnails.make(context.with_timeout(parts_.options.thumbnail_timeout), wanted,
                         [send, answer, image](const Result<Thumbnail>& made) {
                           if (made.has_value()) return send(answer.with(*made));
                           send(made.error().code() == ErrorCode::kNotFound ? object_missing(image) : made.error());
                         });
}

Result<HttpResponse> ImageRoutes::stats(const CallContext& context, const HttpRequest&) {
  IMGIMPORT_ASSIGN_OR_RETURN(const ImageStats stats, parts_.images.stats(context));
  std::int64_t images = 0;
  std::int64_t bytes = 0;
  for (const auto& [provider, share] : stats.by_provider) {
    images += share.images;
    bytes += share.bytes;
  }
  const auto images_of = [&stats](const std::string& provider) {
    const auto share = stats.by_provider.find(provider);
    return share == stats.by_provider.end() ? 0 : share->second.images;
  };
  constexpr double kMiB = 1024.0 * 1024.0;
  JsonWriter json;
  json.begin_object();
  json.field("total_images", images);
  json.field("total_size_bytes", bytes);
  json.field("total_size_mb", std::round(static_cast<double>(bytes) / kMiB * 100) / 100);
  json.field("aws_images", images_of("aws"));
  json.field("azure_images", images_of("azure"));
  json.field("local_images", images_of("local"));
  json.key("by_provider");
  json.begin_array();
  for (const auto& [provider, share] : stats.by_provider) {
    json.begin_object();
    json.field("storage_provider", provider);
    json.field("images", share.images);
    json.field("bytes", share.bytes);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json_response(json.take());
}

}  // namespace imgimport
