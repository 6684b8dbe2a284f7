// Calls the methods of one neighbour: another process of the same program.
//
// Threading: every method from any thread. Calls block until their answer, the context's deadline, or kCallLimit.
// Errors: what the method itself answered, as it was; else kUnavailable with one sentence that names the neighbour and
// the setting (reasons: service_away, service_refuses_token, service_version, not_the_service, unexpected_answer), or
// what the context says. Where the neighbour does not answer, a circuit breaker makes further calls fail at once for a
// while.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/result.hpp"
#include "rest/circuit_breaker.hpp"
#include "rest/protocol.hpp"
#include "rest/wire.hpp"

namespace imgimport {

// Where the context sets no deadline of its own.
inline constexpr std::chrono::seconds kCallLimit{30};

struct ServiceAddress {
  std::string name;     // "metadata"
  std::string url;      // http://host:port, without a slash at its end
  std::string setting;  // METADATA_SERVICE_URL: what a remedy names
  std::string token;    // INTERNAL_TOKEN; empty: none is sent
};

class ServiceClient {
 public:
  // REQUIRES: http and clock outlive it.
  ServiceClient(ServiceAddress address, HttpClient& http, const Clock& clock)
      : address_(std::move(address)), http_(http), clock_(clock) {}

  template <class Request, class Answer>
  Result<Answer> call(const CallContext& context, const ServiceMethod<Request, Answer>& method,
                      const Request& request) {
    const Outgoing outgoing{method.path, encode(request), method.repeatable};
    IMGIMPORT_ASSIGN_OR_RETURN(const std::string answer, exchange(context, outgoing));
    auto value = decode<Answer>(answer);
    if (!value.has_value()) return unexpected_answer(value.error().message());
    return value;
  }
  template <class Request>
  Result<void> call(const CallContext& context, const ServiceMethod<Request, Nothing>& method, const Request& request) {
    const Outgoing outgoing{method.path, encode(request), method.repeatable};
    IMGIMPORT_RETURN_IF_ERROR(exchange(context, outgoing));
    return {};
  }

  // A GET whose body is read as it comes. `target`: path and query.
  Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, std::string_view target);

  // Whether the neighbour is there, speaks our version and takes our token.
  Result<void> greet(const CallContext& context);

  // Why it does not answer, in one sentence; empty: it did when it was last asked. Never blocks.
  std::string trouble() const;
  const ServiceAddress& address() const noexcept { return address_; }

 private:
  struct Outgoing {
    std::string_view path;
    std::string body;
    bool repeatable = false;
  };
  Result<std::string> exchange(const CallContext& context, const Outgoing& outgoing);
  Result<HttpClientResponse> send(const CallContext& context, const Outgoing& outgoing);
  HttpClientRequest request_to(const CallContext& context, std::string_view target) const;
  Error away() const;
  // No answer came: says so to breaker and log.
  Error lost(const Error& why);
  Error unexpected_answer(std::string_view what) const;
  Error refusal(int status, const HttpHeaders& headers, std::string_view body) const;
  Result<void> check_version(const HttpHeaders& headers) const;
  Result<void> admitted();
  // `cause`: for the log, beside what callers are told.
  void note(const Result<void>& outcome, std::string_view cause = {});

  const ServiceAddress address_;
  HttpClient& http_;
  const Clock& clock_;
  CircuitBreaker breaker_;

  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
  std::string remedy_;   // guarded by mutex_: of trouble that starting the service would not mend
};

}  // namespace imgimport
