#include <catch2/catch.hpp>
#include <fstream>

#include "app/database_location.hpp"
#include "app/wiring.hpp"
#include "base/system_clock.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

std::string refusal(const Config& config, const RoleSet& roles = all_roles()) {
  const auto checked = check_start(config, roles);
  return checked.has_value() ? std::string() : checked.error().message() + " | " + checked.error().remedy();
}

TEST_CASE("the self-check refuses what a start would refuse", "[app]") {
  const TempDir dir;
  Config config;
  config.data_dir = dir.path() / "data";
  CHECK(refusal(config).empty());
  CHECK_FALSE(std::filesystem::exists(config.data_dir));

  Config drive = config;
  drive.drive.credentials_file = (dir.path() / "none.json").string();
  CHECK_THAT(refusal(drive), Catch::Contains("GOOGLE_APPLICATION_CREDENTIALS"));
  CHECK(refusal(drive, {Role::kStorage}).empty());

  Config tls = config;
  tls.server.tls_cert_file = dir.path() / "cert.pem";
  tls.server.tls_key_file = dir.path() / "key.pem";
  CHECK_THAT(refusal(tls), Catch::Contains("cert.pem") && Catch::Contains("TLS_CERT_FILE"));

  Config azure = config;
  azure.storage.provider = StorageProvider::kAzure;
  azure.storage.azure.connection_string = "garbage";
  CHECK_THAT(refusal(azure), Catch::Contains("AZURE_STORAGE_CONNECTION_STRING"));

  Config database = config;
  database.metadata.url = "postgresql://";
  CHECK_FALSE(refusal(database).empty());
}

TEST_CASE("the plan of a worker without a broker is refused, and that of a gateway names the web app's port", "[app]") {
  Config config;
  config.services.metadata_url = config.services.storage_url = config.services.import_url = "http://localhost:1";
  const auto worker = plan_text(config, {Role::kWorker});
  REQUIRE_FALSE(worker.has_value());
  CHECK_THAT(worker.error().remedy(), Catch::Contains("REDIS_URL"));
  const auto gateway = plan_text(config, {Role::kGateway});
  REQUIRE(gateway.has_value());
  CHECK_THAT(*gateway, Catch::Contains("web app   in this process, port 3000"));
}

TEST_CASE("a SQLite file of DATABASE_URL that cannot be opened is told with that setting", "[app]") {
  const TempDir dir;
  Config config;
  config.metadata.url = "sqlite:////" + (dir.path() / "none" / "x.db").string().substr(1);
  const SystemClock clock;
  const auto store = open_metadata_store(config, clock, {});
  REQUIRE_FALSE(store.has_value());
  CHECK_THAT(store.error().remedy(), Catch::Contains("DATABASE_URL") && !Catch::Contains("DATA_DIR"));
}

}  // namespace
}  // namespace imgimport
