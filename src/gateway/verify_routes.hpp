// POST /api/import/{job_id}/verify: the report when the run has ended. Meanwhile no thread of the request pool is held;
// each run has a thread of its own, and few run at once.
//
// Threading: handlers run on the request pool, any number at once; drain() and stop() by one thread.
#pragma once

#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

#include "gateway/api_router.hpp"
#include "gateway/options.hpp"
#include "gateway/verification.hpp"

namespace imgimport {

class VerifyRoutes {
 public:
  // REQUIRES: all parts outlive it, and it the routes.
  VerifyRoutes(const GatewayOptions& options, const Verification::Parts& parts);
  ~VerifyRoutes();
  void mount(ApiRouter& router);

  // Runs under way are told to end, and answer so; no new ones begin. Does not block. Idempotent.
  void drain();
  // drain(), then returns when the last run has ended. Idempotent.
  void stop();

 private:
  struct Run {
    JobId job;
    std::stop_source stop;
    bool ended = false;  // guarded by mutex_
    std::thread thread;
  };
  void verify(const CallContext& context, const HttpRequest& request, ApiRouter::Send send);
  Result<void> begin(const CallContext& context, const JobId& job, const ApiRouter::Send& send);
  void work(Run& run, const CallContext& request, const ApiRouter::Send& send);
  void reap();

  const Verification verification_;
  const std::size_t most_runs_;

  std::mutex mutex_;
  std::list<Run> runs_;    // guarded by mutex_; those that have ended wait to be joined
  bool draining_ = false;  // guarded by mutex_
};

}  // namespace imgimport
