#include "importer/refiller.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace imgimport {

void Refiller::add(const JobLease& lease) {
  remove(lease.job);
  entries_.push_front({lease, BatchId{0}, true});  // a new job need not wait for a whole round
}

void Refiller::remove(const JobId& job) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.lease.job == job; });
}

void Refiller::rescan(const JobId& job) {
  for (Entry& entry : entries_) {
    if (entry.lease.job == job) entry.cursor = BatchId{0};
  }
}

Result<Refiller::Round> Refiller::top_up(const CallContext& context, Timestamp now) {
  Round round;
  IMGIMPORT_ASSIGN_OR_RETURN(const QueueStats stats, queue_.stats(context));
  if (epoch_ != stats.epoch) {
    if (epoch_) {
      log_info("the queue may have lost what it held; unfinished batches are put in again",
               {{"jobs", entries_.size()}});
    }
    for (Entry& entry : entries_) entry.cursor = BatchId{0};
    epoch_ = stats.epoch;
  }
  if (stats.waiting >= options_.low_water) return round;
  std::size_t room = std::min(options_.low_water - stats.waiting, stats.capacity - stats.waiting);
  for (Entry& entry : entries_) entry.more = true;
  std::size_t idle_turns = 0;
  while (room > 0 && idle_turns < entries_.size()) {
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    auto pushed = entry.more ? refill(context, entry, now, std::min(room, options_.turn)) : Result<std::size_t>(0U);
    if (!pushed.has_value() && pushed.error().code() == ErrorCode::kConflict) {
      round.lost.push_back(entry.lease.job);
      continue;
    }
    entries_.push_back(std::move(entry));
    if (!pushed.has_value()) return std::move(pushed).error();
    idle_turns = *pushed == 0 ? idle_turns + 1 : 0;
    room -= *pushed;
    round.pushed += *pushed;
  }
  return round;
}

Result<std::size_t> Refiller::refill(const CallContext& context, Entry& entry, Timestamp now, std::size_t room) {
  auto ready = journal_.ready_batches(context, entry.lease, entry.cursor, room);
  if (!ready.has_value()) return std::move(ready).error();
  if (ready->size() < room) {
    // Nothing whole is left: group what has fallen due since, and what a listing left over. Asked first whether there
    // is any, for grouping is a write, and items may be put off for hours.
    IMGIMPORT_ASSIGN_OR_RETURN(const auto due, journal_.next_due(context, entry.lease.job));
    if (due && *due <= now) {
      IMGIMPORT_RETURN_IF_ERROR(
          journal_.group_due(context, entry.lease, now, options_.batch_size, room - ready->size()));
      // Read again: pages that were listed meanwhile brought batches with lower ids, and the cursor must not pass them.
      ready = journal_.ready_batches(context, entry.lease, entry.cursor, room);
      if (!ready.has_value()) return std::move(ready).error();
    }
  }
  entry.more = ready->size() == room;
  if (ready->empty()) return std::size_t{0};
  std::vector<BatchRef> batches;
  batches.reserve(ready->size());
  for (const BatchId id : *ready) batches.push_back({entry.lease.job, id});
  IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t pushed, queue_.push(context, batches));
  if (pushed > 0) entry.cursor = batches[pushed - 1].batch;
  return pushed;
}

}  // namespace imgimport
