// The import service as the gateway sees it: start an import, ask after it, stop it, mend it.
//
// Threading: every method from any thread; all block, none for longer than a look-up and a transaction: submit does not
// wait for the listing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/job.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct ImportRequest {
  std::string folder_url;
  bool recursive = true;
  bool dry_run = false;
  ImportFilters filters;
  std::string idempotency_key;  // empty = none
  // How long the folder may be looked for before the job is accepted all the same, its listing then looking for it
  // first.
  std::chrono::milliseconds look_up_within{10'000};
};

// A job with what only its driver knows.
struct ImportProgress {
  Job job;
  double images_per_second = 0;             // over the last seconds; 0 when nothing moves
  std::optional<std::int64_t> eta_seconds;  // nullopt: not known (still listing, or nothing moves)
  // What the listing waits for just now, and tries again by itself; gone when it got further.
  std::optional<JobTrouble> hindrance;
  std::int64_t drive_units = 0;  // what the downloads of this job cost of Drive's quota, by the listing
};

// What lies between import and the workers, over all jobs.
struct QueueState {
  std::int64_t waiting = 0;      // batches that wait for a worker; what is further off is in the journal alone
  std::int64_t leased = 0;       // batches that workers work on
  std::int64_t workers = 0;      // worker processes that are there
  double images_per_second = 0;  // of all jobs that are driven, over the last seconds
};

class ImportService {
 public:
  virtual ~ImportService() = default;

  struct Submitted {
    Job job;
    bool existed = false;  // by its idempotency key, or because it was left unfinished
  };
  // Checks the link, looks the folder up, writes the job down and begins to list. When it returns, the job survives
  // anything. kInvalidArgument, kNotFound, kUnauthenticated and kMisconfigured as Source says; kConflict as JobStore.
  virtual Result<Submitted> submit(const CallContext& context, const ImportRequest& request) = 0;

  // kNotFound.
  virtual Result<ImportProgress> progress(const CallContext& context, const JobId& job) = 0;

  // As JobStore::cancel_job says. No further item starts.
  virtual Result<Job> cancel(const CallContext& context, const JobId& job) = 0;

  // As JobStore::retry_job says: how many items went back to the queue.
  virtual Result<std::int64_t> retry(const CallContext& context, const JobId& job) = 0;

  // kUnavailable: the broker is away.
  virtual Result<QueueState> queue_state(const CallContext& context) = 0;
};

}  // namespace imgimport
