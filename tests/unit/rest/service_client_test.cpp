#include "rest/service_client.hpp"

#include <catch2/catch.hpp>

#include "base/system_clock.hpp"

namespace imgimport {
namespace {

class NobodyThere : public HttpClient {
 public:
  Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest&) override { return refused(); }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
    return refused();
  }

 private:
  static Error refused() {
    return Error(ErrorCode::kUnavailable, "could not connect to 10.1.2.3 port 5002: Connection refused")
        .with_reason("connect_failed");
  }
};

class Starting503 : public HttpClient {
 public:
  Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest&) override {
    HttpClientResponse response;
    response.status = 503;
    response.body = R"({"error":"The server is starting.","code":"starting"})";
    return response;
  }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
    return Error(ErrorCode::kInternal, "not asked for");
  }
};

// It answers, and a service behind it does not.
class WithoutItsNeighbour : public HttpClient {
 public:
  Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest&) override {
    HttpClientResponse response;
    response.status = 503;
    response.headers.set(kWireVersionHeader, std::string(version));
    response.body = encode_error(
        Error(ErrorCode::kUnavailable, "the storage service does not answer").with_reason("service_away"), "");
    return response;
  }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
    return Error(ErrorCode::kInternal, "not asked for");
  }

  std::string_view version = kWireVersion;
};

const ServiceAddress kAddress{
    .name = "metadata", .url = "http://10.1.2.3:5002", .setting = "METADATA_SERVICE_URL", .token = ""};

TEST_CASE("callers are told that a service is away, not where it runs or what the line said", "[rest]") {
  NobodyThere http;
  const SystemClock clock;
  ServiceClient client(kAddress, http, clock);
  for (int i = 0; i < 6; ++i) {
    const auto answer = client.greet(CallContext{});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code() == ErrorCode::kUnavailable);
    CHECK(answer.error().message() == "the metadata service does not answer");
    CHECK_THAT(answer.error().remedy(), Catch::Contains("METADATA_SERVICE_URL"));
  }
  CHECK(client.trouble() == "the metadata service does not answer");
}

TEST_CASE("a service that is starting or ending counts as away", "[rest]") {
  Starting503 http;
  const SystemClock clock;
  ServiceClient client(kAddress, http, clock);
  const auto answer = client.greet(CallContext{});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().reason() == "service_away");
  CHECK(answer.error().retry_after());
  CHECK_FALSE(client.trouble().empty());
}

TEST_CASE("a service that answers that one behind it is away is not away itself", "[rest]") {
  WithoutItsNeighbour http;
  const SystemClock clock;
  ServiceClient client(kAddress, http, clock);
  const auto answer = client.greet(CallContext{});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().message() == "the storage service does not answer");
  CHECK(client.trouble().empty());
  http.version = "another";
  CHECK_FALSE(client.greet(CallContext{}).has_value());
  CHECK_FALSE(client.trouble().empty());
}

}  // namespace
}  // namespace imgimport
