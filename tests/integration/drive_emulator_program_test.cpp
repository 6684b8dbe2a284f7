// What the program drive-emulator adds: folders of the disk, scenario files, the CONNECT proxy.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "emulators/drive/connect_proxy.hpp"
#include "emulators/drive/folder_source.hpp"
#include "emulators/drive/scenario.hpp"
#include "integration/drive_emulator_probe.hpp"

namespace imgimport::emulator {

using namespace probe;

TEST_CASE("a folder of the disk is served under the same ids at every start", "[emulator]") {
  const auto top = std::filesystem::temp_directory_path() / ("emulator-" + random_token(8));
  std::filesystem::create_directories(top / "inner" / ".hidden");
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(top / name, std::ios::binary) << bytes;
  };
  // A JPEG's beginning: EXIF with make and date, then a frame of 640 x 480.
  using namespace std::string_literals;
  const std::string exif = "Exif\0\0MM\0*\0\0\0\x08"s +
                           "\0\x03"
                           "\x01\x0F\0\x02\0\0\0\x04"
                           "ACM\0"
                           "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
                           "\x01\x32\0\x02\0\0\0\x14\0\0\0\x32"
                           "\0\0\0\0"s +
                           "2020:02:03 04:05:06\0"s;
  const std::string jpeg =
      "\xFF\xD8\xFF\xE1\0"s + static_cast<char>(exif.size() + 2) + exif + "\xFF\xC0\0\x11\x08\x01\xE0\x02\x80\x03rest"s;
  write("inner/photo.JPG", jpeg);
  write("inner/.hidden/no.jpg", "x");
  write("notes.txt", "text");
  write("empty.jpg", "");
  write("one byte.heic", "x");
  write("broken off.webp", "RIFF");

  DriveEmulator one;
  DriveEmulator two({.seed = 2});
  const auto root = add_folder_from_disk(one.tree(), one.root_id(), top.string());
  REQUIRE(root.has_value());
  const auto again = add_folder_from_disk(two.tree(), two.root_id(), top.string() + "/");
  CHECK(*again == *root);
  CHECK(one.tree().size() == 8);
  REQUIRE(one.start().has_value());
  const auto inner = list(one, {.q = in(*root) + " and mimeType='application/vnd.google-apps.folder'"});
  const auto files = list(one, {.q = in(std::string(inner.at("files").at(0).at("id").as_string())),
                                .more = "&fields=files(id,name,mimeType,imageMediaMetadata)"});
  const auto& photo = files.at("files").at(0);
  CHECK(photo.at("name").as_string() == "photo.JPG");
  CHECK(boost::json::serialize(photo.at("imageMediaMetadata")) ==
        R"({"width":640,"height":480,"rotation":1,"time":"2020:02:03 04:05:06","cameraMake":"ACM"})");
  CHECK((get(one, media(std::string(photo.at("id").as_string()))).body == jpeg));
  CHECK_FALSE(add_folder_from_disk(one.tree(), one.root_id(), (top / "missing").string()).has_value());
  std::filesystem::remove_all(top);
}

TEST_CASE("a scenario lays down a tree, faults and limits, or says what is wrong with it", "[emulator]") {
  DriveEmulator drive;
  const auto root = apply_scenario(drive, drive.root_id(), R"({
    "api_keys": ["another"], "quota_per_minute": 1000,
    "faults": [{"match": "get", "action": "notFound"}],
    "tree": [{"folder": "f", "pages": [1, 0], "children": [{"files": 2, "size": 10}, {"document": "d"}]},
             {"file": "a.png", "type": "png", "size": 99, "hashes": "md5", "id": "1chosen"},
             {"shortcut": "s", "target": "1chosen"}]})");
  REQUIRE(root.has_value());
  CHECK(drive.tree().size() == 7);
  REQUIRE(drive.start().has_value());
  CHECK(get(drive, "/drive/v3/files/1chosen?key=another").status == 404);
  CHECK(get(drive, "/drive/v3/files/1chosen?alt=media&key=another").body.starts_with("\x89PNG"));
  CHECK(drive.tree().find("1chosen")->hashes.sha256.empty());
  for (const char* wrong : {"[]", "{", R"({"tee":[]})", R"({"tree":[{"fodler":"x"}]})", R"({"faults":[{"when":1}]})"}) {
    INFO(wrong);
    CHECK_FALSE(apply_scenario(drive, drive.root_id(), wrong).has_value());
  }
}

TEST_CASE("every tunnel of the proxy leads to the emulator", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 12'000'000});
  REQUIRE(drive.start().has_value());
  ConnectProxy proxy(drive.port());
  const auto port = proxy.start(0);
  REQUIRE(port.has_value());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(*port));
    REQUIRE(clients.back()->send("CONNECT www.googleapis.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(clients.back()->receive_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  }
  const std::string bytes = bytes_of(drive, id);
  for (const auto& client : clients) {
    for (int round = 0; round < 2; ++round) CHECK((client->exchange(raw_get(media(id))).body == bytes));
  }
  CHECK(RawClient(*port).exchange(raw_get("/")).status == 405);
  proxy.stop();
  CHECK(clients.front()->wait_for_end() != RawEnd::kOpen);
}

}  // namespace imgimport::emulator
