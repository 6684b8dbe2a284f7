// The import service in another process.
//
// Threading: as ImportService. Errors: the service's own, and those of ServiceClient (kUnavailable while it is away).
#pragma once

#include "imgimport/import_service.hpp"
#include "rest/service_client.hpp"

namespace imgimport {

class RemoteImportService final : public ImportService {
 public:
  // REQUIRES: the client outlives it.
  explicit RemoteImportService(ServiceClient& service) : service_(service) {}

  Result<Submitted> submit(const CallContext& context, const ImportRequest& request) override;
  Result<ImportProgress> progress(const CallContext& context, const JobId& job) override;
  Result<Job> cancel(const CallContext& context, const JobId& job) override;
  Result<std::int64_t> retry(const CallContext& context, const JobId& job) override;
  Result<QueueState> queue_state(const CallContext& context) override;

 private:
  ServiceClient& service_;
};

}  // namespace imgimport
