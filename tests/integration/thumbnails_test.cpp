// Thumbnails through the gateway, whatever the store and however the services are spread.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "emulators/drive/drive_emulator.hpp"
#include "emulators/drive/folder_source.hpp"
#include "support/azurite.hpp"
#include "support/import_audit.hpp"
#include "support/pictures.hpp"
#include "support/radosgw.hpp"
#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/split_deployment.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

namespace fs = std::filesystem;
using Settings = std::map<std::string, std::string>;

// One picture of each format, and one that is none.
struct Scene {
  TempDir dir;
  fs::path data = dir.path() / "data";
  DriveEmulator drive;
  std::string folder;

  Scene() {
    const fs::path album = dir.path() / "album";
    fs::create_directory(album);
    const auto add = [&](const std::string& name, const std::string& bytes) {
      std::ofstream(album / name, std::ios::binary) << bytes;
    };
    for (const char* type : {"jpg", "png", "webp", "tif", "gif", "heic", "avif"}) {
      add(std::string("picture.") + type, encoded(flag(600, 400), type));
    }
    add("drawing.svg", R"(<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>)");
    folder = emulator::add_folder_from_disk(drive.tree(), drive.root_id(), album.string()).value();
    REQUIRE(drive.start().has_value());
  }
  std::string link() const { return DriveEmulator::folder_link(folder); }
};

std::string thumbnail_of(const boost::json::value& image, const std::string& query = "?w=160") {
  return "/api/images/" + std::to_string(image.at("id").to_number<std::int64_t>()) + "/thumbnail" + query;
}

boost::json::value named(const boost::json::array& images, std::string_view name) {
  for (const boost::json::value& image : images) {
    if (image.at("name").as_string() == name) return image;
  }
  return {};
}

boost::json::array images_of(ServerProcess& gateway) {
  return gateway.get("/api/images?per_page=100").json.at("images").as_array();
}

void check_thumbnails(ServerProcess& gateway, const Scene& scene) {
  gateway.wait_for_job(gateway.import_folder(scene.link()));
  const auto images = images_of(gateway);
  REQUIRE(images.size() == 8);
  for (const boost::json::value& image : images) {
    INFO(image.at("name").as_string().c_str());
    if (image.at("name").as_string().ends_with("svg")) {
      const Reply refused = gateway.get(thumbnail_of(image));
      CHECK(refused.status == 422);
      CHECK(refused.json.at("code").as_string() == "thumbnail_unsupported");
      continue;
    }
    const Reply made = gateway.get(thumbnail_of(image));
    REQUIRE(made.status == 200);
    CHECK(made.headers.find("Content-Type") == "image/webp");
    const Raster picture = decoded(made.body);
    CHECK(picture.width == 160);
    CHECK(looks_like(picture.at(40, 60), {200, 0, 0}));
    const Reply kept = gateway.get(thumbnail_of(image));
    CHECK(kept.body == made.body);
    HttpHeaders condition;
    condition.set("If-None-Match", std::string(made.headers.find("ETag").value_or("")));
    CHECK(gateway.request(HttpMethod::kGet, thumbnail_of(image), "", condition).status == 304);
    const Reply head = gateway.request(HttpMethod::kHead, thumbnail_of(image));
    CHECK(head.status == 200);
    CHECK(head.body.empty());
  }
  const boost::json::value first = named(images, "picture.jpg");
  const std::string record = "/api/images/" + std::to_string(first.at("id").to_number<std::int64_t>());
  CHECK(gateway.request(HttpMethod::kDelete, record).status == 200);
  CHECK(gateway.get(thumbnail_of(first)).status == 404);
}

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("one process makes thumbnails of every format, and keeps none of what is deleted", "[thumbnails]") {
  Scene scene;
  ServerProcess server(scene.data, settings_for(scene.drive));
  check_thumbnails(server, scene);
  CHECK(files_in(scene.data / "cache") == 7);
  CHECK(server.get("/metrics").body.find("imgimport_thumbnails_total{outcome=\"made\"} 7") != std::string::npos);
  CHECK(server.stop() == 0);
}

TEST_CASE("thumbnails of what lies in S3 and in Azure", "[thumbnails]") {
  const Radosgw& s3 = Radosgw::shared();
  s3.create_bucket("thumbnails");
  const Azurite& azure = Azurite::shared();
  for (Settings store : {s3.settings("thumbnails"), azure.settings(Azurite::fresh_container())}) {
    CAPTURE(store["STORAGE_PROVIDER"]);
    Scene scene;
    for (const auto& [name, value] : settings_for(scene.drive)) store[name] = value;
    ServerProcess server(scene.data, store);
    check_thumbnails(server, scene);
  }
}

TEST_CASE("split services: the storage service makes them, the gateway gives them out, and says when it is away",
          "[thumbnails][split]") {
  Scene scene;
  const RedisServer redis;
  Settings settings = settings_for(scene.drive);
  settings["REDIS_URL"] = redis.url();
  SplitDeployment services(scene.data, settings);
  ServerProcess& gateway = services.gateway();
  check_thumbnails(gateway, scene);
  const boost::json::value photo = named(images_of(gateway), "picture.webp");
  services.kill("storage");
  const Reply away = gateway.get(thumbnail_of(photo, "?w=640"));
  CHECK(away.status == 503);
  CHECK_FALSE(away.json.at("remedy").as_string().empty());
  services.start("storage");
  // A breaker lets the first call through within a second or so.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int status = 0;
  while (status != 200 && std::chrono::steady_clock::now() < deadline) {
    status = gateway.get(thumbnail_of(photo, "?w=640")).status;
  }
  CHECK(status == 200);
}
