#include "worker/outcome_writer.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/log.hpp"

namespace imgimport {
namespace {

// More in one transaction gains nothing and makes other writers wait.
constexpr std::size_t kMaxGroup = 1'000;
constexpr std::chrono::milliseconds kRetryEvery{500};

}  // namespace

OutcomeWriter::OutcomeWriter(Journal& journal, ObjectStore& store, OnCommitted on_committed)
    : journal_(journal), store_(store), on_committed_(std::move(on_committed)) {}

OutcomeWriter::~OutcomeWriter() {
  stop(std::chrono::steady_clock::now());
}

void OutcomeWriter::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "outcomes");
    run(stop);
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    wake_.notify_all();
  });
}

void OutcomeWriter::add(Entry entry) {
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(entry));
  }
  if (first) wake_.notify_one();
}

void OutcomeWriter::stop(std::chrono::steady_clock::time_point deadline) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    wake_.notify_all();
    wake_.wait_until(lock, deadline, [&] { return finished_; });
  }
  thread_.request_stop();
  thread_.join();
}

void OutcomeWriter::run(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  std::vector<Entry> group;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (group.empty()) {
      wake_.wait(lock, stop, [&] { return !waiting_.empty() || closing_; });
      if (waiting_.empty()) return;
      const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMaxGroup));
      group.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + count));
      waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    }
    lock.unlock();
    const bool committed = commit(context, group);
    lock.lock();
    if (committed) {
      group.clear();
    } else {
      if (stop.stop_requested()) return;
      // The journal is away. Nothing is lost by waiting; woken only by stop.
      wake_.wait_for(lock, stop, kRetryEvery, [] { return false; });
    }
  }
}

bool OutcomeWriter::commit(const CallContext& context, std::vector<Entry>& group) {
  if (!flush(context, group)) return false;
  const auto effects = try_commit(context, group);
  if (!effects.has_value()) {
    const Error error = effects.error();
    if (healthy_.exchange(false) && error.code() != ErrorCode::kCancelled) {
      log_warning("outcomes cannot be written down; trying again", {{"error", error.message()}});
    }
    return false;
  }
  if (!healthy_.exchange(true)) log_info("outcomes are written down again");
  for (std::size_t i = 0; i < group.size(); ++i) on_committed_(group[i], (*effects)[i]);
  return true;
}

// Objects first: a record must never promise bytes that a power cut can take away. Where the disk did not take them, a
// second flush would succeed and mean nothing (the kernel reports a lost page once:
// wiki.postgresql.org/wiki/Fsync_Errors), so those images are put again.
bool OutcomeWriter::flush(const CallContext& context, std::vector<Entry>& group) {
  const auto is_stored = [](const Entry& entry) { return entry.outcome.state == ItemState::kImported; };
  if (std::none_of(group.begin(), group.end(), is_stored)) return true;
  const auto flushed = store_.flush(context);
  if (flushed.has_value()) return true;
  if (context.stop.stop_requested()) return false;
  log_error("stored objects could not be made durable; they are stored again", {{"error", flushed.error().message()}});
  for (Entry& entry : group) {
    if (!is_stored(entry)) continue;
    entry.outcome.state = ItemState::kPending;
    entry.outcome.perhaps_stored = entry.outcome.stored->key;
    entry.outcome.stored.reset();
    entry.outcome.reason = "not_durable";
    entry.outcome.remedy = flushed.error().message();
  }
  return true;
}

Result<std::vector<CommitEffect>> OutcomeWriter::try_commit(const CallContext& context,
                                                            const std::vector<Entry>& group) {
  IMGIMPORT_ASSIGN_OR_RETURN(const StorePlace place, store_.place(context));
  std::vector<Outcome> outcomes;
  outcomes.reserve(group.size());
  for (const Entry& entry : group) outcomes.push_back(entry.outcome);
  return journal_.commit(context, outcomes, place);
}

}  // namespace imgimport
