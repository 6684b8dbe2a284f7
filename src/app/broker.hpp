// Between import and the workers: Redis where REDIS_URL is set, else this process.
#pragma once

#include <memory>

#include "app/assembly.hpp"
#include "imgimport/rate_budget.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// What connect_broker() would refuse without asking anybody.
Result<void> check_broker(const Config& config, const RoleSet& roles);

// Sets assembly.queue, and assembly.redis where there is one, if the roles need them. A Redis that is away is waited
// for; kMisconfigured: REDIS_URL is wrong, Redis refuses us, or there is no broker where one is needed.
Result<void> connect_broker(Assembly& assembly);

// The Drive budget: one for all processes that share the Redis, else this process's own.
std::unique_ptr<RateBudget> make_source_budget(Assembly& assembly);

}  // namespace imgimport
