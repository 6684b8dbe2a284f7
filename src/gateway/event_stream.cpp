#include "gateway/event_stream.hpp"

#include <utility>

#include "gateway/job_json.hpp"

namespace imgimport {
namespace {

// A client that has so much unread is not sent more until it has caught up: each event carries everything anyway.
constexpr std::size_t kEnoughQueued = 64 << 10;

// The id is what a client that comes back sends as Last-Event-ID.
std::string event_text(std::string_view name, std::string_view data) {
  std::string text("id: ");
  text.append(name).append("\nevent: ").append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

}  // namespace

bool has_seen_the_end(const HttpRequest& request, const Job& job) {
  return has_ended(job.status) && request.headers.find("Last-Event-ID") == std::string_view("done");
}

EventStream::EventStream(const GatewayOptions& options, const Clock& clock, HttpPushWriter writer)
    : options_(options), clock_(clock), writer_(std::move(writer)), last_sent_at_(clock.steady_now()) {
  writer_.on_gone([gone = gone_] { *gone = true; });
}

void EventStream::begin(const std::shared_ptr<EventStream>& stream, ProgressPoller& poller,
                        const ImportProgress& progress) {
  stream->writer_.write("retry: 3000\n\n");
  if (const auto delay = stream->on_progress(progress)) poller.watch(progress.job.id, stream, *delay);
}

std::optional<std::chrono::milliseconds> EventStream::on_progress(const Result<ImportProgress>& progress) {
  const std::lock_guard lock(mutex_);
  if (*gone_) return std::nullopt;
  if (!progress) {
    if (progress.error().code() == ErrorCode::kNotFound) return writer_.close(), std::nullopt;
    keep_alive();
    return options_.event_interval;
  }
  const bool ended = has_ended(progress->job.status);
  if (!ended && writer_.queued_bytes() > kEnoughQueued) return options_.event_interval;
  send_changes(*progress);
  if (!ended) return options_.event_interval;
  writer_.write(event_text("done", last_sent_));
  writer_.close();
  return std::nullopt;
}

void EventStream::send_changes(const ImportProgress& progress) {
  std::string text = progress_json(progress);
  if (text == last_sent_) return keep_alive();
  writer_.write(event_text("progress", text));
  last_sent_ = std::move(text);
  last_sent_at_ = clock_.steady_now();
}

void EventStream::keep_alive() {
  // One tick early: the next look comes only after another interval.
  if (clock_.steady_now() - last_sent_at_ + options_.event_interval < options_.heartbeat) return;
  writer_.write(": still here\n\n");
  last_sent_at_ = clock_.steady_now();
}

void EventStream::on_shutdown() {
  writer_.close();
}

}  // namespace imgimport
