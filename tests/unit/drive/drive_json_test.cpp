#include "drive/drive_json.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"

namespace imgimport {
namespace {

const std::string kPhoto = R"({
  "id":"1photo","name":"IMG/../1.JPG","mimeType":"image/jpeg","size":"5000000000",
  "md5Checksum":"900150983CD24FB0D6963F7D28E17F72","sha1Checksum":"a9993e364706816aba3e25717850c26c9cd0d89d",
  "sha256Checksum":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "headRevisionId":"0BwR","modifiedTime":"2024-05-06T07:08:09.123Z","resourceKey":"0-rk",
  "capabilities":{"canDownload":false},"trashed":false,"unknownField":{"x":[1]},
  "imageMediaMetadata":{"width":4000,"height":3000,"rotation":1,"time":"2023:12:31 23:59:58","cameraMake":"NIKON CORPORATION",
    "cameraModel":"NIKON D90","location":{"latitude":-33.5,"longitude":151.25,"altitude":3}}})";

std::string page_of(const std::string& files) {
  return R"({"files":[)" + files + "]}";
}

SourceEntry only_entry(const std::string& file) {
  const auto page = parse_drive_page(page_of(file));
  if (!page.has_value()) FAIL(page.error().message());
  REQUIRE(page->entries.size() == 1);
  return page->entries.front();
}

TEST_CASE("a photograph's resource is read in full", "[drive]") {
  const SourceEntry entry = only_entry(kPhoto);
  CHECK(entry.kind == EntryKind::kFile);
  const SourceFile& file = entry.file;
  CHECK(file.id.value() == "1photo");
  CHECK(file.name == "IMG/../1.JPG");
  CHECK(file.mime_type == "image/jpeg");
  CHECK(file.size == 5'000'000'000u);
  CHECK(file.hashes.md5 == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(file.hashes.sha1.size() == 40);
  CHECK(file.hashes.sha256.size() == 64);
  CHECK(file.head_revision == "0BwR");
  CHECK(file.resource_key == "0-rk");
  CHECK(file.modified_at == from_rfc3339("2024-05-06T07:08:09.123Z"));
  CHECK_FALSE(file.can_download);
  CHECK(file.image.width == 3000);
  CHECK(file.image.height == 4000);
  CHECK(file.image.taken_at == "2023-12-31T23:59:58");
  CHECK(file.image.camera == "NIKON D90");
  CHECK(file.image.latitude == -33.5);
  CHECK(file.image.longitude == 151.25);
}

TEST_CASE("what a resource does not say, or says wrongly, is not known", "[drive]") {
  const SourceEntry entry = only_entry(
      R"({"id":"1","name":null,"mimeType":"image/png","size":"-3","md5Checksum":"zz","sha256Checksum":"abc","modifiedTime":"x",
      "imageMediaMetadata":{"width":0,"height":-2,"rotation":"1","time":5,"location":{"latitude":91,"longitude":0}},
      "capabilities":null,"trashed":null})");
  CHECK(entry.file.name.empty());
  CHECK_FALSE(entry.file.size.has_value());
  CHECK(entry.file.hashes == ContentHashes{});
  CHECK_FALSE(entry.file.modified_at.has_value());
  CHECK(entry.file.can_download);
  CHECK_FALSE(entry.file.image.width.has_value());
  CHECK_FALSE(entry.file.image.height.has_value());
  CHECK(entry.file.image.taken_at.empty());
  CHECK_FALSE(entry.file.image.latitude.has_value());
  CHECK_FALSE(entry.file.image.longitude.has_value());
  CHECK(only_entry(R"({"id":"1","size":77})").file.size == 77u);
}

TEST_CASE("folders and shortcuts are told from files", "[drive]") {
  const SourceEntry folder = only_entry(
      R"({"id":"1f","name":"Album","mimeType":"application/vnd.google-apps.folder","resourceKey":"0-k","driveId":"0Adrive"})");
  CHECK(folder.kind == EntryKind::kFolder);
  CHECK(folder.folder.id.value() == "1f");
  CHECK(folder.folder.name == "Album");
  CHECK(folder.folder.resource_key == "0-k");
  CHECK(folder.folder.shared_drive.value() == "0Adrive");

  const SourceEntry to_folder = only_entry(
      R"({"id":"1s","name":"link","mimeType":"application/vnd.google-apps.shortcut","driveId":"0Aother",
      "shortcutDetails":{"targetId":"1t","targetMimeType":"application/vnd.google-apps.folder","targetResourceKey":"0-t"}})");
  CHECK(to_folder.kind == EntryKind::kFolderShortcut);
  CHECK(to_folder.file.id.value() == "1s");
  CHECK(to_folder.folder.id.value() == "1t");
  CHECK(to_folder.folder.resource_key == "0-t");
  CHECK(to_folder.folder.shared_drive.value().empty());

  const SourceEntry to_file = only_entry(
      R"({"id":"1s","name":"link","mimeType":"application/vnd.google-apps.shortcut",
      "shortcutDetails":{"targetId":"1t","targetMimeType":"image/jpeg","targetResourceKey":"0-t"}})");
  CHECK(to_file.kind == EntryKind::kFileShortcut);
  CHECK(to_file.file.name == "link");
  CHECK(to_file.target.id.value() == "1t");
  CHECK(to_file.target.resource_key == "0-t");

  const SourceEntry dangling = only_entry(R"({"id":"1s","mimeType":"application/vnd.google-apps.shortcut"})");
  CHECK(dangling.kind == EntryKind::kFileShortcut);
  CHECK(dangling.target.id.value().empty());
}

