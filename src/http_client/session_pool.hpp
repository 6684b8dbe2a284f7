// The sessions of one client: which are free, and for whom.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "http_client/curl_client.hpp"
#include "http_client/curl_session.hpp"

namespace imgimport {

// TLS sessions that all connections may resume, behind locks (a CURLSH).
class TlsSessionShare {
 public:
  TlsSessionShare();
  ~TlsSessionShare();
  TlsSessionShare(const TlsSessionShare&) = delete;
  TlsSessionShare& operator=(const TlsSessionShare&) = delete;
  void* handle() const noexcept { return handle_; }

 private:
  std::mutex mutex_;
  void* handle_;
};

// Thread-safe. REQUIRES: all sessions lent are returned or destroyed before the pool is.
class SessionPool {
 public:
  explicit SessionPool(CurlHttpClientOptions options);
  ~SessionPool();

  // The session that talked to `origin` last, or a new one. kUnavailable: no descriptors or memory left.
  Result<std::unique_ptr<CurlSession>> acquire(const Origin& origin);
  // Takes a session whose transfer has ended.
  void release(std::unique_ptr<CurlSession> session);
  std::size_t idle() const;

 private:
  struct Idle {
    std::unique_ptr<CurlSession> session;
    std::chrono::steady_clock::time_point since;
  };
  using Shelf = std::vector<Idle>;  // one host's; the oldest first

  std::unique_ptr<CurlSession> take_longest_idle(std::chrono::steady_clock::time_point now);

  const CurlHttpClientOptions options_;
  TlsSessionShare tls_sessions_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Shelf> shelves_;  // guarded by mutex_
  std::size_t idle_ = 0;                            // guarded by mutex_
};

}  // namespace imgimport
