#include "fakes/fake_import_service.hpp"

#include <chrono>

#include "base/random.hpp"

namespace imgimport {

Result<ImportService::Submitted> FakeImportService::submit(const CallContext& context, const ImportRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (submit_error_) return *submit_error_;
    requests_.push_back(request);
  }
  NewJob job;
  job.id = JobId(random_uuid());
  job.folder_url = request.folder_url;
  job.root.id = DriveId("root-folder");
  job.root.name = "Holidays";
  job.recursive = request.recursive;
  job.dry_run = request.dry_run;
  job.filters = request.filters;
  job.idempotency_key = request.idempotency_key;
  IMGIMPORT_ASSIGN_OR_RETURN(auto created, metadata_.create_job(context, job, "fake", std::chrono::hours(1)));
  const std::lock_guard lock(mutex_);
  lease_ = JobLease{created.job.id, created.job.epoch};
  return Submitted{std::move(created.job), created.existed};
}

Result<ImportProgress> FakeImportService::progress(const CallContext& context, const JobId& job) {
  ImportProgress progress;
  {
    const std::lock_guard lock(mutex_);
    ++progress_calls_;
    if (progress_error_) return *progress_error_;
    progress.images_per_second = images_per_second_;
    progress.eta_seconds = eta_seconds_;
  }
  IMGIMPORT_ASSIGN_OR_RETURN(progress.job, metadata_.job(context, job));
  progress.drive_units = progress.job.counters.total * kDriveUnitsPerImage;
  return progress;
}

Result<Job> FakeImportService::cancel(const CallContext& context, const JobId& job) {
  return metadata_.cancel_job(context, job);
}

Result<std::int64_t> FakeImportService::retry(const CallContext& context, const JobId& job) {
  return metadata_.retry_job(context, job);
}

Result<QueueState> FakeImportService::queue_state(const CallContext&) {
  const std::lock_guard lock(mutex_);
  if (progress_error_) return *progress_error_;
  return QueueState{.waiting = 3, .leased = 2, .workers = 1, .images_per_second = images_per_second_};
}

void FakeImportService::fail_submits(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  submit_error_ = std::move(error);
}

void FakeImportService::fail_progress(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  progress_error_ = std::move(error);
}

void FakeImportService::set_speed(double images_per_second, std::optional<std::int64_t> eta_seconds) {
  const std::lock_guard lock(mutex_);
  images_per_second_ = images_per_second;
  eta_seconds_ = eta_seconds;
}

std::vector<ImportRequest> FakeImportService::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeImportService::progress_calls() const {
  const std::lock_guard lock(mutex_);
  return progress_calls_;
}

JobLease FakeImportService::lease() const {
  const std::lock_guard lock(mutex_);
  return lease_;
}

}  // namespace imgimport
