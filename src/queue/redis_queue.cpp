#include "queue/redis_queue.hpp"

#include <pthread.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "base/random.hpp"
#include "queue/redis_queue_scripts.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string kStream = "imgimport:{queue}:batches";
const std::string kIndex = "imgimport:{queue}:index";
const std::string kDead = "imgimport:{queue}:dead";
const std::string kEpoch = "imgimport:{queue}:epoch";
const std::string kWorkers = "imgimport:{queue}:workers";
const std::string kGroup = "workers";

// Far above what can wait or be leased.
constexpr std::size_t kSpareLength = 10'000;
// Acknowledgements sent at once, and kept while Redis is away; what is forgotten is handed out again and found done.
constexpr std::size_t kAcksAtOnce = 100;
constexpr std::size_t kAcksKept = 20'000;
constexpr std::size_t kFoundAtOnce = 1'000;
// A read blocks no longer than this at once: then there may be something to claim.
constexpr milliseconds kLongestBlock{1'000};
// Consumers of other machines that have had nothing and asked for nothing for so long are taken off the group.
constexpr milliseconds kForgottenAfter{24 * 3'600'000};
constexpr BackoffPolicy kRetry{milliseconds(50), milliseconds(1'000)};

std::int64_t to_integer(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::kInteger) return reply.integer;
  std::int64_t value = 0;
  std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), value);
  return value;
}

Error not_ours(const BatchRef& batch) {
  return Error(ErrorCode::kConflict, "batch " + std::to_string(batch.batch.value()) + " is not leased here any more")
      .with_reason("not_leased");
}

}  // namespace

RedisQueue::RedisQueue(RedisQueueOptions options, RedisClient& redis)
    : options_(std::move(options)), redis_(redis), acknowledger_([this](const std::stop_token& stop) {
        pthread_setname_np(pthread_self(), "queue-acks");
        run_acknowledger(stop);
      }) {}

RedisQueue::~RedisQueue() {
  acknowledger_.request_stop();
  acknowledger_.join();
  say_farewell();
}

Result<std::size_t> RedisQueue::push(const CallContext& context, std::span<const BatchRef> batches) {
  std::vector<std::string> arguments{kGroup, std::to_string(options_.capacity),
                                     std::to_string(options_.capacity + kSpareLength), random_token(8)};
  for (const BatchRef& batch : batches) {
    arguments.push_back(batch.job.value());
    arguments.push_back(std::to_string(batch.batch.value()));
  }
  const auto fitted = redis_.eval(context, redis_queue::kPush, {kStream, kIndex, kEpoch}, arguments);
  if (fitted.has_value()) return static_cast<std::size_t>(fitted->integer);
  Error error = fitted.error();
  if (error.code() == ErrorCode::kUnavailable) return std::size_t{0};
  return error;
}

Result<std::optional<BatchLease>> RedisQueue::lease(const CallContext& context) {
  const auto cancelled = [] { return Error(ErrorCode::kCancelled, "waiting for a batch was cancelled"); };
  for (;;) {
    if (context.stop.stop_requested()) return cancelled();
    auto entry = take(context);
    if (entry.has_value() && !*entry) entry = wait_for_entry(context);
    if (!entry.has_value()) {
      note_failed_read(entry.error());
      if (context.stop.stop_requested()) return cancelled();
      if (entry.error().code() == ErrorCode::kDeadlineExceeded) return std::optional<BatchLease>();
      if (entry.error().reason() == "no_group") continue;  // emptied this moment; take makes the group again
      return wait_a_moment(context, entry.error());
    }
    {
      const std::lock_guard lock(mutex_);
      failures_ = 0;
    }
    if (*entry) {
      if (auto lease = hand_out(**entry)) return lease;
    } else if (context.remaining() == milliseconds::zero()) {
      return std::optional<BatchLease>();
    }
  }
}