TEST_CASE("a page has its token, its warning, and no trash; it may be empty", "[drive]") {
  const auto page = parse_drive_page(
      R"({"nextPageToken":"t~1","incompleteSearch":true,"files":[{"id":"1","trashed":true},{"id":"2"}]})");
  REQUIRE(page.has_value());
  CHECK(page->next_page_token == "t~1");
  CHECK(page->incomplete);
  REQUIRE(page->entries.size() == 1);
  CHECK(page->entries[0].file.id.value() == "2");

  const auto empty = parse_drive_page(R"({"nextPageToken":"more","files":[]})");
  CHECK(empty->entries.empty());
  CHECK(empty->next_page_token == "more");
  CHECK_FALSE(parse_drive_page(R"({"files":[],"nextPageToken":""})")->next_page_token.has_value());
}

TEST_CASE("a malformed answer is unavailable, not a crash", "[drive]") {
  const std::string text = GENERATE(values<std::string>(
      {"", "{", "null", "[]", "7", "<html></html>", "{}", R"({"files":{}})", R"({"files":[1]})", R"({"files":[null]})",
       R"({"files":[{}]})", R"({"files":[{"id":""}]})", R"({"files":[{"id":5}]})"}));
  CAPTURE(text);
  CHECK(parse_drive_page(text).error().code() == ErrorCode::kUnavailable);
  CHECK(parse_drive_page(text).error().reason() == "malformed_answer");
  CHECK(parse_drive_resource("[" + text).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("every truncation of a page is refused", "[drive]") {
  const std::string whole = page_of(kPhoto);
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK_FALSE(parse_drive_page(whole.substr(0, i)).has_value());
}

TEST_CASE("names that are no proper Unicode cost the name's characters, not the page", "[drive]") {
  CHECK(only_entry(R"({"id":"1","name":"a\ud83d\ude00b"})").file.name ==
        "a\xf0\x9f\x98\x80"
        "b");
  CHECK(only_entry(R"({"id":"1","name":"a\ud800b"})").file.name ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(only_entry(R"({"id":"1","name":"\\ud800 \udc00\ud83d\ude00\ud83d"})").file.name ==
        "\\ud800 \xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd");
  CHECK(is_valid_utf8(only_entry("{\"id\":\"1\",\"name\":\"a\xff\xfe\"}").file.name));
}

TEST_CASE("EXIF times that are no dates are left out", "[drive]") {
  CHECK(exif_time_to_iso("2024:02:29 00:00:00") == "2024-02-29T00:00:00");
  for (const char* const bad :
       {"", "0000:00:00 00:00:00", "2023:02:29 00:00:00", "2024:13:01 00:00:00", "2024:01:01 24:00:00",
        "2024:01:01 00:60:00", "2024-01-01 00:00:00", "2024:01:01T00:00:00", "2024:01:01 00:00:0",
        "2024:01:01 00:00:00Z", "    :  :     :  :  "}) {
    CAPTURE(bad);
    CHECK(exif_time_to_iso(bad).empty());
  }
}

TEST_CASE("a camera's make is not said twice", "[drive]") {
  CHECK(camera_name("Canon", "Canon EOS 5D") == "Canon EOS 5D");
  CHECK(camera_name("Apple", "iPhone 12") == "Apple iPhone 12");
  CHECK(camera_name("EASTMAN KODAK COMPANY", "KODAK Z740") == "KODAK Z740");
  CHECK(camera_name("Canon", "") == "Canon");
  CHECK(camera_name("", "X100") == "X100");
  CHECK(camera_name(" SONY ", " ILCE-7 ") == "SONY ILCE-7");
  CHECK(camera_name("", "").empty());
}

}  // namespace
}  // namespace imgimport
