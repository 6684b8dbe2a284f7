#include "importer/importer.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "base/random.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTickWhileBusy{50};
constexpr milliseconds kTickWhileIdle{1'000};
constexpr milliseconds kLookForJobsEvery{2'000};
constexpr milliseconds kSampleEvery{1'000};
constexpr std::size_t kSamplesKept = 10;  // the rate is that of the last ten seconds
// Longer than what is queued ahead of a job's batches usually takes: to hand one out twice is safe, but may be in vain.
constexpr milliseconds kUnmovedFor{600'000};

bool is_over(const Job& job) {
  switch (job.status) {
    case JobStatus::kListing:
    case JobStatus::kProcessing:
      return false;
    case JobStatus::kCompleted:
      return job.dry_run || job.counters.deferred == 0;
    case JobStatus::kFailed:
    case JobStatus::kCancelled:
      return true;
  }
  return true;
}

bool asks_for_the_same(const Job& job, const NewJob& wanted) {
  const bool same_folder = job.folder_url == wanted.folder_url || job.root.id == wanted.root.id;
  return same_folder && job.recursive == wanted.recursive && job.dry_run == wanted.dry_run &&
         job.filters == wanted.filters;
}

}  // namespace

Importer::Importer(const ImporterOptions& options, const ImporterPorts& ports)
    : options_(options),
      ports_(ports),
      refiller_(options.refill, ports.journal, ports.queue),
      lister_(options.listing, {ports.source, ports.journal, ports.source_budget, ports.clock}, [this] { wake(); }) {}

Importer::~Importer() {
  stop();
}

void Importer::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "importer");
    run(stop);
  });
}

void Importer::drain() {
  thread_.request_stop();
}

void Importer::stop() {
  drain();
  if (thread_.joinable()) thread_.join();
  lister_.stop();
  // Another process may go on at once.
  std::vector<JobLease> leases;
  for (const auto& [id, driven] : driven_) leases.push_back(driven.lease);
  if (!leases.empty()) {
    const auto released =
        ports_.jobs.renew_leases(CallContext{}.with_timeout(milliseconds(500)), leases, milliseconds(0));
    if (!released.has_value()) log_debug("leases were left to run out", {{"jobs", leases.size()}});
    driven_.clear();
  }
}

Result<ImportService::Submitted> Importer::submit(const CallContext& context, const ImportRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(NewJob fresh, [&]() -> Result<NewJob> {
    NewJob job;
    IMGIMPORT_ASSIGN_OR_RETURN(job.root, ports_.source.parse_url(request.folder_url));
    job.id = JobId(random_uuid());
    job.folder_url = request.folder_url;
    job.recursive = request.recursive;
    job.dry_run = request.dry_run;
    job.filters = request.filters;
    job.idempotency_key = request.idempotency_key;
    return job;
  }());
  if (!request.idempotency_key.empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(auto before, submitted_before(context, fresh));
    if (before) return *std::move(before);
  }
  if (options_.resumes_jobs && !fresh.dry_run) {
    IMGIMPORT_ASSIGN_OR_RETURN(auto unfinished, left_unfinished(context, fresh));
    if (unfinished) return *std::move(unfinished);
  }
  const CallContext bounded = context.with_timeout(request.look_up_within);
  auto units = ports_.source_budget.acquire(bounded, ports_.source.costs().look_up);
  auto root = units.has_value() ? ports_.source.root(bounded, fresh.root) : Result<FolderRef>(std::move(units).error());
  if (root.has_value()) {
    fresh.root = *std::move(root);
  } else if (!root.error().is_transient() && root.error().code() != ErrorCode::kDeadlineExceeded) {
    return std::move(root).error();
  }
  // Where the source does not answer just now, the job is accepted all the same, and its listing looks the root up
  // first.
  IMGIMPORT_ASSIGN_OR_RETURN(JobStore::Created created,
                             ports_.jobs.create_job(context, fresh, options_.owner, options_.lease_ttl));
  if (!created.existed) {
    log_info("an import was accepted", {{"job", created.job.id.value()}, {"folder", created.job.root.id.value()}});
    const std::scoped_lock lock(mutex_);
    accepted_.push_back(created.job);
  }
  wake();
  return Submitted{std::move(created.job), created.existed};
}

