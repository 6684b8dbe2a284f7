// A job's progress as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `progress`
// with the whole status whenever it has changed, a comment now and then on a quiet line, `done` at the end. Every event
// carries everything, so a client that comes back needs no history.
//
// Threading: as ProgressWatcher says.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gateway/options.hpp"
#include "gateway/progress_poller.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// Whether the client comes back although it has had `done`: a browser's EventSource does, every three seconds for ever,
// unless it is answered with 204.
bool has_seen_the_end(const HttpRequest& request, const Job& job);

class EventStream : public ProgressWatcher {
 public:
  // REQUIRES: options and clock outlive it.
  EventStream(const GatewayOptions& options, const Clock& clock, HttpPushWriter writer);

  // Writes the first event, then lets `poller` call for the others. `stream` lives as long as the job and the client.
  static void begin(const std::shared_ptr<EventStream>& stream, ProgressPoller& poller, const ImportProgress& progress);

  bool wanted() const noexcept override { return !*gone_; }
  std::optional<std::chrono::milliseconds> on_progress(const Result<ImportProgress>& progress) override;
  // Ends the stream without `done`: the client comes back by itself, to the server's successor.
  void on_shutdown() override;

 private:
  void send_changes(const ImportProgress& progress);
  void keep_alive();

  const GatewayOptions& options_;
  const Clock& clock_;
  const HttpPushWriter writer_;
  // Shared with the writer's callback, which may outlive the stream.
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);

  std::mutex mutex_;
  std::string last_sent_;                               // guarded by mutex_
  std::chrono::steady_clock::time_point last_sent_at_;  // guarded by mutex_
};

}  // namespace imgimport
