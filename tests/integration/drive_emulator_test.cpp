// The emulator as a client sees it: whoever trusts its faults must know that it is right without them.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "emulators/drive/nasty_tree.hpp"
#include "integration/drive_emulator_probe.hpp"

namespace imgimport::emulator {

using namespace probe;

TEST_CASE("the emulator lists a folder page by page, empty and short pages among them", "[emulator]") {
  DriveEmulator drive;
  const std::string folder = drive.tree().add_folder(drive.root_id(), "paged", {.page_layout = {3, 0, 2, 0}});
  drive.tree().add_files(folder, {.count = 12, .size = 100});
  REQUIRE(drive.start().has_value());

  std::vector<std::size_t> pages;
  std::set<std::string> seen;
  std::string token;
  do {
    const auto page = list(
        drive, {.q = in(folder), .more = "&pageSize=5" + (token.empty() ? "" : "&pageToken=" + percent_encode(token))});
    CHECK_FALSE(page.at("incompleteSearch").as_bool());
    pages.push_back(page.at("files").as_array().size());
    for (const std::string& name : names_of(page)) CHECK(seen.insert(name).second);
    token = token_of(page);
  } while (!token.empty());
  CHECK(pages == std::vector<std::size_t>{3, 0, 2, 0, 5, 2});
  CHECK(seen.size() == 12);

  const RawResponse too_many = get(drive, keyed("/drive/v3/files?pageSize=1001"));
  CHECK(too_many.status == 400);
}

TEST_CASE("a page token is refused when it has expired or belongs to another query", "[emulator]") {
  DriveEmulator drive;
  drive.tree().add_files(drive.root_id(), {.count = 4, .size = 100});
  REQUIRE(drive.start().has_value());
  const std::string q = in(drive.root_id());
  const std::string token = percent_encode(token_of(list(drive, {.q = q, .more = "&pageSize=2"})));
  const std::string path = keyed("/drive/v3/files?pageSize=2&pageToken=" + token) + "&q=";
  CHECK(get(drive, path + percent_encode(q)).status == 200);
  CHECK(get(drive, path + percent_encode(q + " and trashed=false")).status == 400);
  drive.service().expire_page_tokens();
  const RawResponse refused = get(drive, path + percent_encode(q));
  CHECK(refused.status == 400);
  CHECK(boost::json::parse(refused.body).at("error").at("errors").at(0).at("location").as_string() == "pageToken");
}

TEST_CASE("the search language finds what it says", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string root = tree.add_folder(drive.root_id(), "root");
  const std::string inner = tree.add_folder(root, "inner folder");
  tree.add_file(root, "a.jpg", {.size = 10, .modified = Timestamp(std::chrono::milliseconds(1'600'000'000'000))});
  tree.add_file(root, "b's \\ picture.png", {.type = ContentType::kPng, .size = 10});
  tree.add_file(root, "gone.jpg", {.size = 10, .trashed = true});
  tree.add_file(inner, "deep.jpg", {.size = 10});
  tree.add_document(root, "letter");
  REQUIRE(drive.start().has_value());
  using Names = std::vector<std::string>;

  CHECK(find(drive, in(root) + " and trashed=false") == Names{"inner folder", "a.jpg", "b's \\ picture.png", "letter"});
  CHECK(find(drive, in(root) + " and trashed = true") == Names{"gone.jpg"});
  CHECK(find(drive, in(root) + " and not trashed=true and mimeType contains 'image/'") ==
        Names{"a.jpg", "b's \\ picture.png"});
  CHECK(find(drive, in(root) + " and (mimeType='application/vnd.google-apps.folder' or mimeType = 'image/png')") ==
        Names{"inner folder", "b's \\ picture.png"});
  CHECK(find(drive, in(root) + " and mimeType != 'image/jpeg' and name contains 'inn'") == Names{"inner folder"});
  CHECK(find(drive, in(root) + " and name = 'b\\'s \\\\ picture.png'") == Names{"b's \\ picture.png"});
  CHECK(find(drive, in(root) + " and modifiedTime < '2020-10-01T00:00:00'") == Names{"a.jpg"});
  CHECK(find(drive, in(root) + " and modifiedTime >= '2020-09-13T12:26:40Z' and name='a.jpg'") == Names{"a.jpg"});
  CHECK(find(drive, in("1NoSuchFolder")).empty());
  CHECK(find(drive, in(root) + " or " + in(inner)).empty());  // as Google does at times
  CHECK(find(drive, in(inner)) == Names{"deep.jpg"});
  for (const char* wrong :
       {"name", "name ~ 'x'", "'x' in parent", "trashed='yes'", "(name='x'", "name='x", "size > '3'"}) {
    INFO(wrong);
    CHECK(get(drive, keyed("/drive/v3/files?q=" + percent_encode(wrong))).status == 400);
  }
}

TEST_CASE("an answer holds the fields that were asked for and no others", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "photo.jpg",
                                               {.size = 1234,
                                                .image = ImageMetadata{.width = 40,
                                                                       .height = 30,
                                                                       .rotation = 1,
                                                                       .time = "2021:06:05 12:00:00",
                                                                       .camera_model = "X100",
                                                                       .latitude = 47.5,
                                                                       .longitude = 8.5}});
  REQUIRE(drive.start().has_value());
  const auto read = [&](const std::string& fields) {
    const RawResponse reply = get(drive, keyed("/drive/v3/files/" + id + fields));
    REQUIRE(reply.status == 200);
    return boost::json::parse(reply.body).as_object();
  };
  const auto plain = read("");
  CHECK(plain.size() == 4);
  CHECK(plain.at("kind").as_string() == "drive#file");
  CHECK(plain.at("mimeType").as_string() == "image/jpeg");

