// The routes of imports: submit, status, list, items, events, retry, cancel.
//
// Threading: handlers run on the request pool, any number at once.
#pragma once

#include "gateway/api_router.hpp"
#include "gateway/event_stream.hpp"
#include "gateway/image_json.hpp"
#include "gateway/options.hpp"
#include "gateway/progress_poller.hpp"
#include "gateway/text_stream.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

class ImportRoutes {
 public:
  struct Parts {
    const GatewayOptions& options;
    ImportService& imports;
    MetadataStore& metadata;
    ProgressPoller& poller;
    const Clock& clock;
    const ImageLinks& links;
  };
  // REQUIRES: all parts outlive it, and it the routes.
  explicit ImportRoutes(const Parts& parts) : parts_(parts) {}
  void mount(ApiRouter& router);

 private:
  void submit(const CallContext& context, const HttpRequest& request, ApiRouter::Send send);
  Result<ImportProgress> submitted(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> status(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> jobs(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> items(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> events(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> queue(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> retry(const CallContext& context, const HttpRequest& request);
  Result<HttpResponse> cancel(const CallContext& context, const HttpRequest& request);

  Parts parts_;
};

}  // namespace imgimport