// Without a look at the source: a request that is repeated must find its job even when the folder is gone. A job that
// could not be listed begins anew, which is what the repetition is for.
Result<std::optional<ImportService::Submitted>> Importer::submitted_before(const CallContext& context,
                                                                           const NewJob& wanted) {
  auto found = ports_.jobs.job_by_key(context, wanted.idempotency_key);
  if (!found.has_value()) {
    if (found.error().code() == ErrorCode::kNotFound) return std::optional<Submitted>();
    return std::move(found).error();
  }
  if (!asks_for_the_same(*found, wanted)) return std::optional<Submitted>();  // create_job knows whether they do
  if (found->status == JobStatus::kFailed && !found->listed && !found->dry_run) {
    IMGIMPORT_RETURN_IF_ERROR(retry(context, found->id));
    IMGIMPORT_ASSIGN_OR_RETURN(*found, ports_.jobs.job(context, found->id));
  }
  return std::optional(Submitted{*std::move(found), true});
}

// One that only deferred items keep unfinished is no such job: the folder is to be listed again. The newest, should
// there be several. Another process may drive it still; it is taken over when that has ended.
Result<std::optional<ImportService::Submitted>> Importer::left_unfinished(const CallContext& context,
                                                                          const NewJob& wanted) {
  IMGIMPORT_ASSIGN_OR_RETURN(auto unfinished, ports_.jobs.unfinished_jobs(context));
  const Job* newest = nullptr;
  for (const Job& job : unfinished) {
    const bool goes_on = job.status == JobStatus::kListing || job.status == JobStatus::kProcessing;
    if (!goes_on || !asks_for_the_same(job, wanted)) continue;
    if (newest == nullptr || newest->created_at < job.created_at) newest = &job;
  }
  if (newest == nullptr) return std::optional<Submitted>();
  {
    const std::scoped_lock lock(mutex_);
    resumed_.insert(newest->id);
    look_for_jobs_ = true;
  }
  wake();
  return std::optional(Submitted{*newest, true});
}

bool Importer::may_take_up(const Job& job) {
  if (options_.adopts_jobs || job.owner == options_.owner) return true;
  const std::scoped_lock lock(mutex_);
  return resumed_.contains(job.id);
}

Result<ImportProgress> Importer::progress(const CallContext& context, const JobId& job) {
  ImportProgress progress;
  IMGIMPORT_ASSIGN_OR_RETURN(progress.job, ports_.jobs.job(context, job));
  const JobCounters& counters = progress.job.counters;
  progress.drive_units = (counters.total - counters.skipped - counters.deduplicated) * ports_.source.costs().download;
  if (is_over(progress.job)) return progress;
  progress.hindrance = lister_.hindrance(job);
  const std::scoped_lock lock(mutex_);
  const auto found = rates_.find(job);
  if (found == rates_.end() || found->second.empty()) return progress;
  const Sample& oldest = found->second.front();
  const double seconds = std::chrono::duration<double>(ports_.clock.steady_now() - oldest.at).count();
  if (seconds <= 0) return progress;
  // Fewer than before: what was stored turned out to be damaged (JobStore::report_damage).
  progress.images_per_second = std::max(0.0, static_cast<double>(counters.processed() - oldest.processed) / seconds);
  if (progress.images_per_second > 0 && progress.job.listed) {
    progress.eta_seconds =
        static_cast<std::int64_t>(static_cast<double>(counters.pending) / progress.images_per_second + 0.5);
  }
  return progress;
}

