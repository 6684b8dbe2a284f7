#include "app/service_ports.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

HttpResponse ask(const Router& router, const std::string& path) {
  HttpRequest request;
  request.path = path;
  HttpResponse answer;
  router.match(HttpMethod::kGet, path).route->handler({}, request, HttpResponder([&](HttpResponse response) {
                                                        answer = std::move(response);
                                                      }));
  return answer;
}

TEST_CASE("a service that starts is degraded and not ready, and says what it waits for", "[app]") {
  Starting starting;
  Router router;
  mount_starting_routes(router, Role::kMetadata, starting);
  CHECK(ask(router, "/health").status == 200);
  CHECK_THAT(std::get<std::string>(ask(router, "/health").body),
             Catch::Contains(R"("status":"degraded")") && Catch::Contains(R"("service":"metadata-service")") &&
                 Catch::Contains("the service is starting"));
  CHECK(ask(router, "/ready").status == 503);
  starting.waits_for("the database is away");
  CHECK_THAT(std::get<std::string>(ask(router, "/health").body),
             Catch::Contains(R"("parts":{"database":"the database is away"})"));
  CHECK_THAT(std::get<std::string>(ask(router, "/ready").body), Catch::Contains("the database is away"));
}

TEST_CASE("without its metadata a service is not ready; without another neighbour it is", "[app]") {
  const auto with = [](const char* part) {
    return Health{.status = HealthStatus::kDegraded, .troubles = {{part, "it is away"}}};
  };
  CHECK(why_not_ready({}).empty());
  CHECK(why_not_ready(with("storage")).empty());
  CHECK(why_not_ready(with("import")).empty());
  CHECK(why_not_ready(with("queue")).empty());
  CHECK(why_not_ready(with("metadata")) == "it is away");
  CHECK(why_not_ready(with("database")) == "it is away");
  CHECK_FALSE(why_not_ready({.status = HealthStatus::kFailed, .troubles = {}}).empty());
}

}  // namespace
}  // namespace imgimport
