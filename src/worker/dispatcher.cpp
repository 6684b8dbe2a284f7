#include "worker/dispatcher.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

// Window of a streamed transfer: curl's own buffer, what it may spill, and the store's.
constexpr std::uint64_t kStreamingBytes = 768 << 10;
// Drive units are taken for so many downloads at a time.
constexpr std::size_t kBudgetBlock = 10;
constexpr milliseconds kRetryEvery{500};

// Two files of one content are one download. Empty: nothing to recognise it by.
std::string content_key(const SourceFile& file) {
  if (!file.hashes.sha256.empty()) return file.hashes.sha256;
  if (!file.hashes.md5.empty() && file.size) return file.hashes.md5 + ":" + std::to_string(*file.size);
  return {};
}

Outcome outcome_for(const JobId& job, const WorkItem& item, ItemState state) {
  Outcome outcome;
  outcome.job = job;
  outcome.item = item.id;
  outcome.state = state;
  outcome.attempts = item.attempts;
  return outcome;
}

}  // namespace

struct Dispatcher::Transfer {
  WorkItem item;
  std::shared_ptr<BatchRun> batch;
  std::string content;
  MemoryBudget::Reservation memory;
};

Dispatcher::Dispatcher(const WorkerOptions& options, const WorkerPorts& ports, std::function<void()> garbage_made)
    : options_(options),
      ports_(ports),
      garbage_made_(std::move(garbage_made)),
      max_unsettled_(options.threads * 2 + 1'000),
      images_imported_(ports.metrics.counter("imgimport_images_imported_total", "Images stored and recorded.")),
      bytes_imported_(ports.metrics.counter("imgimport_image_bytes_imported_total", "Bytes of those images.")),
      items_failed_(ports.metrics.counter("imgimport_items_failed_total", "Items given up.")),
      items_put_off_(ports.metrics.counter("imgimport_items_put_off_total", "Items written back for a later try.")),
      source_(ports.source, ports.source_budget),
      job_watch_(ports.jobs, ports.clock),
      memory_(options.memory_bytes),
      ramp_({.most = options.threads}, ports.clock),
      leases_(ports.queue, options.renew_every),
      outcomes_(ports.journal, ports.store,
                [this](const OutcomeWriter::Entry& entry, CommitEffect effect) { committed(entry, effect); }),
      pool_("transfer", options.threads) {
  ports.metrics.gauge_callback("imgimport_transfer_memory_bytes", "Image memory reserved now.",
                               [this] { return static_cast<std::int64_t>(memory_.in_use()); });
}

Dispatcher::~Dispatcher() {
  stop(std::chrono::steady_clock::now());
}

void Dispatcher::start() {
  outcomes_.start();
  leases_.start();
  thread_ = std::jthread([this] {
    pthread_setname_np(pthread_self(), "dispatcher");
    run();
  });
}

void Dispatcher::drain() {
  dispatch_stop_.request_stop();
}

void Dispatcher::stop(std::chrono::steady_clock::time_point deadline) {
  drain();
  if (thread_.joinable()) thread_.join();
  {
    std::unique_lock lock(mutex_);
    room_.wait_until(lock, deadline, [&] { return unsettled_ == 0; });
  }
  transfers_stop_.request_stop();
  pool_.stop();
  // Outcomes that came in the last moment still go in; the journal gets a moment even when the grace is used up.
  outcomes_.stop(std::max(deadline, std::chrono::steady_clock::now() + milliseconds(500)));
  leases_.stop();
}

void Dispatcher::run() {
  CallContext context;
  context.stop = dispatch_stop_.get_token();
  while (!context.stop.stop_requested() && wait_for_room()) {
    auto lease = ports_.queue.lease(context);
    if (!lease.has_value()) {
      const Error error = std::move(lease).error();
      if (error.code() == ErrorCode::kCancelled) return;
      if (leasing_.exchange(false, std::memory_order_relaxed)) {
        log_warning("no batch can be leased; trying again", {{"error", error.message()}, {"remedy", error.remedy()}});
      }
      continue;
    }
    if (!leasing_.exchange(true, std::memory_order_relaxed)) log_info("batches can be leased again");
    if (lease->has_value()) open(**lease);
  }
}

bool Dispatcher::wait_for_room() {
  std::unique_lock lock(mutex_);
  // What waits for a thread here could be under way in another worker; a few rounds' worth keep the threads busy until
  // the next batch is there.
  const std::size_t enough = options_.threads * 2;
  return room_.wait(lock, dispatch_stop_.get_token(),
                    [&] { return unsettled_ < max_unsettled_ && pool_.waiting() < enough; });
}

Result<Batch> Dispatcher::read(const CallContext& context, const BatchRef& batch) {
  IMGIMPORT_ASSIGN_OR_RETURN(const StorePlace place, ports_.store.place(context));
  return ports_.journal.open_batch(context, batch, place);
}

void Dispatcher::open(const BatchLease& lease) {
  CallContext context;
  context.stop = dispatch_stop_.get_token();
  leases_.keep(lease);
  forget_stored_contents();
  auto batch = read(context, lease.batch);
  while (!batch.has_value() && batch.error().is_transient() && !context.stop.stop_requested()) {
    reading_.store(false, std::memory_order_relaxed);
    {
      std::unique_lock lock(mutex_);
      room_.wait_for(lock, context.stop, kRetryEvery, [] { return false; });
    }
    batch = read(context, lease.batch);
  }
  reading_.store(true, std::memory_order_relaxed);
  if (!batch.has_value()) {
    if (context.stop.stop_requested()) return batch_ended(lease, BatchEnd::kLeft);
    log_error("a batch could not be read", {{"batch", lease.batch.batch.value()}, {"error", batch.error().message()}});
    return batch_ended(lease, BatchEnd::kDone);  // its items are pending in the journal still
  }
  if (batch->items.empty()) return batch_ended(lease, BatchEnd::kDone);

  const auto run = std::make_shared<BatchRun>(
      lease, batch->items.size(), [this](const BatchLease& ended, BatchEnd end) { batch_ended(ended, end); });
  {
    const std::scoped_lock lock(mutex_);
    unsettled_ += batch->items.size();
  }
  std::vector<WorkItem> downloads;
  for (WorkItem& item : batch->items) {
    if (settle_known(item, run) || joins_one_under_way(item, run)) continue;
    downloads.push_back(std::move(item));
  }
  announce(context, downloads);
  const std::int64_t cost = ports_.source.costs().download;
  std::int64_t granted = 0;
  for (std::size_t i = 0; i < downloads.size(); ++i) {
    if (granted < cost) {
      const auto block = static_cast<std::int64_t>(std::min(kBudgetBlock, downloads.size() - i)) * cost;
      if (ports_.source_budget.acquire(context, block).has_value()) granted += block;
    }
    if (!begin(std::move(downloads[i]), run)) continue;
    granted -= cost;
  }
  if (granted > 0) ports_.source_budget.refund(granted);
}

// As they will be put if their bytes are what the listing says. Whether it works or not, so do the puts.
void Dispatcher::announce(const CallContext& context, const std::vector<WorkItem>& items) {
  if (items.empty()) return;
  std::vector<PlannedPut> plans;
  plans.reserve(items.size());
  for (const WorkItem& item : items) {
    plans.push_back({.key = item.key,
                     .size_bytes = item.file.size,
                     .options = {.content_type = item.file.mime_type, .expected = item.file.hashes}});
  }
  if (auto announced = ports_.store.announce(context, plans); !announced.has_value()) {
    log_debug("puts could not be announced", {{"error", announced.error().message()}});
  }
}

bool Dispatcher::settle_known(const WorkItem& item, const std::shared_ptr<BatchRun>& batch) {
  if (!item.known) return false;
  const ItemState state = item.known->same_drive_id ? ItemState::kSkipped : ItemState::kDeduplicated;
  Outcome outcome = outcome_for(batch->batch().job, item, state);
  outcome.same_as = item.known->id;
  outcomes_.add({std::move(outcome), batch});
  return true;
}

bool Dispatcher::joins_one_under_way(const WorkItem& item, const std::shared_ptr<BatchRun>& batch) {
  const std::string content = content_key(item.file);
  if (content.empty()) return false;
  {
    const std::scoped_lock lock(contents_mutex_);
    const auto [entry, is_first] = contents_.try_emplace(content);
    if (is_first) return false;
    if (!entry->second.stored) {
      entry->second.followers.push_back({item, batch});
      return true;
    }
  }
  put_back(item, batch);
  return true;
}

// false: not begun (the worker stops, or the job does not go on); the item stays pending in the journal.
bool Dispatcher::begin(WorkItem item, const std::shared_ptr<BatchRun>& batch) {
  auto work = std::make_shared<Transfer>();
  work->item = std::move(item);
  work->batch = batch;
  work->content = content_key(work->item.file);
  CallContext context;
  context.stop = dispatch_stop_.get_token();

  const std::uint64_t bytes =
      mode_for(work->item) == TransferMode::kInMemory ? work->item.file.size.value_or(0) : kStreamingBytes;
  auto memory = context.stop.stop_requested() || !job_watch_.goes_on(context, batch->batch().job)
                    ? Result<MemoryBudget::Reservation>(Error(ErrorCode::kCancelled, "not begun"))
                    : memory_.reserve(context, bytes);
  if (!memory.has_value() || !ramp_.enter(context.stop)) {
    release_followers(work->content, ContentFate::kNotStored);
    if (context.stop.stop_requested()) {
      item_left(*batch);
    } else {
      item_settled(*batch);
    }
    return false;
  }
  work->memory = *std::move(memory);
  pool_.post([this, work] { transfer(*work); });
  return true;
}

void Dispatcher::transfer(Transfer& work) {
  CallContext context;
  context.stop = transfers_stop_.get_token();
  const JobId& job = work.batch->batch().job;
  // It has waited for a thread, and the job may have been cancelled in that time.
  if (!job_watch_.goes_on(context, job)) {
    ramp_.leave();
    work.memory = {};
    release_followers(work.content, ContentFate::kNotStored);
    return item_settled(*work.batch);
  }
  std::optional<Outcome> outcome;
  auto [stored, perhaps_stored] = carry(context, work.item);
  ramp_.leave();
  if (stored.has_value()) {
    outcome = outcome_for(job, work.item, ItemState::kImported);
    outcome->stored = *std::move(stored);
  } else {
    const Error error = std::move(stored).error();
    outcome = dispose(options_.retry, job, work.item, error, ports_.clock.now(), random_jitter());
    if (outcome && perhaps_stored) outcome->perhaps_stored = work.item.key;
  }
  work.memory = {};
  if (outcome) {
    finish(work, *std::move(outcome));
  } else {
    release_followers(work.content, ContentFate::kNotStored);
    item_left(*work.batch);
  }
}

// An item that ends by an exception has an outcome as well: else its batch would hang, its lease renewed for ever. How
// far it had come is not known.
Transferred Dispatcher::carry(const CallContext& context, const WorkItem& item) {
  try {
    return transfer_image(context, source_, ports_.store, item, mode_for(item));
  } catch (const std::bad_alloc&) {
    return {.stored = Error(ErrorCode::kUnavailable, "there was not enough memory for the transfer")
                          .with_reason("out_of_memory")
                          .with_remedy("Give the process more memory, or lower TRANSFER_MEMORY_MB or WORKER_THREADS"),
            .perhaps_stored = true};
  } catch (const std::exception& failure) {
    return {.stored = Error(ErrorCode::kInternal, std::string("the transfer broke off: ") + failure.what()),
            .perhaps_stored = true};
  }
}

void Dispatcher::finish(const Transfer& work, Outcome outcome) {
  if (outcome.state == ItemState::kFailed) {
    log_warning("an item failed", {{"job", outcome.job.value()},
                                   {"drive_id", work.item.file.id.value()},
                                   {"name", work.item.file.name},
                                   {"reason", outcome.reason},
                                   {"remedy", outcome.remedy}});
  }
  // Those who wait for a stored content wait until its record is committed: before that, nobody would find it.
  const bool stored = outcome.state == ItemState::kImported;
  outcomes_.add({std::move(outcome), work.batch, stored ? work.content : std::string()});
  if (!stored) release_followers(work.content, ContentFate::kNotStored);
}

// Items of the same content go back to the journal, due now: their next batch finds the record that the first one made,
// or takes its own turn where the first one failed.
void Dispatcher::release_followers(const std::string& content, ContentFate fate) {
  if (content.empty()) return;
  std::vector<Follower> followers;
  {
    const std::scoped_lock lock(contents_mutex_);
    const auto found = contents_.find(content);
    if (found == contents_.end()) return;
    followers.swap(found->second.followers);
    if (fate == ContentFate::kStored) {
      found->second.stored = true;
      stored_contents_.push_back(content);
    } else {
      contents_.erase(found);
    }
  }
  for (const Follower& follower : followers) put_back(follower.item, follower.batch);
}

// A batch that is read after this sees their records.
void Dispatcher::forget_stored_contents() {
  const std::scoped_lock lock(contents_mutex_);
  for (const std::string& content : stored_contents_) contents_.erase(content);
  stored_contents_.clear();
}

void Dispatcher::put_back(const WorkItem& item, const std::shared_ptr<BatchRun>& batch) {
  Outcome outcome = outcome_for(batch->batch().job, item, ItemState::kPending);
  outcome.not_before = ports_.clock.now();
  outcome.backoffs = item.backoffs;
  outcome.retrying_since = item.retrying_since;
  outcomes_.add({std::move(outcome), batch});
}

void Dispatcher::committed(const OutcomeWriter::Entry& entry, CommitEffect effect) {
  const Outcome& outcome = entry.outcome;
  const bool recorded = effect == CommitEffect::kApplied && outcome.state == ItemState::kImported;
  // What the items of a job that was cancelled come to is not applied any more.
  if (effect != CommitEffect::kApplied || outcome.stops_job) job_watch_.doubt(outcome.job);
  release_followers(entry.content, recorded ? ContentFate::kStored : ContentFate::kNotStored);
  if (effect == CommitEffect::kOrphaned) garbage_made_();
  if (effect == CommitEffect::kApplied) {
    if (outcome.state == ItemState::kImported) {
      images_imported_.add();
      bytes_imported_.add(outcome.stored->size_bytes);
    } else if (outcome.state == ItemState::kFailed) {
      items_failed_.add();
    } else if (outcome.state == ItemState::kPending || outcome.state == ItemState::kDeferred) {
      items_put_off_.add();
    }
  }
  item_settled(*entry.batch);
}

void Dispatcher::batch_ended(const BatchLease& lease, BatchEnd end) {
  leases_.forget(lease);
  // What is left is given back by the queue, or goes to others when its lease runs out.
  if (end == BatchEnd::kDone) acknowledge(lease);
}

void Dispatcher::acknowledge(const BatchLease& lease) {
  if (auto acked = ports_.queue.ack(CallContext{}, lease); !acked.has_value()) {
    log_warning("a finished batch could not be acknowledged", {{"error", acked.error().message()}});
  }
}

void Dispatcher::item_settled(BatchRun& batch) {
  batch.item_done();
  make_room();
}

void Dispatcher::item_left(BatchRun& batch) {
  batch.item_left();
  make_room();
}

void Dispatcher::make_room() {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    --unsettled_;
    wake = unsettled_ < max_unsettled_;
  }
  if (wake) room_.notify_all();
}

TransferMode Dispatcher::mode_for(const WorkItem& item) const {
  // Each thread can hold its share at once; what is larger streams.
  const std::uint64_t share = std::max<std::uint64_t>(options_.memory_bytes / options_.threads, 256 << 10);
  return item.file.size && *item.file.size <= share ? TransferMode::kInMemory : TransferMode::kStreaming;
}

}  // namespace imgimport
