// Keeps the queue topped up from the journal: round-robin over the jobs that this process drives, so that fifty images
// never wait behind fifty thousand, and only up to a low-water mark, since what is queued can no longer be reordered.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/job.hpp"
#include "imgimport/job_queue.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

struct RefillOptions {
  std::size_t batch_size = 100;
  std::size_t low_water = 16;  // batches waiting in the queue
  std::size_t turn = 2;        // batches that a job may add before the next job's turn
};

// Threading: one thread.
class Refiller {
 public:
  Refiller(const RefillOptions& options, Journal& journal, JobQueue& queue)
      : options_(options), journal_(journal), queue_(queue) {}

  void add(const JobLease& lease);
  void remove(const JobId& job);

  // One round. Where the queue's epoch has changed, every job begins from its start again. Errors (journal or queue
  // away) end it; the next one makes up for it. kConflict: `lost` names a job whose lease is no longer ours.
  struct Round {
    std::size_t pushed = 0;
    std::vector<JobId> lost;
  };
  Result<Round> top_up(const CallContext& context, Timestamp now);

  // Begins the job's batches from the start again. Safe at any time: a batch that is handed out twice counts once.
  void rescan(const JobId& job);

 private:
  struct Entry {
    JobLease lease;
    BatchId cursor;    // the last batch that was pushed
    bool more = true;  // there may be batches behind the cursor
  };
  Result<std::size_t> refill(const CallContext& context, Entry& entry, Timestamp now, std::size_t room);

  const RefillOptions options_;
  Journal& journal_;
  JobQueue& queue_;
  std::deque<Entry> entries_;         // the front has the next turn
  std::optional<std::string> epoch_;  // of the queue; nullopt: not asked yet
};

}  // namespace imgimport
