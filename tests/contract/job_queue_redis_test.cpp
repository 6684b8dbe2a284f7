#include <catch2/catch.hpp>

#include "base/random.hpp"
#include "contract/job_queue_contract.hpp"
#include "fakes/forwarding_queue.hpp"
#include "queue/redis_queue.hpp"
#include "support/redis_server.hpp"

using namespace imgimport;

namespace {

// With a client of its own, as in a process of its own.
class OwnRedisQueue : public ForwardingQueue {
 public:
  OwnRedisQueue(const RedisOptions& redis, const RedisQueueOptions& options)
      : ForwardingQueue(queue_), client_(redis), queue_(options, client_) {}

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
