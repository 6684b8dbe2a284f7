#include "app/broker.hpp"

#include <cstddef>
#include <string>
#include <utility>

#include "base/process_identity.hpp"
#include "base/random.hpp"
#include "base/rate_budget.hpp"
#include "crypto/tls_stream.hpp"
#include "queue/in_process_queue.hpp"
#include "queue/redis_budget.hpp"
#include "queue/redis_queue.hpp"

namespace imgimport {
namespace {

// Enough for the refiller's low-water mark many times over.
constexpr std::size_t kQueueCapacity = 256;

// This process among those that share a Redis. Its beginning lets another one on this machine see that it has ended.
std::string name_in_redis() {
  return process_identity() + "#" + random_token(4);
}

Result<void> connect_redis(Assembly& assembly) {
  RedisOptions options;
  IMGIMPORT_ASSIGN_OR_RETURN(options.address, parse_redis_url(assembly.config.queue.redis_url));
  options.tls = tls_streams(assembly.tls_trust);
  assembly.redis = std::make_unique<RedisClient>(options);
  auto answer = assembly.redis->run(CallContext{}, {"PING"});
  if (!answer.has_value() && answer.error().code() == ErrorCode::kMisconfigured) {
    return std::move(answer).error().with_context("REDIS_URL");
  }
  return {};
}

}  // namespace

Result<void> check_broker(const Config& config, const RoleSet& roles) {
  const bool imports = roles.contains(Role::kImport);
  const bool works = roles.contains(Role::kWorker);
  if (!imports && !works) return {};
  if (!config.queue.redis_url.empty()) {
    IMGIMPORT_RETURN_IF_ERROR(parse_redis_url(config.queue.redis_url));
    return {};
  }
  if (imports && works) return {};
  return Error(ErrorCode::kMisconfigured,
               "import and worker run in different processes, and there is no broker between them")
      .with_remedy(
          "Set REDIS_URL (redis://host:6379) for both, or run both in one process (--role=import,worker or "
          "--role=all)");
}

Result<void> connect_broker(Assembly& assembly) {
  const bool imports = assembly.roles.contains(Role::kImport);
  const bool works = assembly.roles.contains(Role::kWorker);
  if (!imports && !works) return {};
  IMGIMPORT_RETURN_IF_ERROR(check_broker(assembly.config, assembly.roles));
  if (!assembly.config.queue.redis_url.empty()) IMGIMPORT_RETURN_IF_ERROR(connect_redis(assembly));
  // The one-shot command works off its own job, and no other.
  if (assembly.redis && !assembly.one_shot) {
    RedisQueueOptions options;
    options.consumer = name_in_redis();
    options.capacity = kQueueCapacity;
    assembly.queue = std::make_unique<RedisQueue>(options, *assembly.redis);
    return {};
  }
  assembly.queue = std::make_unique<InProcessQueue>(kQueueCapacity);
  return {};
}

std::unique_ptr<RateBudget> make_source_budget(Assembly& assembly) {
  const std::int64_t units_per_minute = drive_quota_per_minute(assembly.config.drive);
  if (!assembly.redis || units_per_minute <= 0) return std::make_unique<TokenBucketBudget>(units_per_minute);
  RedisBudgetOptions options;
  options.member = name_in_redis();
  options.units_per_minute = units_per_minute;
  return std::make_unique<RedisBudget>(options, *assembly.redis);
}

}  // namespace imgimport
