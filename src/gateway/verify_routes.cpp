#include "gateway/verify_routes.hpp"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "gateway/parameters.hpp"
#include "gateway/verify_json.hpp"

namespace imgimport {
namespace {

Error server_is_ending() {
  return Error(ErrorCode::kUnavailable, "The server is ending; the verification is not complete")
      .with_reason("server_ending")
      .with_remedy("Verify the job again once the server runs.");
}

}  // namespace

VerifyRoutes::VerifyRoutes(const GatewayOptions& options, const Verification::Parts& parts)
    : verification_(parts, options.verification), most_runs_(options.most_verifications) {}

VerifyRoutes::~VerifyRoutes() {
  stop();
}

void VerifyRoutes::mount(ApiRouter& router) {
  router.handle_async(HttpMethod::kPost, "/api/import/{job_id}/verify",
                      [this](const CallContext& context, const HttpRequest& request, ApiRouter::Send send) {
                        verify(context, request, std::move(send));
                      });
}

void VerifyRoutes::verify(const CallContext& context, const HttpRequest& request, ApiRouter::Send send) {
  const auto id = job_id_argument(request);
  if (!id.has_value()) return send(id.error());
  if (auto job = verification_.check_job(context, *id); !job.has_value()) return send(std::move(job).error());
  if (auto begun = begin(context, *id, send); !begun.has_value()) send(std::move(begun).error());
}

Result<void> VerifyRoutes::begin(const CallContext& context, const JobId& job, const ApiRouter::Send& send) {
  reap();
  const std::lock_guard lock(mutex_);
  if (draining_) return server_is_ending();
  const auto under_way = std::count_if(runs_.begin(), runs_.end(), [](const Run& run) { return !run.ended; });
  const bool same =
      std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) { return !run.ended && run.job == job; });
  if (same) {
    return Error(ErrorCode::kConflict, "This job is being verified already")
        .with_reason("verification_running")
        .with_remedy("Wait for that verification to end: whoever asked for it gets the report.");
  }
  if (static_cast<std::size_t>(under_way) >= most_runs_) {
    return Error(ErrorCode::kUnavailable, "Other jobs are being verified, as many as may be at once")
        .with_reason("too_many_verifications")
        .with_remedy("Try again when one of them has ended.")
        .with_retry_after(std::chrono::seconds(10));
  }
  Run& run = runs_.emplace_back();
  run.job = job;
  try {
    run.thread = std::thread([this, &run, context, send] { work(run, context, send); });
  } catch (const std::system_error& failure) {
    runs_.pop_back();
    return Error(ErrorCode::kUnavailable, std::string("No thread for the verification: ") + failure.what());
  }
  return {};
}

void VerifyRoutes::work(Run& run, const CallContext& request, const ApiRouter::Send& send) {
  pthread_setname_np(pthread_self(), "verify");
  CallContext context = request;
  context.stop = run.stop.get_token();
  {
    // A client that goes away ends its run.
    const std::stop_callback gone(request.stop, [&run] { run.stop.request_stop(); });
    auto report = verification_.run(context, run.job);
    // Before the answer: whoever has it may verify again at once.
    bool draining = false;
    {
      const std::lock_guard lock(mutex_);
      run.ended = true;
      draining = draining_;
    }
    if (!report.has_value()) {
      send(std::move(report).error());
    } else if (report->trouble && draining) {
      send(server_is_ending());
    } else if (report->trouble) {
      send(*report->trouble);
    } else {
      send(json_response(verification_json(*report)));
    }
  }
}

// Joins the threads of runs that have ended.
void VerifyRoutes::reap() {
  std::list<Run> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto run = runs_.begin(); run != runs_.end();) {
      const auto next = std::next(run);
      if (run->ended) ended.splice(ended.end(), runs_, run);
      run = next;
    }
  }
  for (Run& run : ended) run.thread.join();
}

void VerifyRoutes::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  for (Run& run : runs_) run.stop.request_stop();
}

void VerifyRoutes::stop() {
  drain();
  std::list<Run> left;
  {
    // The threads still refer to their nodes, which do not move.
    const std::lock_guard lock(mutex_);
    left.swap(runs_);
  }
  for (Run& run : left) run.thread.join();
}

}  // namespace imgimport
