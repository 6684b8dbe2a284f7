// The queue between whoever pushes a body and the connection that writes it.
//
// Threading: handle() and its copies from any thread; the rest by the connection alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "imgimport/http.hpp"

namespace imgimport {

class PushChannel : public std::enable_shared_from_this<PushChannel> {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 1 << 20;

  // `wake` is called, from any thread, when there is something to take. At most once until take() is called.
  explicit PushChannel(std::function<void()> wake) : wake_(std::move(wake)) {}

  // What the pusher gets. When the last copy goes without close() or abort(), the body can never be completed: it is
  // aborted.
  HttpPushWriter handle();

  struct Batch {
    std::string data;
    bool closed = false;   // nothing follows
    bool aborted = false;  // by the pusher, or because the client is too far behind
  };
  Batch take();
  bool aborted() const;
  // `bytes` of data that was taken have been handed to the client.
  void written(std::size_t bytes);
  // The body is over, or the client has gone: runs the on_gone callbacks. Idempotent.
  void finish();

 private:
  class Handle;
  bool write(std::string chunk);
  void close();
  void abort();
  std::size_t queued_bytes() const;
  void on_gone(std::function<void()> callback);
  void wake_once(std::unique_lock<std::mutex> lock);

  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below
  std::string queued_;
  std::size_t unwritten_ = 0;  // queued, or taken and not yet written
  bool woken_ = false;
  bool closed_ = false;
  bool aborted_ = false;
  bool finished_ = false;
  std::vector<std::function<void()>> on_gone_;
};

}  // namespace imgimport