  const auto some = read("?fields=id,size,capabilities/canDownload,imageMediaMetadata(width,location(latitude))");
  CHECK(boost::json::serialize(some) ==
        R"({"id":")" + id + R"(","size":"1234","imageMediaMetadata":{"width":40,"location":{"latitude":4.75E1}},)" +
            R"("capabilities":{"canDownload":true}})");
  const auto all = read("?fields=*");
  CHECK(all.at("sha256Checksum").as_string() == drive.tree().find(id)->content->hashes().sha256);
  CHECK(all.at("imageMediaMetadata").at("time").as_string() == "2021:06:05 12:00:00");
  CHECK(all.contains("headRevisionId"));
  CHECK(get(drive, keyed("/drive/v3/files/" + id + "?fields=id,colour")).status == 400);

  const auto page = list(drive, {.q = in(drive.root_id()), .more = "&fields=files(id,md5Checksum)"});
  CHECK(page.as_object().size() == 1);
  CHECK(page.at("files").at(0).as_object().size() == 2);
}

TEST_CASE("a download gives the bytes whose hashes were told, whole or in part", "[emulator]") {
  DriveEmulator drive;
  const auto size = GENERATE(as<std::uint64_t>{}, 1, 40, 65'536, 3'000'000);
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = size});
  REQUIRE(drive.start().has_value());
  const std::string bytes = bytes_of(drive, id);
  CHECK(bytes_content(bytes)->hashes() == drive.tree().find(id)->hashes);

  const RawResponse whole = get(drive, media(id));
  CHECK(whole.status == 200);
  CHECK(whole.header("Content-Length") == std::to_string(size));
  CHECK(whole.header("Content-Type") == "image/jpeg");
  CHECK((whole.body == bytes));
  if (size > 40) {
    const RawResponse part = get(drive, media(id), "Range: bytes=20-29\r\n");
    CHECK(part.status == 206);
    CHECK(part.header("Content-Range") == "bytes 20-29/" + std::to_string(size));
    CHECK((part.body == bytes.substr(20, 10)));
    const RawResponse rest = get(drive, media(id), "Range: bytes=41-\r\n");
    CHECK((rest.body == bytes.substr(41)));
    const RawResponse tail = get(drive, media(id), "Range: bytes=-5\r\n");
    CHECK((tail.body == bytes.substr(size - 5)));
    CHECK(drive.counters().file(id).partial == 3);
  }
  const RawResponse beyond = get(drive, media(id), "Range: bytes=" + std::to_string(size) + "-\r\n");
  CHECK(beyond.status == 416);
  CHECK(reason_of(beyond) == "requestedRangeNotSatisfiable");
  CHECK(drive.counters().file(id).full == 1);
}

TEST_CASE("synthetic files differ from each other and are the same in every run", "[emulator]") {
  DriveTree one(5);
  DriveTree two(5);
  const ManyFiles many{.count = 300, .size = 1024};
  const auto ids = one.add_files(one.root_id(), many);
  CHECK(ids == two.add_files(two.root_id(), many));
  std::set<std::string> hashes;
  for (const std::string& id : ids) {
    hashes.insert(one.find(id)->hashes.sha256);
    CHECK(one.find(id)->hashes == two.find(id)->hashes);
  }
  CHECK(hashes.size() == ids.size());
}