Result<Job> Importer::cancel(const CallContext& context, const JobId& job) {
  auto cancelled = ports_.jobs.cancel_job(context, job);
  if (cancelled.has_value()) log_info("a job was cancelled", {{"job", job.value()}});
  wake();
  return cancelled;
}

Result<std::int64_t> Importer::retry(const CallContext& context, const JobId& job) {
  auto items = ports_.jobs.retry_job(context, job);
  if (items.has_value()) log_info("a job was taken up again", {{"job", job.value()}, {"items", *items}});
  {
    const std::scoped_lock lock(mutex_);
    look_for_jobs_ = true;
  }
  wake();
  return items;
}

Result<QueueState> Importer::queue_state(const CallContext& context) {
  IMGIMPORT_ASSIGN_OR_RETURN(const QueueStats stats, ports_.queue.stats(context));
  QueueState state;
  state.waiting = static_cast<std::int64_t>(stats.waiting);
  state.leased = static_cast<std::int64_t>(stats.leased);
  state.workers = static_cast<std::int64_t>(stats.workers);
  const std::scoped_lock lock(mutex_);
  for (const auto& [job, samples] : rates_) {
    if (samples.size() < 2) continue;
    const double seconds = std::chrono::duration<double>(samples.back().at - samples.front().at).count();
    const auto images = static_cast<double>(samples.back().processed - samples.front().processed);
    state.images_per_second += std::max(0.0, images / seconds);
  }
  return state;
}

void Importer::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void Importer::run(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  auto looked_for_jobs = ports_.clock.steady_now() - kLookForJobsEvery;
  auto renewed = ports_.clock.steady_now();
  while (!stop.stop_requested()) {
    std::vector<Job> accepted;
    bool look = false;
    {
      const std::scoped_lock lock(mutex_);
      accepted.swap(accepted_);
      look = std::exchange(look_for_jobs_, false);
    }
    for (const Job& job : accepted) drive(job, {job.id, job.epoch});
    const auto now = ports_.clock.steady_now();
    if (look || now - looked_for_jobs >= kLookForJobsEvery) {
      adopt(context);
      looked_for_jobs = now;
    }
    if (now - renewed >= options_.lease_ttl / 3) {
      renew(context);
      renewed = now;
    }
    lister_.tick();
    const bool answered = top_up(context);

    std::unique_lock lock(mutex_);
    // A tick at most this often, however many pages and batches ask for one; and a journal that is away is let alone.
    wake_.wait_for(lock, stop, answered ? kTickWhileBusy : kTickWhileIdle, [] { return false; });
    if (driven_.empty()) wake_.wait_for(lock, stop, kTickWhileIdle, [&] { return woken_; });
    woken_ = false;
  }
}

void Importer::drive(const Job& job, const JobLease& lease) {
  Driven driven;
  driven.lease = lease;
  driven_.insert_or_assign(job.id, std::move(driven));
  refiller_.remove(job.id);
  if (!job.dry_run) refiller_.add(lease);
  if (!job.listed) lister_.begin(job, lease);
}

void Importer::drop(const JobId& job) {
  driven_.erase(job);
  refiller_.remove(job);
  lister_.abandon(job);
  const std::scoped_lock lock(mutex_);
  rates_.erase(job);
}

void Importer::renew(const CallContext& context) {
  std::vector<JobLease> leases;
  for (const auto& [id, driven] : driven_) leases.push_back(driven.lease);
  if (leases.empty()) return;
  const auto kept = ports_.jobs.renew_leases(context, leases, options_.lease_ttl);
  if (!kept.has_value()) return;  // the journal is away; if for too long, every write of ours will be refused
  for (const JobLease& lease : leases) {
    const bool still_ours =
        std::any_of(kept->begin(), kept->end(), [&](const JobLease& one) { return one.job == lease.job; });
    if (still_ours) continue;
    log_warning("another process drives a job now", {{"job", lease.job.value()}});
    drop(lease.job);
  }
}

