// The answer to a submitted import, which waits a while for the listing so that it can say how many images there are.
//
// Threading: as ProgressWatcher says.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "gateway/options.hpp"
#include "gateway/progress_poller.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// The answer for a job in its present state: 202 with the count (so far, with "listing": true, while it is listing),
// 200 where the listing found nothing, or what a dry run found. An error when the job failed before its listing ended.
Result<HttpResponse> submit_response(const ImportProgress& progress);

class SubmitReply : public ProgressWatcher {
 public:
  using Send = std::function<void(Result<HttpResponse>)>;  // called once at most
  struct Waiting {
    ImportProgress progress;                      // as it was submitted
    std::stop_token gone;                         // requested when the client goes away
    std::chrono::steady_clock::time_point until;  // when it is answered with the count so far
    Send send;
  };
  // REQUIRES: options and clock outlive it.
  SubmitReply(const GatewayOptions& options, const Clock& clock, Waiting waiting);
  // Sends an answer that nobody reads, where the client has gone.
  ~SubmitReply() override;

  bool wanted() const noexcept override { return !gone_.stop_requested(); }
  std::optional<std::chrono::milliseconds> on_progress(const Result<ImportProgress>& progress) override;
  void on_shutdown() override;

 private:
  const GatewayOptions& options_;
  const Clock& clock_;
  const std::stop_token gone_;
  const std::chrono::steady_clock::time_point deadline_;

  std::mutex mutex_;
  std::chrono::milliseconds interval_;  // guarded by mutex_
  ImportProgress last_;                 // guarded by mutex_
  Send send_;                           // empty once sent; guarded by mutex_
};

// Whether a submit need not wait any longer.
bool is_countable(const Job& job) noexcept;

}  // namespace imgimport
