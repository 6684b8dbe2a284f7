#include "http_client/curl_client.hpp"

#include <curl/curl.h>

#include <array>
#include <cstdlib>
#include <mutex>

#include "http_client/session_pool.hpp"

namespace imgimport {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool environment_names_a_proxy() {
  constexpr std::array<const char*, 5> kNames = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (const char* const name : kNames) {
    if (!environment(name).empty()) return true;
  }
  return false;
}

CurlHttpClientOptions prepared(CurlHttpClientOptions options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
  if (!environment_names_a_proxy()) options.proxies = ProxyUse::kIgnore;
  return options;
}

// Lends a session for the length of a scope; what is not taken over goes back to the pool.
class Lease {
 public:
  Lease(SessionPool& pool, std::unique_ptr<CurlSession> session) : pool_(&pool), session_(std::move(session)) {}
  ~Lease() { give_back(); }
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;

  void give_back() {
    if (!session_) return;
    const bool complete = session_->exhausted();
    session_->end();
    // A broken-off transfer has cost the session its connection; lending it before a warm one would be a loss.
    complete ? pool_->release(std::move(session_)) : session_.reset();
  }
  explicit operator bool() const noexcept { return session_ != nullptr; }
  CurlSession* operator->() const noexcept { return session_.get(); }

 private:
  SessionPool* pool_;
  std::unique_ptr<CurlSession> session_;
};

class CurlDownload : public HttpDownload {
 public:
  explicit CurlDownload(Lease lease) : lease_(std::move(lease)), head_(lease_->take_head()) { release_if_exhausted(); }

  int status() const override { return head_.status; }
  const HttpHeaders& headers() const override { return head_.headers; }
  std::optional<std::uint64_t> content_length() const override { return head_.content_length; }

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    if (!lease_) return std::size_t{0};
    auto count = lease_->read(context, out);
    release_if_exhausted();
    return count;
  }

 private:
  // The connection is free for others as soon as its last byte was read, not only when this object goes.
  void release_if_exhausted() {
    if (lease_->exhausted()) lease_.give_back();
  }

  Lease lease_;
  const HttpHead head_;
};

}  // namespace

CaLocations ca_locations_from_environment() {
  CaLocations ca;
  ca.file = environment("CURL_CA_BUNDLE");
  if (ca.file.empty()) {
    ca.file = environment("SSL_CERT_FILE");
    ca.directory = environment("SSL_CERT_DIR");
  }
  const curl_version_info_data* const built = curl_version_info(CURLVERSION_NOW);
  if (ca.file.empty() && built->cainfo != nullptr) ca.file = built->cainfo;
  if (ca.directory.empty() && built->capath != nullptr) ca.directory = built->capath;
  return ca;
}

CurlHttpClient::CurlHttpClient(CurlHttpClientOptions options)
    : pool_(std::make_unique<SessionPool>(prepared(std::move(options)))) {}

CurlHttpClient::~CurlHttpClient() = default;

Result<HttpClientResponse> CurlHttpClient::send(const CallContext& context, const HttpClientRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const Origin origin, origin_of(request.url));
  IMGIMPORT_ASSIGN_OR_RETURN(auto session, pool_->acquire(origin));
  Lease lease(*pool_, std::move(session));
  IMGIMPORT_RETURN_IF_ERROR(lease->start(origin, request, CurlSession::BodyOwner::kBorrowed));
  HttpClientResponse response;
  IMGIMPORT_RETURN_IF_ERROR(lease->run(context, response.body, request.max_response_bytes));
  HttpHead head = lease->take_head();
  response.status = head.status;
  response.headers = std::move(head.headers);
  return response;
}

Result<std::unique_ptr<HttpDownload>> CurlHttpClient::open(const CallContext& context,
                                                           const HttpClientRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const Origin origin, origin_of(request.url));
  IMGIMPORT_ASSIGN_OR_RETURN(auto session, pool_->acquire(origin));
  Lease lease(*pool_, std::move(session));
  IMGIMPORT_RETURN_IF_ERROR(lease->start(origin, request, CurlSession::BodyOwner::kCopied));
  IMGIMPORT_RETURN_IF_ERROR(lease->await_head(context));
  return std::unique_ptr<HttpDownload>(std::make_unique<CurlDownload>(std::move(lease)));
}

std::size_t CurlHttpClient::idle_sessions() const {
  return pool_->idle();
}

}  // namespace imgimport
