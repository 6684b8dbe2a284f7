#include "http_server/push_channel.hpp"

#include <utility>

namespace imgimport {

class PushChannel::Handle : public HttpPushWriter::Sink {
 public:
  explicit Handle(std::shared_ptr<PushChannel> channel) : channel_(std::move(channel)) {}
  ~Handle() override { channel_->abort(); }
  bool write(std::string chunk) override { return channel_->write(std::move(chunk)); }
  void close() override { channel_->close(); }
  void abort() override { channel_->abort(); }
  std::size_t queued_bytes() const override { return channel_->queued_bytes(); }
  void on_gone(std::function<void()> callback) override { channel_->on_gone(std::move(callback)); }

 private:
  std::shared_ptr<PushChannel> channel_;
};

HttpPushWriter PushChannel::handle() {
  return HttpPushWriter(std::make_shared<Handle>(shared_from_this()));
}

bool PushChannel::write(std::string chunk) {
  std::unique_lock lock(mutex_);
  if (closed_ || aborted_ || finished_) return false;
  if (chunk.empty()) return true;
  if (unwritten_ > 0 && unwritten_ + chunk.size() > kMaxQueuedBytes) {
    aborted_ = true;
    wake_once(std::move(lock));
    return false;
  }
  unwritten_ += chunk.size();
  if (queued_.empty()) {
    queued_ = std::move(chunk);
  } else {
    queued_ += chunk;
  }
  wake_once(std::move(lock));
  return true;
}

void PushChannel::close() {
  std::unique_lock lock(mutex_);
  if (closed_ || aborted_ || finished_) return;
  closed_ = true;
  wake_once(std::move(lock));
}

void PushChannel::abort() {
  std::unique_lock lock(mutex_);
  if (closed_ || aborted_ || finished_) return;
  aborted_ = true;
  wake_once(std::move(lock));
}

std::size_t PushChannel::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return unwritten_;
}

void PushChannel::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!finished_) {
      on_gone_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

// An abort must get through even while a wake for data is under way, since the connection may be stuck in a write.
void PushChannel::wake_once(std::unique_lock<std::mutex> lock) {
  const bool already = std::exchange(woken_, true);
  const bool urgent = aborted_;
  lock.unlock();
  if (!already || urgent) wake_();
}

PushChannel::Batch PushChannel::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return Batch{std::exchange(queued_, {}), closed_, aborted_};
}

bool PushChannel::aborted() const {
  const std::lock_guard lock(mutex_);
  return aborted_;
}

void PushChannel::written(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unwritten_ -= bytes;
}

void PushChannel::finish() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    callbacks.swap(on_gone_);
  }
  for (const auto& callback : callbacks) callback();
}

}  // namespace imgimport
