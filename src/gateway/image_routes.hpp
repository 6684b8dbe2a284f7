// The routes of image records and their bytes: pages, folders and cameras, the whole list, one record, delete, content,
// thumbnail, statistics.
//
// Threading: handlers run on the request pool, any number at once.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/api_router.hpp"
#include "gateway/image_json.hpp"
#include "gateway/options.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/thumbnails.hpp"

namespace imgimport {

class ImageRoutes {
 public:
  struct Parts {
    const GatewayOptions& options;
    ImageStore& images;
    ObjectStore& objects;
    Thumbnails& thumbnails;
    const ImageLinks& links;
  };
  // REQUIRES: all parts outlive it, and it the routes.
  explicit ImageRoutes(const Parts& parts) : parts_(parts) {}
  void mount(ApiRouter& router);

 private:
  Result<HttpResponse> page(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> folders(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> cameras(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> all(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> record(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> remove(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> content(const CallContext& context, const HttpRequest& request);
  // Answers when the thumbnail has been made, holding no thread meanwhile.
  void thumbnail(const CallContext& context, const HttpRequest& request, const ApiRouter::Send& send);
  Result<HttpResponse> stats(const CallContext& context, const HttpRequest& request);

  struct List {
    ImagePage page;
    std::optional<ImageId> next;
  };
  Result<List> list(const CallContext& context, const ImageQuery& query, std::int64_t number, std::int64_t per_page);
  Result<List> list_below(const CallContext& context, const ImageQuery& query, ImageId before, std::int64_t per_page);

  // kMisconfigured: the record points into another store than the one this server has.
  Result<void> check_place(const CallContext& context, ImageId id, const StorePlace& place) const;
  // kUnsupported: the store has no links.
  Result<HttpResponse> redirect_to(const CallContext& context, const Image& image);
  Result<HttpResponse> bytes_of(const CallContext& context, const HttpRequest& request, const Image& image);

  Parts parts_;
};

}  // namespace imgimport
