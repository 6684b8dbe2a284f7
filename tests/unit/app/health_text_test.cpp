#include "app/health_text.hpp"

#include <catch2/catch.hpp>

#include "app/service_ports.hpp"

namespace imgimport {
namespace {

const Health kWithoutQueue{.status = HealthStatus::kDegraded, .troubles = {{"queue", "the broker is away"}}};

TEST_CASE("what a service says of itself is one sentence with its parts", "[app]") {
  CHECK(state_text(Health{}).empty());
  CHECK(state_text(kWithoutQueue) == "degraded: queue: the broker is away");
  CHECK(state_text(Health{.status = HealthStatus::kFailed, .troubles = {}}) == "failed");
  CHECK(state_text(R"({"status":"healthy","service":"import-service"})").empty());
  CHECK(state_text(R"({"status":"degraded","parts":{"metadata":"it is away","queue":"it refuses us"}})") ==
        "degraded: metadata: it is away; queue: it refuses us");
  CHECK(state_text(R"({"status":"odd: \u001b[2J"})").empty());
  CHECK(state_text("<html>").empty());
}

TEST_CASE("a state is told from the reason why nobody answers", "[app]") {
  CHECK(is_state_text("degraded: queue: the broker is away"));
  CHECK(is_state_text("failed"));
  CHECK_FALSE(is_state_text("the storage service does not answer"));
  CHECK_FALSE(is_state_text("failed to connect"));
}

TEST_CASE("in one process a service stands under its name, and what is no service under its own", "[app]") {
  Health combined;
  add_service(combined, Role::kStorage, Health{});
  CHECK(combined.status == HealthStatus::kHealthy);
  Health import = kWithoutQueue;
  import.troubles.push_back({"metadata", "the journal cannot be read"});
  add_service(combined, Role::kImport, import);
  CHECK(combined.status == HealthStatus::kDegraded);
  REQUIRE(combined.troubles.size() == 2);
  CHECK(combined.troubles[0].name == "import");
  CHECK(combined.troubles[0].trouble == "degraded: queue: the broker is away; metadata: the journal cannot be read");
  CHECK(combined.troubles[1].name == "queue");
}

}  // namespace
}  // namespace imgimport