// In an errand of its own, so that a caller whose time is up does not leave an entry behind that nobody has.
Result<std::optional<RedisQueue::Entry>> RedisQueue::take(const CallContext& context) {
  CallContext errand;
  errand.request_id = context.request_id;
  IMGIMPORT_RETURN_IF_ERROR(find_what_was_lost(errand));
  if (auto found = next_found()) return found;
  const bool around = time_to_look_around();
  if (around) look_for_the_dead(errand);
  auto taken = redis_.eval(errand, redis_queue::kTake, {kStream, kIndex, kDead, kWorkers},
                           {kGroup, options_.consumer, std::to_string(options_.lease_time.count()),
                            std::to_string(options_.max_deliveries), around ? "1" : "0"});
  if (!taken.has_value()) return std::move(taken).error();
  for (const RedisReply& aside : taken->at(1).elements) {
    log_error("a batch was put aside: it was handed out again and again and never finished",
              {{"job", aside.at(0).text}, {"batch", aside.at(1).text}, {"deliveries", to_integer(aside.at(2))}});
  }
  if (taken->at(2).integer == 1) look_around_at_once();  // where there was one, there may be more
  return entry_in(taken->at(0));
}

// A read whose answer did not come may have been carried out all the same, by a Redis that hung and goes on.
void RedisQueue::note_failed_read(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (error.code() == ErrorCode::kUnavailable) read_failed_ = true;
}

// After such a read: what Redis has handed to this consumer, and nobody here knows of.
Result<void> RedisQueue::find_what_was_lost(const CallContext& context) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(read_failed_, false)) return {};
  }
  const auto mine = redis_.run(context, {"XREADGROUP", "GROUP", kGroup, options_.consumer, "COUNT",
                                         std::to_string(kFoundAtOnce), "STREAMS", kStream, "0"});
  if (!mine.has_value()) {
    if (mine.error().reason() == "no_group") return {};
    return mine.error();
  }
  const std::lock_guard lock(mutex_);
  for (const RedisReply& one : mine->at(0).at(1).elements) {
    auto entry = entry_in(one);
    if (!entry) continue;
    const auto is_it = [&](const Entry& other) { return other.id == entry->id; };
    const auto held = held_.find({entry->batch.job.value(), entry->batch.batch.value()});
    const bool known = held != held_.end() || std::any_of(to_ack_.begin(), to_ack_.end(), is_it) ||
                       std::any_of(found_.begin(), found_.end(), is_it);
    if (!known) found_.push_back(*std::move(entry));
  }
  return {};
}

std::optional<RedisQueue::Entry> RedisQueue::next_found() {
  const std::lock_guard lock(mutex_);
  if (found_.empty()) return std::nullopt;
  Entry entry = std::move(found_.front());
  found_.pop_front();
  return entry;
}

Result<std::optional<RedisQueue::Entry>> RedisQueue::wait_for_entry(const CallContext& context) {
  const milliseconds block = std::min({context.remaining(), kLongestBlock, options_.look_around});
  if (block <= milliseconds::zero()) return std::optional<Entry>();
  auto read = redis_.run_blocking(context,
                                  {"XREADGROUP", "GROUP", kGroup, options_.consumer, "COUNT", "1", "BLOCK",
                                   std::to_string(block.count()), "STREAMS", kStream, ">"},
                                  block);
  if (!read.has_value()) return std::move(read).error();
  auto entry = entry_in(read->at(0).at(1).at(0));
  if (!entry || !context.stop.stop_requested()) return entry;
  // It came while the wait was called off.
  static_cast<void>(give_back(CallContext{}.with_timeout(options_.farewell), std::span(&*entry, 1)).has_value());
  return std::optional<Entry>();
}

// nullopt: the batch is under way here already. That entry will be renewed and acknowledged together with the first.
std::optional<BatchLease> RedisQueue::hand_out(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  auto& ids = held_[{entry.batch.job.value(), entry.batch.batch.value()}];
  const bool is_first = ids.empty();
  if (std::find(ids.begin(), ids.end(), entry.id) == ids.end()) ids.push_back(entry.id);
  if (!is_first) return std::nullopt;
  return BatchLease{entry.batch, entry.id};
}

