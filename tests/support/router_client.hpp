// An HttpClient that hands requests to a Router in this process: client → routes → implementation without a socket.
#pragma once

#include "imgimport/http.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {

class RouterClient final : public HttpClient {
 public:
  // REQUIRES: the router outlives it.
  explicit RouterClient(const Router& router) : router_(router) {}

  Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) override;
  Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, const HttpClientRequest& request) override;

 private:
  HttpResponse dispatch(const CallContext& context, const HttpClientRequest& request) const;

  const Router& router_;
};

}  // namespace imgimport