TEST_CASE("what cannot be downloaded is refused as Drive refuses it", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string document = tree.add_document(drive.root_id(), "letter");
  const std::string locked = tree.add_file(drive.root_id(), "locked.jpg", {.size = 10, .can_download = false});
  const std::string abusive = tree.add_file(drive.root_id(), "bad.jpg", {.size = 10, .abusive = true});
  const std::string plain = tree.add_file(drive.root_id(), "plain.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  CHECK(reason_of(get(drive, media(document))) == "fileNotDownloadable");
  CHECK(reason_of(get(drive, media(locked))) == "cannotDownloadFile");
  CHECK(reason_of(get(drive, media(abusive))) == "cannotDownloadAbusiveFile");
  CHECK(get(drive, media(abusive) + "&acknowledgeAbuse=true").status == 200);
  CHECK(reason_of(get(drive, media(plain) + "&acknowledgeAbuse=true")) == "invalidAbuseAcknowledgment");
  const RawResponse missing = get(drive, media("1Missing"));
  CHECK(missing.status == 404);
  CHECK(reason_of(missing) == "notFound");
}

TEST_CASE("shared drives and resource keys open only to whoever asks rightly", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string shared = tree.add_shared_drive("team", {.emails = {"member@example.com"}});
  const std::string shown = tree.add_folder(shared, "shown");
  const std::string in_shared = tree.add_file(shown, "team.jpg", {.size = 10});
  tree.set_audience(shown, {.anyone = true});
  const std::string keyed_folder = tree.add_folder(drive.root_id(), "old", {.resource_key = "0-key"});
  tree.add_file(keyed_folder, "old.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());

  CHECK(get(drive, keyed("/drive/v3/files/" + in_shared)).status == 404);
  CHECK(get(drive, keyed("/drive/v3/files/" + in_shared + "?supportsAllDrives=true")).status == 200);
  CHECK(find(drive, in(shown)).empty());
  const std::string all = "&supportsAllDrives=true&includeItemsFromAllDrives=true";
  CHECK(names_of(list(drive, {.q = in(shown), .more = all})).size() == 1);
  CHECK(get(drive, keyed("/drive/v3/files?corpora=drive" + all)).status == 400);

  // Members may name the drive; whoever was given a folder of it may not.
  const std::string in_drive = all + "&corpora=drive&driveId=" + shared;
  const RawResponse refused = get(drive, keyed("/drive/v3/files?q=" + percent_encode(in(shown)) + in_drive));
  CHECK(refused.status == 404);
  CHECK(reason_of(refused) == "notFound");
  CHECK_THAT(refused.body, Catch::Contains("Shared drive not found: " + shared) && Catch::Contains("\"driveId\""));
  CHECK(get(drive, keyed("/drive/v3/drives/" + shared)).status == 404);
  const std::string member = "Authorization: Bearer " + drive.access().issue_token("member@example.com") + "\r\n";
  tree.set_audience(shown, {.anyone = true, .emails = {"member@example.com"}});
  CHECK(get(drive, "/drive/v3/files?q=" + percent_encode(in(shown)) + in_drive, member).status == 200);
  CHECK(get(drive, "/drive/v3/drives/" + shared, member).status == 200);

  const std::string key = "X-Goog-Drive-Resource-Keys: 1abc/other," + keyed_folder + "/0-key\r\n";
  CHECK(get(drive, keyed("/drive/v3/files/" + keyed_folder)).status == 404);
  CHECK(get(drive, keyed("/drive/v3/files/" + keyed_folder), key).status == 200);
  CHECK(find(drive, in(keyed_folder)).empty());
  CHECK(names_of(list(drive, {.q = in(keyed_folder), .headers = key})).size() == 1);
}

TEST_CASE("the nasty tree can be walked, and holds what it says", "[emulator]") {
  DriveEmulator drive;
  const NastyTree nasty = build_nasty_tree(drive, {.quota_exhausted = 2});
  REQUIRE(drive.start().has_value());
  CHECK(nasty.candidates() == 2302);
  CHECK(nasty.count(Outcome::kDeferred) == 2);

  // What a careful importer finds: every folder once, shortcuts followed, page after page.
  std::set<std::string> found;
  std::set<std::string> folders;
  std::vector<std::pair<std::string, std::string>> open{{nasty.root, ""}};
  bool empty_page = false;
  while (!open.empty()) {
    const auto [folder, key] = open.back();
    open.pop_back();
    if (!folders.insert(folder).second) continue;
    std::string token;
    do {
      const auto page =
          list(drive, {.q = in(folder) + " and trashed=false",
                       .more = "&pageSize=1000&fields=nextPageToken,files(id,mimeType,resourceKey,shortcutDetails)" +
                               (token.empty() ? "" : "&pageToken=" + percent_encode(token)),
                       .headers = "X-Goog-Drive-Resource-Keys: " + folder + "/" + key + "\r\n"});
      token = token_of(page);
      empty_page = empty_page || (page.at("files").as_array().empty() && !token.empty());
      for (const auto& file : page.at("files").as_array()) {
        const std::string id(file.at("id").as_string());
        const auto* shortcut = file.as_object().if_contains("shortcutDetails");
        const std::string mime(shortcut ? shortcut->at("targetMimeType").as_string() : file.at("mimeType").as_string());
        const std::string target(shortcut ? shortcut->at("targetId").as_string() : file.at("id").as_string());
        const auto* own_key = file.as_object().if_contains("resourceKey");
        if (mime == kFolderMime) {
          open.emplace_back(target, own_key ? std::string(own_key->as_string()) : std::string());
        } else {
          found.insert(drive.tree().find(target) ? target : id);
        }
      }
    } while (!token.empty());
  }
  CHECK(empty_page);
  std::set<std::string> expected;
  for (const auto& [id, file] : nasty.files) {
    if (file.outcome != Outcome::kNotListed) expected.insert(id);
  }
  CHECK(found == expected);
}

}  // namespace imgimport::emulator