// Takes over the jobs that nobody drives: left by an earlier process, or put back by a retry.
void Importer::adopt(const CallContext& context) {
  const auto unfinished = ports_.jobs.unfinished_jobs(context);
  healthy_.store(unfinished.has_value() || context.stop.stop_requested(), std::memory_order_relaxed);
  if (!unfinished.has_value()) return;
  for (const Job& job : *unfinished) {
    if (driven_.contains(job.id)) continue;
    if (!may_take_up(job)) continue;
    const bool free = job.owner.empty() || job.owner == options_.owner || !job.leased_until ||
                      *job.leased_until <= ports_.clock.now() || has_certainly_ended(job.owner);
    if (!free) continue;
    const auto lease = ports_.jobs.claim_job(context, job.id, job.epoch, options_.owner, options_.lease_ttl);
    if (!lease.has_value()) continue;  // somebody was faster
    log_info("a job is taken up", {{"job", job.id.value()}, {"pending", job.counters.pending}});
    drive(job, *lease);
  }
}

// Whether none of the job's items has moved for long; its time begins anew then.
bool Importer::is_unmoved(Driven& driven, std::int64_t pending, std::chrono::steady_clock::time_point now) {
  const bool moved = pending != std::exchange(driven.pending, pending);
  if (!moved && pending > 0 && now - driven.moved < kUnmovedFor) return false;
  driven.moved = now;
  return !moved && pending > 0;
}

bool Importer::top_up(const CallContext& context) {
  // Asked while nothing runs as well, so that /health tells before the next import does.
  const auto stats = ports_.queue.stats(context);
  queue_answers_.store(stats.has_value() || context.stop.stop_requested(), std::memory_order_relaxed);
  if (driven_.empty()) return true;
  const bool queue_is_empty = stats.has_value() && stats->waiting == 0 && stats->leased == 0;
  std::vector<JobId> over;
  bool answers = true;
  for (auto& [id, driven] : driven_) {
    const auto job = ports_.jobs.job(context, id);
    if (!job.has_value()) {
      answers = job.error().code() != ErrorCode::kUnavailable;
      if (!answers) break;
      if (job.error().code() == ErrorCode::kNotFound) over.push_back(id);
      continue;
    }
    if (is_over(*job)) {
      over.push_back(id);
      log_info("a job is over", {{"job", id.value()},
                                 {"status", to_string(job->status)},
                                 {"imported", job->counters.imported},
                                 {"skipped", job->counters.skipped},
                                 {"deduplicated", job->counters.deduplicated},
                                 {"failed", job->counters.failed}});
      continue;
    }
    // Nothing, where it is under way; else a retry wants folders listed that were left out.
    if (job->status == JobStatus::kListing) lister_.begin(*job, driven.lease);
    const auto now = ports_.clock.steady_now();
    if (driven.samples.empty() || now - driven.samples.back().at >= kSampleEvery) {
      driven.samples.push_back({now, job->counters.processed()});
      if (driven.samples.size() > kSamplesKept) driven.samples.pop_front();
      const std::scoped_lock lock(mutex_);
      rates_[id] = driven.samples;
    }
    // Batches can go astray (a queue that lost them or put them aside, a batch dropped when its job failed and was
    // retried). Where nothing is queued or under way at two looks in a row, and items are pending, the journal is read
    // from its start again; and so it is when none of them has moved for long, for other jobs may keep the queue busy.
    const bool still = queue_is_empty && job->counters.pending > 0;
    const bool unmoved = is_unmoved(driven, job->counters.pending, now);
    if ((still && driven.still) || unmoved) refiller_.rescan(id);
    driven.still = still;
  }
  for (const JobId& id : over) drop(id);
  if (!answers || !stats.has_value()) return answers;
  const auto round = refiller_.top_up(context, ports_.clock.now());
  if (!round.has_value()) return true;
  for (const JobId& id : round->lost) drop(id);
  return true;
}

}  // namespace imgimport
