// The import service, with progress from the journal while it is away: where a job stands is known there as well, only
// not how fast it moves.
//
// Threading: as ImportService.
#pragma once

#include "imgimport/import_service.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

class JournalProgress final : public ImportService {
 public:
  // REQUIRES: both outlive it.
  JournalProgress(ImportService& imports, JobStore& jobs) : imports_(imports), jobs_(jobs) {}

  Result<Submitted> submit(const CallContext& context, const ImportRequest& request) override {
    return imports_.submit(context, request);
  }
  Result<ImportProgress> progress(const CallContext& context, const JobId& job) override;
  Result<Job> cancel(const CallContext& context, const JobId& job) override { return imports_.cancel(context, job); }
  Result<std::int64_t> retry(const CallContext& context, const JobId& job) override {
    return imports_.retry(context, job);
  }
  Result<QueueState> queue_state(const CallContext& context) override { return imports_.queue_state(context); }

 private:
  ImportService& imports_;
  JobStore& jobs_;
};

}  // namespace imgimport
