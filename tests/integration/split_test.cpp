// Every service as a process of its own: whole imports, what a worker needs, and how a small job fares.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "split_scene.hpp"
#include "support/import_audit.hpp"
#include "support/postgres.hpp"
#include "support/radosgw.hpp"
#include "support/split_deployment.hpp"

using namespace imgimport;
using namespace imgimport::split;

TEST_CASE("five processes do what one does: import, look, verify, delete", "[split]") {
  Scene scene({.images = 300});
  SplitDeployment services(scene.data, scene.settings());
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  check_complete(gateway, scene, job);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  for (const std::string& name : services.names()) {
    CAPTURE(name);
    CHECK(gateway.get(services.service(name).url() + "/health").body.find("\"healthy\"") != std::string::npos);
    CHECK(gateway.get(services.service(name).url() + "/ready").status == 200);
  }

  const Reply page = gateway.get("/api/images?per_page=1");
  const auto& image = page.json.at("images").as_array().at(0).as_object();
  const std::string path = "/api/images/" + std::to_string(image.at("id").as_int64());
  const Reply content = gateway.get(path + "/content");
  CHECK(content.status == 200);
  CHECK(static_cast<std::int64_t>(content.body.size()) == image.at("size").as_int64());
  HttpHeaders range;
  range.set("Range", "bytes=10-19");
  const Reply part = gateway.request(HttpMethod::kGet, path + "/content", "", range);
  CHECK(part.status == 206);
  CHECK(part.body == content.body.substr(10, 10));

  const Reply verified = gateway.post("/api/import/" + job + "/verify");
  CHECK(verified.status == 200);
  CHECK(verified.json.at("ok").to_number<std::int64_t>() == 300);

  CHECK(gateway.request(HttpMethod::kDelete, path).status == 200);
  CHECK(status_of(gateway, path) == 404);
  CHECK(audit_objects(scene.data, all_records(gateway)) == "");
  CHECK(count(gateway.get("/api/stats").json.as_object(), "total_images") == 299);
  for (const std::string& name : services.names()) {
    CAPTURE(name);
    CHECK(services.service(name).stop() == 0);
  }
}

TEST_CASE("split services with PostgreSQL and S3: no credential but with storage, and no byte through it", "[split]") {
  Scene scene({.images = 300});
  const PostgresDatabase database;
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("split");
  Settings settings = scene.settings();
  settings["DATABASE_URL"] = PostgresServer::shared().url(database.name());
  for (const auto& [name, value] : s3.settings("split")) settings[name] = value;
  SplitDeployment services(scene.data, settings, 2);
  ServerProcess& gateway = services.gateway();
  const std::string job = gateway.import_folder(scene.link());
  check_complete(gateway, scene, job);
  const Reply verified = gateway.post("/api/import/" + job + "/verify");
  CHECK(verified.json.at("ok").to_number<std::int64_t>() == 300);
  CHECK_FALSE(std::filesystem::exists(scene.data / "objects"));
}

TEST_CASE("workers pull: a slow one takes less, and none is waited for", "[split]") {
  Scene scene({.images = 600, .latency = std::chrono::milliseconds(50)});
  SplitDeployment services(scene.data, scene.settings(), {.workers = 2, .place = [](const std::string& name) {
                                                            SplitDeployment::Place place;
                                                            if (name == "worker0")
                                                              place.settings = {{"WORKER_THREADS", "1"}};
                                                            return place;
                                                          }});
  const std::string job = services.gateway().import_folder(scene.link());
  check_complete(services.gateway(), scene, job);
  const auto share = [&](const std::string& worker) {
    HttpHeaders token;
    token.set("Authorization", "Bearer the-services-own-token");
    const std::string text = services.service(worker).request(HttpMethod::kGet, "/metrics", "", token).body;
    const std::string name = "\nimgimport_images_imported_total ";
    const std::size_t at = text.find(name);
    REQUIRE(at != std::string::npos);
    return std::stoll(text.substr(at + name.size()));
  };
  const auto slow = share("worker0");
  const auto fast = share("worker1");
  CHECK(slow + fast == 600);
  CHECK(slow > 0);
  CHECK(slow < fast / 2);
}
