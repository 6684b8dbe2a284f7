// Whole imports into Azure Blob Storage: Azurite, and a fake for what it cannot be made to do.
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "cloud_import.hpp"
#include "support/azurite.hpp"
#include "support/bucket_audit.hpp"
#include "support/http_imposter.hpp"

using namespace imgimport;
using namespace imgimport::cloud;
using emulator::RequestKind;

TEST_CASE("1,000 images arrive in Azure, each by one request, and verify finds them all") {
  const Azurite& azure = Azurite::shared();
  const std::string container = Azurite::fresh_container();
  Album album({.count = 1'000, .size = 20'000});
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), azure.settings(container)));
  const std::string job = server.import_folder(album.link());
  const auto status = server.wait_for_job(job);
  CHECK(status.at("status").as_string() == "completed");
  CHECK(count(status, "imported_count") == 1'000);
  const auto records = all_records(server);
  CHECK(audit_against_source(album.drive.tree(), records) == "");

  // The container is made when the first images find none: they are sent again, and the rest once.
  const auto requests = azure.requests();
  const std::int64_t refused = std::count_if(requests.begin(), requests.end(), [&](const std::string& line) {
    return line.find(container + "/") != std::string::npos && line.ends_with("404");
  });
  CHECK(requests_with(requests, "PUT /devstoreaccount1/" + container + "/") == 1'000 + refused);
  CHECK(refused <= 150);
  CHECK(requests_with(requests, "HEAD /devstoreaccount1/" + container + "/") == 0);
  CHECK(audit_bucket(container_contents(azure, container), records) == "");

  const Reply report = server.post("/api/import/" + job + "/verify");
  INFO(report.body);
  REQUIRE(report.status == 200);
  CHECK(count(report.json.as_object(), "ok") == 1'000);
  const Reply redirect = server.get("/api/images/1/content?redirect=1");
  CHECK(redirect.status == 302);
  CHECK(server.get("/api/images/1/content").body.size() == 20'000);
  CHECK(server.request(HttpMethod::kDelete, "/api/images/1").status == 200);
  CHECK(audit_bucket(container_contents(azure, container), all_records(server)) == "");
}

TEST_CASE("a byte flipped on the way to Azure is refused, and the image arrives on the next try") {
  const Azurite& azure = Azurite::shared();
  const std::string container = Azurite::fresh_container();
  Album album({.count = 60, .size = 20'000});
  emulator::FaultRule flip;
  flip.match = RequestKind::kDownload;
  flip.action = emulator::FaultAction::kFlipByte;
  flip.at = 10'000;  // behind what tells that it is an image
  flip.per_file = true;
  flip.first = 1;
  album.drive.faults().add(flip);
  REQUIRE(album.drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(album.drive), azure.settings(container)));
  const auto status = server.wait_for_job(server.import_folder(album.link()));
  CHECK(count(status, "imported_count") == 60);
  const auto records = all_records(server);
  for (const auto& [id, image] : records) CHECK(image.verified);
  CHECK(audit_bucket(container_contents(azure, container), records) == "");
}

TEST_CASE("a wrong key stops an import into Azure, with the remedy in words") {
  Settings settings = Azurite::shared().settings(Azurite::fresh_container());
  std::string& connection = settings.at("AZURE_STORAGE_CONNECTION_STRING");
  connection.replace(connection.find("Eby8"), 4, "AAAA");
  const auto status = import_that_stops(settings);
  CHECK_THAT(text(status.at("remedy")), Catch::Contains("AZURE_STORAGE_CONNECTION_STRING"));
}

TEST_CASE("a name that no container can have is refused at the start") {
  const TempDir dir;
  CHECK_THROWS_WITH(ServerProcess(dir.path() / "data", Azurite::shared().settings("no")),
                    Catch::Contains("AZURE_STORAGE_CONTAINER_NAME"));
}
