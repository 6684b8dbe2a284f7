// Group commit: outcomes gather while the journal is busy, and go in together when it is free. The busier the worker,
// the larger the groups; a single outcome waits for nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "imgimport/job.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"
#include "worker/batch_run.hpp"

namespace imgimport {

// Threading: add() from any thread; start and stop from one.
class OutcomeWriter {
 public:
  struct Entry {
    Outcome outcome;
    std::shared_ptr<BatchRun> batch;
    std::string content = {};  // by which equal contents are known; empty where nobody can wait for this one
  };
  // Called on the writer's thread for each outcome that is durable now.
  using OnCommitted = std::function<void(const Entry&, CommitEffect)>;

  OutcomeWriter(Journal& journal, ObjectStore& store, OnCommitted on_committed);
  ~OutcomeWriter();

  void start();
  void add(Entry entry);
  // Commits what has been added, trying again until `deadline` if the journal is away; what is left then is dropped:
  // its items are still pending in the journal.
  void stop(std::chrono::steady_clock::time_point deadline);
  // Whether the last commit worked.
  bool healthy() const noexcept { return healthy_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop);
  bool commit(const CallContext& context, std::vector<Entry>& group);
  bool flush(const CallContext& context, std::vector<Entry>& group);
  Result<std::vector<CommitEffect>> try_commit(const CallContext& context, const std::vector<Entry>& group);

  Journal& journal_;
  ObjectStore& store_;
  const OnCommitted on_committed_;
  std::atomic<bool> healthy_{true};

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Entry> waiting_;  // guarded by mutex_
  bool closing_ = false;        // guarded by mutex_
  bool finished_ = false;       // guarded by mutex_
  std::jthread thread_;
};

}  // namespace imgimport
