#include "http_server/body_inlet.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace imgimport {

Result<std::size_t> BodyInlet::read(const CallContext& context, std::span<std::byte> out) {
  std::unique_lock lock(mutex_);
  if (!std::exchange(wanted_, true)) {
    lock.unlock();
    wake_();
    lock.lock();
  }
  const auto ready = [this] { return queued_ > 0 || finished_ || failure_.has_value(); };
  const bool came = context.deadline == std::chrono::steady_clock::time_point::max()
                        ? changed_.wait(lock, context.stop, ready)
                        : changed_.wait_until(lock, context.stop, context.deadline, ready);
  // Why it failed says more than that the client's going has stopped the call.
  if (queued_ == 0 && failure_) return *failure_;
  if (!came) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return Error(ErrorCode::kDeadlineExceeded, "the request's body took longer than the call was allowed to");
  }
  std::size_t copied = 0;
  while (copied < out.size() && !pieces_.empty()) {
    const std::string& piece = pieces_.front();
    const std::size_t count = std::min(out.size() - copied, piece.size() - taken_);
    std::memcpy(out.data() + copied, piece.data() + taken_, count);
    copied += count;
    taken_ += count;
    if (taken_ == piece.size()) {
      pieces_.pop_front();
      taken_ = 0;
    }
  }
  queued_ -= copied;
  const bool room = full_ && queued_ <= kMaxQueuedBytes / 2;
  if (room) full_ = false;
  lock.unlock();
  if (room) wake_();
  return copied;
}

bool BodyInlet::has_room() {
  const std::lock_guard lock(mutex_);
  full_ = queued_ >= kMaxQueuedBytes;
  return !full_;
}

bool BodyInlet::is_wanted() const {
  const std::lock_guard lock(mutex_);
  return wanted_;
}

void BodyInlet::push(std::string piece) {
  if (piece.empty()) return;
  const std::lock_guard lock(mutex_);
  queued_ += piece.size();
  pieces_.push_back(std::move(piece));
  changed_.notify_all();
}

void BodyInlet::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void BodyInlet::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (!finished_ && !failure_) failure_ = std::move(error);
  changed_.notify_all();
}

}  // namespace imgimport
