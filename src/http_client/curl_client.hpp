// HttpClient on libcurl, for up to some hundreds of threads at once.
//
// Each transfer borrows a session: a curl multi handle with one easy handle, which the calling thread drives itself.
// The connection stays with its session, and sessions are lent again last in, first out, per host, so that connections
// stay warm. No transfer touches a lock that another holds for longer than a list operation.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "imgimport/http_client.hpp"

namespace imgimport {

// Where the trusted certificates are. Empty = there is none.
struct CaLocations {
  std::string file;
  std::string directory;
};

// From CURL_CA_BUNDLE, else SSL_CERT_FILE and SSL_CERT_DIR, as the curl tool reads them (libcurl itself reads none);
// what they do not name is where libcurl was built to look.
CaLocations ca_locations_from_environment();

// HTTP(S)_PROXY, ALL_PROXY and NO_PROXY are libcurl's own business; kIgnore is for tests.
enum class ProxyUse : std::uint8_t { kEnvironment = 1, kIgnore };

enum class CertificateCheck : std::uint8_t { kFull = 1, kNone };

struct CurlHttpClientOptions {
  CaLocations ca = ca_locations_from_environment();
  ProxyUse proxies = ProxyUse::kEnvironment;
  // Only towards this very host, whose certificate is for the name that others call it by.
  CertificateCheck certificates = CertificateCheck::kFull;
  std::string user_agent = "imgimport";
  // Sessions kept while nobody uses them, all hosts together. Twice the number of threads lets each keep a connection
  // to the place it reads from and one to the place it writes to.
  std::size_t max_idle_sessions = 320;
  std::chrono::seconds max_idle_time{110};
  // Called with the SSL_CTX of each new TLS connection, to install the certificates of `ca` in a form that all
  // connections share (crypto's shared_tls_trust); false fails the connection. Where it is missing, each connection
  // parses them for itself, at 20 ms of CPU and a megabyte apiece. It may have OpenSSL read ahead, if it counts
  // the records that come in `records_read`, which lives as long as the connection.
  std::function<bool(void* ssl_context, std::uint64_t* records_read)> tls_setup;
};

class SessionPool;

// REQUIRES: outlives the downloads it has opened.
class CurlHttpClient : public HttpClient {
 public:
  explicit CurlHttpClient(CurlHttpClientOptions options = {});
  ~CurlHttpClient() override;
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) override;
  Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, const HttpClientRequest& request) override;

  // Sessions that wait for their next transfer.
  std::size_t idle_sessions() const;

 private:
  const std::unique_ptr<SessionPool> pool_;
};

}  // namespace imgimport
