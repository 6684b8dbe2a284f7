#include "importer/remote/remote_import_service.hpp"

#include "importer/remote/import_calls.hpp"

namespace imgimport {

using namespace import_call;

Result<ImportService::Submitted> RemoteImportService::submit(const CallContext& context, const ImportRequest& request) {
  return service_.call(context, request.idempotency_key.empty() ? kSubmit : kSubmitAgain, request);
}

Result<ImportProgress> RemoteImportService::progress(const CallContext& context, const JobId& job) {
  return service_.call(context, kProgress, JobRequest{job});
}

Result<Job> RemoteImportService::cancel(const CallContext& context, const JobId& job) {
  return service_.call(context, kCancel, JobRequest{job});
}

Result<std::int64_t> RemoteImportService::retry(const CallContext& context, const JobId& job) {
  return service_.call(context, kRetry, JobRequest{job});
}

Result<QueueState> RemoteImportService::queue_state(const CallContext& context) {
  return service_.call(context, kQueueState, Nothing{});
}

}  // namespace imgimport
