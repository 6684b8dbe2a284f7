#include "app/listen_error.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

TEST_CASE("what keeps a port from opening is told with the setting that mends it", "[app]") {
  const auto remedy_of = [](const char* reason) {
    const Error error = naming_the_setting(
        Error(ErrorCode::kMisconfigured, "it cannot be").with_reason(reason).with_remedy("Do it."), "GATEWAY_PORT");
    CHECK(error.message() == "it cannot be");
    CHECK(error.reason() == reason);
    return error.remedy();
  };
  CHECK_THAT(remedy_of("port_in_use"), Catch::Contains("GATEWAY_PORT"));
  CHECK_THAT(remedy_of("permission"), Catch::Contains("GATEWAY_PORT"));
  CHECK_THAT(remedy_of("address_not_available"), Catch::Contains("LISTEN_ADDRESS"));
  CHECK_THAT(remedy_of("tls_certificate"), Catch::Contains("TLS_CERT_FILE"));
  CHECK_THAT(remedy_of("tls_key"), Catch::Contains("TLS_KEY_FILE"));
  CHECK_THAT(remedy_of("tls_mismatch"), Catch::Contains("TLS_CERT_FILE") && Catch::Contains("TLS_KEY_FILE"));
  CHECK(remedy_of("another") == "Do it.");
}

TEST_CASE("the setting of a port is PORT where that rules, else the module's own", "[app]") {
  ServerConfig server;
  CHECK(port_variable(server, Role::kGateway, {Role::kGateway}) == "GATEWAY_PORT");
  server.port = 25'000;
  CHECK(port_variable(server, Role::kGateway, {Role::kGateway}) == "PORT");
  CHECK(port_variable(server, Role::kWorker, all_roles()) == "WORKER_PORT");
}

}  // namespace
}  // namespace imgimport
