#include <catch2/catch.hpp>

#include "base/random.hpp"
#include "contract/job_queue_contract.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"

using namespace imgimport;

namespace {

// With a client of its own, as in a process of its own.
class OwnRedisQueue : public JobQueue {
 public:
  OwnRedisQueue(const RedisOptions& redis, const RedisQueueOptions& options)
      : client_(redis), queue_(options, client_) {}

  Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) override {
    return queue_.push(context, batches);
  }
  Result<std::optional<BatchLease>> lease(const CallContext& context) override { return queue_.lease(context); }
  Result<void> renew(const CallContext& context, const BatchLease& lease) override {
    return queue_.renew(context, lease);
  }
  Result<void> ack(const CallContext& context, const BatchLease& lease) override { return queue_.ack(context, lease); }
  Result<QueueStats> stats(const CallContext& context) override { return queue_.stats(context); }

 private:
  RedisClient client_;
  RedisQueue queue_;
};

}  // namespace

TEST_CASE("RedisQueue keeps the contract of JobQueue", "[job_queue][contract][redis]") {
  RedisServer server;
  contract::check_job_queue([&](std::size_t capacity) {
    RedisClient client(server.options());
    REQUIRE(client.run(CallContext{}, {"FLUSHALL"}).has_value());
    RedisQueueOptions options;
    options.consumer = "test#" + random_token(4);
    options.capacity = capacity;
    return std::make_unique<OwnRedisQueue>(server.options(), options);
  });
}