// So that neither a Redis that is away nor one that refuses us makes its callers spin.
Result<std::optional<BatchLease>> RedisQueue::wait_a_moment(const CallContext& context, const Error& error) {
  std::unique_lock lock(mutex_);
  const auto until = steady_clock::now() + backoff_delay(kRetry, failures_++, random_jitter(), std::nullopt);
  changed_.wait_until(lock, context.stop, std::min(until, context.deadline), [] { return false; });
  if (context.stop.stop_requested()) return Error(ErrorCode::kCancelled, "waiting for a batch was cancelled");
  if (context.remaining() == milliseconds::zero()) return std::optional<BatchLease>();
  return error;
}

bool RedisQueue::time_to_look_around() {
  const std::lock_guard lock(mutex_);
  const auto now = steady_clock::now();
  if (now - looked_around_ < options_.look_around) return false;
  looked_around_ = now;
  return true;
}

void RedisQueue::look_around_at_once() {
  const std::lock_guard lock(mutex_);
  looked_around_ = {};
}

bool RedisQueue::is_news(const std::string& consumer) {
  const std::lock_guard lock(mutex_);
  return std::exchange(last_buried_, consumer) != consumer;
}

// Consumers whose process has ended on this machine need not be waited for.
void RedisQueue::look_for_the_dead(const CallContext& context) {
  const auto consumers = redis_.run(context, {"XINFO", "CONSUMERS", kStream, kGroup});
  if (!consumers.has_value()) return;  // no such group yet
  for (const RedisReply& one : consumers->elements) {
    std::string name;
    std::int64_t pending = 0;
    std::int64_t idle_ms = 0;
    for (std::size_t i = 0; i + 1 < one.elements.size(); i += 2) {
      if (one.at(i).text == "name") name = one.at(i + 1).text;
      if (one.at(i).text == "pending") pending = to_integer(one.at(i + 1));
      if (one.at(i).text == "idle") idle_ms = to_integer(one.at(i + 1));
    }
    const bool forgotten = pending == 0 && milliseconds(idle_ms) >= kForgottenAfter;
    if (name == options_.consumer || (!forgotten && !has_certainly_ended(name.substr(0, name.rfind('#'))))) continue;
    if (pending > 0 && is_news(name)) {
      log_info("a worker has ended; its batches go to others", {{"consumer", name}, {"batches", pending}});
    }
    const auto buried = redis_.eval(context, redis_queue::kBury, {kStream, kWorkers},
                                    {kGroup, name, std::to_string(options_.lease_time.count())});
    if (!buried.has_value()) return;
  }
}

Result<void> RedisQueue::renew(const CallContext& context, const BatchLease& lease) {
  std::vector<std::string> arguments{kGroup, options_.consumer};
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find({lease.batch.job.value(), lease.batch.batch.value()});
    if (found == held_.end()) return not_ours(lease.batch);
    arguments.insert(arguments.end(), found->second.begin(), found->second.end());
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const RedisReply kept,
                             redis_.eval(context, redis_queue::kRenew, {kStream, kWorkers}, arguments));
  if (kept.integer == 0) return not_ours(lease.batch);
  return {};
}

Result<void> RedisQueue::ack(const CallContext&, const BatchLease& lease) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find({lease.batch.job.value(), lease.batch.batch.value()});
  if (found == held_.end()) return {};  // acknowledging again what is done with is harmless
  for (std::string& id : found->second) to_ack_.push_back({std::move(id), lease.batch});
  held_.erase(found);
  while (to_ack_.size() > kAcksKept) to_ack_.pop_front();
  changed_.notify_all();
  return {};
}

