#include "importer/remote/import_service_routes.hpp"

#include "importer/remote/import_calls.hpp"
#include "rest/service_routes.hpp"

namespace imgimport {

using namespace import_call;

void mount_import_service_routes(Router& router, ImportService& service) {
  ServiceRoutes routes(router, "import");
  routes.serve(kSubmit, [&service](const CallContext& context, const ImportRequest& request) {
    return service.submit(context, request);
  });
  routes.serve(kProgress, [&service](const CallContext& context, const JobRequest& request) {
    return service.progress(context, request.job);
  });
  routes.serve(kCancel, [&service](const CallContext& context, const JobRequest& request) {
    return service.cancel(context, request.job);
  });
  routes.serve(kRetry, [&service](const CallContext& context, const JobRequest& request) {
    return service.retry(context, request.job);
  });
  routes.serve(kQueueState,
               [&service](const CallContext& context, const Nothing&) { return service.queue_state(context); });
}

}  // namespace imgimport
