// The queue for import and workers in different processes: a Redis stream with one entry a batch, and one consumer
// group of which each worker process is a consumer. https://redis.io/docs/latest/develop/data-types/streams/
//
// Keys (one hash slot, so that scripts may use them together):
//   imgimport:{queue}:batches  the stream; entries leave it when they are acknowledged
//   imgimport:{queue}:index    hash: "job/batch" → its entry. A batch is in the stream once, however often it is pushed
//   imgimport:{queue}:dead     stream: batches that were handed out too often and never acknowledged; trimmed
//   imgimport:{queue}:epoch    a random word: another one after Redis was emptied
//   imgimport:{queue}:workers  sorted set: who asks for batches → when last. Redis itself knows a consumer only once it
//                              was given something
//
// A lease is an entry of the group's pending list; it ends when it was not renewed for `lease_time`, and the entry is
// handed to whoever asks next. What a process that ended on this very machine had is claimed at once. Acknowledgements
// are sent in the background and kept while Redis is away, so that no worker waits for them.
//
// Threading: all methods from any thread. When it is destroyed, what it still has goes back to the others at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "imgimport/job_queue.hpp"
#include "redis/client.hpp"

namespace imgimport {

struct RedisQueueOptions {
  std::string consumer;        // this process; unique. Begins with its process_identity(), where it has one
  std::size_t capacity = 256;  // batches that may wait
  std::chrono::milliseconds lease_time{20'000};
  std::int64_t max_deliveries = 5;               // then a batch is put aside
  std::chrono::milliseconds look_around{1'000};  // for what other consumers have left behind
  std::chrono::milliseconds farewell{500};       // for giving back at the end
};

class RedisQueue final : public JobQueue {
 public:
  // REQUIRES: `redis` outlives it
  RedisQueue(RedisQueueOptions options, RedisClient& redis);
  ~RedisQueue() override;
  RedisQueue(const RedisQueue&) = delete;
  RedisQueue& operator=(const RedisQueue&) = delete;

  Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) override;
  Result<std::optional<BatchLease>> lease(const CallContext& context) override;
  Result<void> renew(const CallContext& context, const BatchLease& lease) override;
  Result<void> ack(const CallContext& context, const BatchLease& lease) override;
  Result<QueueStats> stats(const CallContext& context) override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Entry {
    std::string id;
    BatchRef batch;
  };
  static std::optional<Entry> entry_in(const RedisReply& reply);
  static void append(std::vector<std::string>& arguments, std::span<const Entry> entries);
  using Member = std::pair<std::string, std::int64_t>;  // job and batch

  Result<std::optional<Entry>> take(const CallContext& context);
  Result<std::optional<Entry>> wait_for_entry(const CallContext& context);
  std::optional<BatchLease> hand_out(const Entry& entry);
  void look_for_the_dead(const CallContext& context);
  Result<std::optional<BatchLease>> wait_a_moment(const CallContext& context, const Error& error);
  void note_failed_read(const Error& error);
  Result<void> find_what_was_lost(const CallContext& context);
  std::optional<Entry> next_found();
  bool time_to_look_around();
  void look_around_at_once();
  bool is_news(const std::string& consumer);

  void run_acknowledger(const std::stop_token& stop);
  Result<void> send_acks(const CallContext& context, std::span<const Entry> entries);
  Result<void> give_back(const CallContext& context, std::span<const Entry> entries);
  void say_farewell();

  const RedisQueueOptions options_;
  RedisClient& redis_;

  std::mutex mutex_;  // never held across I/O
  std::condition_variable_any changed_;
  // guarded by mutex_: the entries of each batch leased here. More than one where Redis was emptied meanwhile and the
  // batch put in again.
  std::map<Member, std::vector<std::string>> held_;
  std::deque<Entry> to_ack_;     // guarded by mutex_
  bool read_failed_ = false;     // guarded by mutex_: Redis may have handed out what did not arrive
  std::deque<Entry> found_;      // guarded by mutex_: handed to us in such a read
  bool sending_acks_ = false;    // guarded by mutex_
  bool acks_go_through_ = true;  // guarded by mutex_: the last attempt
  TimePoint looked_around_;      // guarded by mutex_
  std::string last_buried_;      // guarded by mutex_: the consumer that was found dead last
  std::int32_t failures_ = 0;    // guarded by mutex_: of leases, in a row

  std::jthread acknowledger_;
};

}  // namespace imgimport
