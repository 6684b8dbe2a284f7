// Walks the folders of jobs and writes what it finds into the journal, page by page. Each page is one transaction with
// the cursor that it moves, so a listing goes on where it was after a crash.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/thread_pool.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/job.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/rate_budget.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

struct ListerOptions {
  std::size_t threads = 8;  // pages asked for at once, all jobs together
  std::size_t batch_size = 100;
  std::string key_prefix;  // of object keys
  std::chrono::milliseconds retry_base{1'000};
  std::chrono::milliseconds retry_for{3'600'000};
};

struct ListerPorts {
  Source& source;
  Journal& journal;
  RateBudget& source_budget;
  const Clock& clock;
};

// Threading: every method from any thread; none blocks on the network. Jobs take turns page by page.
class Lister {
 public:
  // `changed` is called, from a listing thread, when a page was written or a listing ended.
  Lister(const ListerOptions& options, const ListerPorts& ports, std::function<void()> changed);
  ~Lister();

  // Begins a job's listing, or goes on with it where the journal says.
  void begin(const Job& job, const JobLease& lease);
  // The job is somebody else's now, or over: what is under way is dropped.
  void abandon(const JobId& job);
  // Why the job's listing waits just now, to be tried again by itself; nullopt: it does not, or is none of ours.
  std::optional<JobTrouble> hindrance(const JobId& job);
  // Starts again what was put off and is due. Called every now and then.
  void tick();
  // Returns when no listing thread runs any more. Idempotent.
  void stop();

 private:
  // What a file shortcut leads to: the file, or why there is none.
  struct Target {
    std::optional<SourceFile> file;
    std::optional<Error> trouble;
  };
  using Targets = std::unordered_map<DriveId, Target>;  // by their own ids
  struct Visit {
    PendingFolder folder;
    std::int32_t tries = 0;  // since it last got further
    std::chrono::steady_clock::time_point retrying_since;
    std::chrono::steady_clock::time_point due;
    std::int32_t page = 0;      // how many were listed since the folder's first
    std::int32_t furthest = 0;  // the most that were; a folder whose token is rejected begins again
    Targets known_targets;      // of the page's shortcuts, when it has to be asked for again
  };
  struct Walk;  // one job's listing

  void pump(const std::shared_ptr<Walk>& walk);
  void load_frontier(const std::shared_ptr<Walk>& walk);
  void visit(const std::shared_ptr<Walk>& walk, Visit visit);
  Result<void> list_page(Walk& walk, Visit& visit);
  Result<void> verify_root(Walk& walk, Visit& visit);
  Result<FolderRef> look_at(const CallContext& context, const FolderRef& folder);
  Result<SourcePage> ask_for_page(const Walk& walk, Visit& visit);
  bool leave_out(const Walk& walk, const PendingFolder& folder, const Error& error);
  Result<std::vector<Target>> look_up_targets(const Walk& walk, Visit& visit, const std::vector<SourceEntry>& entries);
  void add_target(const Walk& walk, const Visit& visit, SourceEntry shortcut, Target target, ListedPage& page);
  // nullopt, or what the job is to be warned of: a folder that will not be walked into.
  std::optional<JobTrouble> add_entry(const Walk& walk, const Visit& visit, SourceEntry entry, ListedPage& page);
  void failed(const std::shared_ptr<Walk>& walk, Visit visit, const Error& error);
  void finish(const std::shared_ptr<Walk>& walk);
  void fail_job(const std::shared_ptr<Walk>& walk, const Error& error);
  void forget(const std::shared_ptr<Walk>& walk);

  const ListerOptions options_;
  const ListerPorts ports_;
  const std::function<void()> changed_;

  std::mutex mutex_;
  std::unordered_map<JobId, std::shared_ptr<Walk>> walks_;  // guarded by mutex_
  ThreadPool pool_;
};

}  // namespace imgimport
