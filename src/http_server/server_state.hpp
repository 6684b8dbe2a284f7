// What all connections of a server share.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "http_server/server.hpp"
#include "imgimport/executor.hpp"

namespace imgimport {

// Threading: from any.
struct ServerState {
  ServerState(const HttpServerOptions& given, Executor& executor) : options(given), requests(executor) {}

  const HttpServerOptions options;
  Executor& requests;
  std::atomic<bool> starting{false};
  std::atomic<bool> draining{false};
  std::atomic<bool> closing{false};     // no connection is taken any more, and none waits for a request
  std::atomic<std::size_t> served{0};   // connections
  std::atomic<std::size_t> refused{0};  // connections beyond the cap that are being told so

  // Counts what must have ended before the server may.
  void enter();
  void leave();
  // false: `deadline` came first.
  bool wait_for_end(std::chrono::steady_clock::time_point deadline);

  // Whether every request is answered, and connections are kept.
  bool serves() const noexcept {
    return !starting.load(std::memory_order_relaxed) && !draining.load(std::memory_order_relaxed);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t under_way_ = 0;  // guarded by mutex_
};

}  // namespace imgimport
