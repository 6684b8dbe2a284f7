// Hands out work: leases batches, settles what needs no download, and starts a transfer for each of the rest, but only
// when everything it needs is there: Drive units, memory, room among the outcomes not yet committed. So no pool thread
// ever waits while it holds something that another needs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/metrics.hpp"
#include "base/thread_pool.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/job_queue.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/rate_budget.hpp"
#include "imgimport/source.hpp"
#include "worker/batch_run.hpp"
#include "worker/disposition.hpp"
#include "worker/job_watch.hpp"
#include "worker/lease_keeper.hpp"
#include "worker/memory_budget.hpp"
#include "worker/outcome_writer.hpp"
#include "worker/paced_source.hpp"
#include "worker/ramp.hpp"
#include "worker/transfer.hpp"

namespace imgimport {

struct WorkerOptions {
  std::size_t threads = 150;               // transfers at once
  std::uint64_t memory_bytes = 256 << 20;  // image bytes held at once
  RetryPolicy retry;
  std::chrono::milliseconds renew_every{5'000};  // leases; a quarter of what they last
};

// What the worker works with; all outlive it.
struct WorkerPorts {
  JobQueue& queue;
  JobStore& jobs;
  Journal& journal;
  Source& source;
  ObjectStore& store;
  RateBudget& source_budget;
  const Clock& clock;
  MetricsRegistry& metrics;
};

// Threading: start, drain and stop from one thread.
class Dispatcher {
 public:
  // `garbage_made` is called when a commit left an object without a record.
  Dispatcher(const WorkerOptions& options, const WorkerPorts& ports, std::function<void()> garbage_made);
  ~Dispatcher();

  void start();
  void drain();
  void stop(std::chrono::steady_clock::time_point deadline);
  // Whether batches can be read and outcomes written down.
  bool healthy() const noexcept { return outcomes_.healthy() && reading_.load(std::memory_order_relaxed); }
  // Whether the last lease worked.
  bool leases_batches() const noexcept { return leasing_.load(std::memory_order_relaxed); }

 private:
  struct Transfer;
  enum class ContentFate : std::uint8_t { kStored = 1, kNotStored };

  void run();
  Result<Batch> read(const CallContext& context, const BatchRef& batch);
  void open(const BatchLease& lease);
  void announce(const CallContext& context, const std::vector<WorkItem>& items);
  bool settle_known(const WorkItem& item, const std::shared_ptr<BatchRun>& batch);
  bool joins_one_under_way(const WorkItem& item, const std::shared_ptr<BatchRun>& batch);
  bool begin(WorkItem item, const std::shared_ptr<BatchRun>& batch);
  void transfer(Transfer& work);
  Transferred carry(const CallContext& context, const WorkItem& item);
  void finish(const Transfer& work, Outcome outcome);
  void release_followers(const std::string& content, ContentFate fate);
  void forget_stored_contents();
  void put_back(const WorkItem& item, const std::shared_ptr<BatchRun>& batch);
  void committed(const OutcomeWriter::Entry& entry, CommitEffect effect);
  void batch_ended(const BatchLease& lease, BatchEnd end);
  void acknowledge(const BatchLease& lease);
  void item_settled(BatchRun& batch);
  void item_left(BatchRun& batch);
  void make_room();
  bool wait_for_room();
  TransferMode mode_for(const WorkItem& item) const;

  const WorkerOptions options_;
  const WorkerPorts ports_;
  const std::function<void()> garbage_made_;
  const std::size_t max_unsettled_;
  Counter& images_imported_;
  Counter& bytes_imported_;
  Counter& items_failed_;
  Counter& items_put_off_;

  PacedSource source_;
  JobWatch job_watch_;
  MemoryBudget memory_;
  Ramp ramp_;
  LeaseKeeper leases_;
  OutcomeWriter outcomes_;
  // Requested by drain(). Not thread_'s own: that is still being assigned while the thread begins.
  std::stop_source dispatch_stop_;
  std::stop_source transfers_stop_;  // requested when the grace of a drain is over
  ThreadPool pool_;
  std::atomic<bool> leasing_{true};  // the last lease worked
  std::atomic<bool> reading_{true};  // the last batch query worked

  std::mutex mutex_;  // the pool's own may be taken under it
  std::condition_variable_any room_;
  std::size_t unsettled_ = 0;  // guarded by mutex_: items begun whose outcome is not committed yet

  struct Follower {
    WorkItem item;
    std::shared_ptr<BatchRun> batch;
  };
  std::mutex contents_mutex_;  // never held together with mutex_
  struct ContentUnderWay {
    std::vector<Follower> followers;  // items of equal content that wait
    bool stored = false;              // its record is committed, but the batch in hand was read before that
  };
  std::unordered_map<std::string, ContentUnderWay> contents_;  // guarded by contents_mutex_
  std::vector<std::string> stored_contents_;                   // guarded by contents_mutex_: those marked stored

  std::jthread thread_;
};

}  // namespace imgimport
