#include "gateway/database_watch.hpp"

#include <utility>

namespace imgimport {

DatabaseWatch::DatabaseWatch(MetadataStore& metadata, Timer& timer, const Clock& clock,
                             std::chrono::milliseconds interval)
    : metadata_(metadata), timer_(timer), clock_(clock), interval_(interval) {}

DatabaseWatch::~DatabaseWatch() {
  stop();
}

void DatabaseWatch::start() {
  look_after(std::chrono::milliseconds(0));
}

void DatabaseWatch::stop() {
  cancel_.request_stop();
  in_flight_.wait_for_none();
}

void DatabaseWatch::look_after(std::chrono::milliseconds delay) {
  if (cancel_.stop_requested()) return;
  timer_.after(delay, [this, token = in_flight_.enter()] { look(); });
}

void DatabaseWatch::look() {
  if (cancel_.stop_requested()) return;
  {
    const std::lock_guard lock(mutex_);
    looking_since_ = clock_.steady_now();
  }
  CallContext context;
  context.stop = cancel_.get_token();
  const Result<void> answer = metadata_.ping(context.with_timeout(interval_ * 3));
  {
    const std::lock_guard lock(mutex_);
    looking_since_.reset();
    // Anybody may ask for the health: hosts, users and the line's own words stay in the log of whoever owns the line.
    trouble_ = answer ? std::string() : "The database does not answer at the moment";
  }
  look_after(interval_);
}

std::string DatabaseWatch::trouble() const {
  const std::lock_guard lock(mutex_);
  if (trouble_.empty() && looking_since_ && clock_.steady_now() - *looking_since_ > interval_ * 3) {
    return "The database does not answer";
  }
  return trouble_;
}

}  // namespace imgimport