Result<QueueStats> RedisQueue::stats(const CallContext& context) {
  {
    // What this process has acknowledged is not to be counted as leased.
    std::unique_lock lock(mutex_);
    const auto gone = [&] { return (to_ack_.empty() && !sending_acks_) || !acks_go_through_; };
    changed_.wait_until(lock, context.stop, std::min(context.deadline, steady_clock::now() + kLongestBlock), gone);
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const RedisReply found,
                             redis_.eval(context, redis_queue::kStats, {kStream, kEpoch, kWorkers},
                                         {kGroup, random_token(8), std::to_string(options_.lease_time.count())}));
  QueueStats stats;
  stats.waiting = static_cast<std::size_t>(to_integer(found.at(0)));
  stats.leased = static_cast<std::size_t>(to_integer(found.at(1)));
  stats.capacity = options_.capacity;
  stats.epoch = found.at(2).text + "@" + redis_.server_id();
  stats.workers = static_cast<std::size_t>(to_integer(found.at(3)));
  return stats;
}

void RedisQueue::run_acknowledger(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  std::int32_t failures = 0;
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !to_ack_.empty(); }) && !stop.stop_requested()) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(to_ack_.size(), kAcksAtOnce));
    const std::vector<Entry> entries(to_ack_.begin(), to_ack_.begin() + count);
    to_ack_.erase(to_ack_.begin(), to_ack_.begin() + count);
    sending_acks_ = true;
    lock.unlock();
    const auto sent = send_acks(context, entries);
    lock.lock();
    sending_acks_ = false;
    acks_go_through_ = sent.has_value();
    if (!acks_go_through_) to_ack_.insert(to_ack_.begin(), entries.begin(), entries.end());
    changed_.notify_all();
    failures = acks_go_through_ ? 0 : failures + 1;
    if (failures == 0) continue;
    changed_.wait_for(lock, stop, backoff_delay(kRetry, failures, random_jitter(), std::nullopt), [] { return false; });
  }
}

Result<void> RedisQueue::send_acks(const CallContext& context, std::span<const Entry> entries) {
  std::vector<std::string> arguments{kGroup};
  append(arguments, entries);
  IMGIMPORT_RETURN_IF_ERROR(redis_.eval(context, redis_queue::kAck, {kStream, kIndex}, arguments));
  return {};
}

Result<void> RedisQueue::give_back(const CallContext& context, std::span<const Entry> entries) {
  std::vector<std::string> arguments{kGroup, options_.consumer};
  append(arguments, entries);
  IMGIMPORT_RETURN_IF_ERROR(redis_.eval(context, redis_queue::kFarewell, {kStream, kIndex, kWorkers}, arguments));
  return {};
}

void RedisQueue::say_farewell() {
  std::vector<Entry> done(to_ack_.begin(), to_ack_.end());
  std::vector<Entry> left(found_.begin(), found_.end());
  for (const auto& [member, ids] : held_) {
    for (const std::string& id : ids) left.push_back({id, {JobId(member.first), BatchId(member.second)}});
  }
  const CallContext brief = CallContext{}.with_timeout(options_.farewell);
  auto said = done.empty() ? Result<void>() : send_acks(brief, done);
  if (said.has_value()) said = give_back(brief, left);
  if (said.has_value() || left.empty()) return;
  log_info("leased batches were left to run out", {{"batches", left.size()}, {"error", said.error().message()}});
}

std::optional<RedisQueue::Entry> RedisQueue::entry_in(const RedisReply& reply) {
  const RedisReply& fields = reply.at(1);  // "job", a job, "batch", a number
  if (fields.elements.size() < 4) return std::nullopt;
  return Entry{reply.at(0).text, {JobId(fields.at(1).text), BatchId(to_integer(fields.at(3)))}};
}

void RedisQueue::append(std::vector<std::string>& arguments, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    arguments.push_back(entry.id);
    arguments.push_back(entry.batch.job.value());
    arguments.push_back(std::to_string(entry.batch.batch.value()));
  }
}

}  // namespace imgimport
