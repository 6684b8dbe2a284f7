// The import service: accepts jobs, drives those whose lease it holds, and takes over those whose driver has died.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/metadata_store.hpp"
#include "importer/lister.hpp"
#include "importer/refiller.hpp"

namespace imgimport {

struct ImporterOptions {
  ListerOptions listing;
  RefillOptions refill;
  std::string owner;  // of the leases: process_identity()
  std::chrono::milliseconds lease_ttl{15'000};
  bool adopts_jobs = true;  // takes over jobs that nobody drives
  // A request goes on with the unfinished job of the same folder with the same options and filters, if there is one:
  // for the one-shot command, which is run again after it was interrupted and leaves other jobs alone.
  bool resumes_jobs = false;
};

struct ImporterPorts {
  Source& source;
  JobStore& jobs;
  Journal& journal;
  JobQueue& queue;
  RateBudget& source_budget;
  const Clock& clock;
};

// Threading: ImportService's methods from any thread; start, drain and stop from one.
class Importer : public ImportService {
 public:
  Importer(const ImporterOptions& options, const ImporterPorts& ports);
  ~Importer() override;

  void start();
  void drain();
  void stop();
  bool healthy() const noexcept { return healthy_.load(std::memory_order_relaxed); }
  // Whether batches can be handed to the workers.
  bool queue_answers() const noexcept { return queue_answers_.load(std::memory_order_relaxed); }

  Result<Submitted> submit(const CallContext& context, const ImportRequest& request) override;
  Result<ImportProgress> progress(const CallContext& context, const JobId& job) override;
  Result<Job> cancel(const CallContext& context, const JobId& job) override;
  Result<std::int64_t> retry(const CallContext& context, const JobId& job) override;
  Result<QueueState> queue_state(const CallContext& context) override;

 private:
  struct Sample {
    std::chrono::steady_clock::time_point at;
    std::int64_t processed;
  };
  struct Driven {
    JobLease lease;
    std::deque<Sample> samples;  // one a second
    bool still = false;          // nothing was queued or under way at the last look, yet items are pending
    std::int64_t pending = -1;   // at the last look
    std::chrono::steady_clock::time_point moved;  // since when it is that many
  };

  void run(const std::stop_token& stop);
  void renew(const CallContext& context);
  void adopt(const CallContext& context);
  void drive(const Job& job, const JobLease& lease);
  void drop(const JobId& job);
  static bool is_unmoved(Driven& driven, std::int64_t pending, std::chrono::steady_clock::time_point now);
  // false: the journal is away.
  bool top_up(const CallContext& context);
  Result<std::optional<Submitted>> submitted_before(const CallContext& context, const NewJob& wanted);
  Result<std::optional<Submitted>> left_unfinished(const CallContext& context, const NewJob& wanted);
  bool may_take_up(const Job& job);
  void wake();

  const ImporterOptions options_;
  const ImporterPorts ports_;
  std::atomic<bool> healthy_{true};
  std::atomic<bool> queue_answers_{true};

  std::mutex mutex_;  // never held across a call of a port
  std::condition_variable_any wake_;
  bool woken_ = false;                                   // guarded by mutex_
  bool look_for_jobs_ = true;                            // guarded by mutex_
  std::vector<Job> accepted_;                            // guarded by mutex_: new jobs, leased by us already
  std::unordered_set<JobId> resumed_;                    // guarded by mutex_: to be driven once their driver has ended
  std::unordered_map<JobId, std::deque<Sample>> rates_;  // guarded by mutex_: for progress()

  // Driver thread only.
  std::unordered_map<JobId, Driven> driven_;
  Refiller refiller_;

  Lister lister_;
  std::jthread thread_;
};

}  // namespace imgimport
