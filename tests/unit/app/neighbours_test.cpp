#include "app/neighbours.hpp"

#include <catch2/catch.hpp>

#include "base/system_clock.hpp"
#include "rest/protocol.hpp"

namespace imgimport {
namespace {

class Service : public HttpClient {
 public:
  Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest& request) override {
    if (away) return Error(ErrorCode::kUnavailable, "Connection refused").with_reason("connect_failed");
    HttpClientResponse response;
    response.status = 200;
    response.headers.set(kWireVersionHeader, std::string(kWireVersion));
    response.body = request.url.ends_with("/health") ? health : "{}";
    return response;
  }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
    return Error(ErrorCode::kInternal, "not asked for");
  }

  std::string health;
  bool away = false;
};

TEST_CASE("a neighbour that answers and is not well is told with its own words", "[app]") {
  Service service;
  const SystemClock clock;
  Neighbours neighbours;
  neighbours.add({.name = "import", .url = "http://localhost:5001", .setting = "IMPORT_SERVICE_URL", .token = ""},
                 service, clock);
  service.health = R"({"status":"healthy","service":"import-service"})";
  neighbours.look({});
  CHECK(neighbours.troubles().empty());

  service.health = R"({"status":"degraded","service":"import-service","parts":{"queue":"the broker is away"}})";
  neighbours.look({});
  REQUIRE(neighbours.troubles().size() == 1);
  CHECK(neighbours.troubles()[0].name == "import");
  CHECK(neighbours.troubles()[0].trouble == "degraded: queue: the broker is away");

  service.away = true;
  neighbours.look({});
  REQUIRE(neighbours.troubles().size() == 1);
  CHECK(neighbours.troubles()[0].trouble == "the import service does not answer");

  service.away = false;
  service.health = R"({"status":"healthy","service":"import-service"})";
  neighbours.look({});
  CHECK(neighbours.troubles().empty());
}

}  // namespace
}  // namespace imgimport
