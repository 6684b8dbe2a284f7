// An import service without a driver: jobs are written down as the real one does, and move only when the test moves
// them in the journal.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "imgimport/import_service.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

class FakeImportService : public ImportService {
 public:
  // `metadata` must outlive it.
  explicit FakeImportService(MetadataStore& metadata) : metadata_(metadata) {}

  Result<Submitted> submit(const CallContext& context, const ImportRequest& request) override;
  Result<ImportProgress> progress(const CallContext& context, const JobId& job) override;
  Result<Job> cancel(const CallContext& context, const JobId& job) override;
  Result<std::int64_t> retry(const CallContext& context, const JobId& job) override;
  Result<QueueState> queue_state(const CallContext& context) override;

  // What every later submit answers; nullopt = it works again.
  void fail_submits(std::optional<Error> error);
  // Likewise for progress, without its having looked.
  void fail_progress(std::optional<Error> error);
  // What progress says beside the job itself.
  void set_speed(double images_per_second, std::optional<std::int64_t> eta_seconds);

  std::vector<ImportRequest> requests() const;
  std::size_t progress_calls() const;
  // The right to move the newest job in the journal.
  JobLease lease() const;

  static constexpr std::int64_t kDriveUnitsPerImage = 200;

 private:
  MetadataStore& metadata_;
  mutable std::mutex mutex_;  // guards all below
  std::optional<Error> submit_error_;
  std::optional<Error> progress_error_;
  double images_per_second_ = 0;
  std::optional<std::int64_t> eta_seconds_;
  std::vector<ImportRequest> requests_;
  std::size_t progress_calls_ = 0;
  JobLease lease_;
};

}  // namespace imgimport
