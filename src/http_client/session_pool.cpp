#include "http_client/session_pool.hpp"

#include <curl/curl.h>

namespace imgimport {
namespace {

void lock_share(CURL*, curl_lock_data, curl_lock_access, void* user) {
  static_cast<std::mutex*>(user)->lock();
}
void unlock_share(CURL*, curl_lock_data, void* user) {
  static_cast<std::mutex*>(user)->unlock();
}

}  // namespace

TlsSessionShare::TlsSessionShare() : handle_(curl_share_init()) {
  auto* const share = static_cast<CURLSH*>(handle_);
  curl_share_setopt(share, CURLSHOPT_LOCKFUNC, &lock_share);
  curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, &unlock_share);
  curl_share_setopt(share, CURLSHOPT_USERDATA, &mutex_);
  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

TlsSessionShare::~TlsSessionShare() {
  curl_share_cleanup(static_cast<CURLSH*>(handle_));
}

SessionPool::SessionPool(CurlHttpClientOptions options) : options_(std::move(options)) {}

SessionPool::~SessionPool() = default;

Result<std::unique_ptr<CurlSession>> SessionPool::acquire(const Origin& origin) {
  {
    const std::lock_guard lock(mutex_);
    const auto shelf = shelves_.find(origin.key);
    if (shelf != shelves_.end() && !shelf->second.empty()) {
      // The one used last: its connection is the least likely to have been closed by the other side.
      auto session = std::move(shelf->second.back().session);
      shelf->second.pop_back();
      --idle_;
      return session;
    }
  }
  auto session = std::make_unique<CurlSession>(options_, tls_sessions_.handle());
  if (!session->valid()) {
    return Error(ErrorCode::kUnavailable, "no memory or file descriptors left for a connection to " + origin.host_port)
        .with_reason("out_of_descriptors")
        .with_remedy("Raise the limit on open files (ulimit -n), or lower WORKER_THREADS.");
  }
  return session;
}

void SessionPool::release(std::unique_ptr<CurlSession> session) {
  const auto now = std::chrono::steady_clock::now();
  std::unique_ptr<CurlSession> surplus;  // destroyed after the lock: closing a connection is a system call or two
  const std::lock_guard lock(mutex_);
  Shelf& shelf = shelves_[session->origin_key()];
  shelf.push_back({std::move(session), now});
  ++idle_;
  surplus = take_longest_idle(now);
}

// One that is beyond the cap, or that nobody has wanted for long: at most one per release keeps this short.
std::unique_ptr<CurlSession> SessionPool::take_longest_idle(std::chrono::steady_clock::time_point now) {
  auto oldest = shelves_.end();
  for (auto shelf = shelves_.begin(); shelf != shelves_.end();) {
    if (shelf->second.empty() && shelves_.size() > 8) {
      shelf = shelves_.erase(shelf);
      continue;
    }
    const bool older = !shelf->second.empty() &&
                       (oldest == shelves_.end() || shelf->second.front().since < oldest->second.front().since);
    if (older) oldest = shelf;
    ++shelf;
  }
  if (oldest == shelves_.end()) return nullptr;
  Shelf& shelf = oldest->second;
  if (idle_ <= options_.max_idle_sessions && now - shelf.front().since < options_.max_idle_time) return nullptr;
  auto session = std::move(shelf.front().session);
  shelf.erase(shelf.begin());
  --idle_;
  return session;
}

std::size_t SessionPool::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_;
}

}  // namespace imgimport
