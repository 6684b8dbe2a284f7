// The emulator as a client sees it: whoever trusts its faults must know that it is right without them.
#include "emulators/drive/drive_emulator.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/text.hpp"
#include "emulators/drive/connect_proxy.hpp"
#include "emulators/drive/folder_source.hpp"
#include "emulators/drive/nasty_tree.hpp"
#include "emulators/drive/scenario.hpp"
#include "support/raw_http.hpp"

namespace imgimport::emulator {
namespace {

using imgimport::testing::raw_get;
using imgimport::testing::raw_post;
using imgimport::testing::RawClient;
using imgimport::testing::RawEnd;
using imgimport::testing::RawResponse;

RawResponse get(const DriveEmulator& drive, const std::string& path, const std::string& headers = {}) {
  return RawClient(drive.port()).exchange(raw_get(path, headers));
}

std::string keyed(const std::string& path) {
  return path + (path.find('?') == std::string::npos ? "?" : "&") + "key=" + DriveEmulator::api_key();
}

std::string media(const std::string& id) {
  return keyed("/drive/v3/files/" + id + "?alt=media");
}

struct ListCall {
  std::string q;
  std::string more;  // further parameters, with their &
  std::string headers;
};

boost::json::value list(const DriveEmulator& drive, const ListCall& call) {
  const RawResponse reply = get(drive, keyed("/drive/v3/files?q=" + percent_encode(call.q) + call.more), call.headers);
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  return boost::json::parse(reply.body);
}

std::string in(const std::string& folder) {
  return "'" + folder + "' in parents";
}

std::vector<std::string> names_of(const boost::json::value& page) {
  std::vector<std::string> names;
  for (const auto& file : page.at("files").as_array()) names.emplace_back(file.at("name").as_string());
  return names;
}

std::vector<std::string> find(const DriveEmulator& drive, const std::string& q) {
  return names_of(list(drive, {.q = q}));
}

std::string token_of(const boost::json::value& page) {
  const auto* token = page.as_object().if_contains("nextPageToken");
  return token ? std::string(token->as_string()) : std::string();
}

std::string reason_of(const RawResponse& reply) {
  return std::string(boost::json::parse(reply.body).at("error").at("errors").at(0).at("reason").as_string());
}

std::string bytes_of(DriveEmulator& drive, const std::string& id) {
  const auto item = drive.tree().find(id);
  return item->content->copy_string(0, item->content->size());
}

std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string sign(const std::string& text, const std::string& private_key_pem) {
  BIO* bio = BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(512, '\0');
  std::size_t length = signature.size();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  signature.resize(length);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return signature;
}

struct Claims {
  std::string issuer, audience, subject;
  std::string scope = "https://www.googleapis.com/auth/drive.readonly";
  std::int64_t lifetime = 3600;
};

std::string assertion(const Claims& claims, const std::string& account_json) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  boost::json::object payload{{"iss", claims.issuer},
                              {"aud", claims.audience},
                              {"scope", claims.scope},
                              {"iat", now.count()},
                              {"exp", now.count() + claims.lifetime}};
  if (!claims.subject.empty()) payload["sub"] = claims.subject;
  const std::string text =
      base64url(R"({"alg":"RS256","typ":"JWT"})") + "." + base64url(boost::json::serialize(payload));
  const boost::json::value account = boost::json::parse(account_json);
  return text + "." + base64url(sign(text, std::string(account.at("private_key").as_string())));
}

RawResponse ask_for_token(const DriveEmulator& drive, const std::string& jwt) {
  return RawClient(drive.port())
      .exchange(raw_post(
          "/token", "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") + "&assertion=" + jwt,
          "Content-Type: application/x-www-form-urlencoded\r\n"));
}

}  // namespace

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

TEST_CASE("credentials decide who sees what", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string secret = tree.add_folder(drive.root_id(), "private");
  const std::string inside = tree.add_file(secret, "mine.jpg", {.size = 10});
  tree.set_audience(secret, {.emails = {"robot@project.iam.gserviceaccount.com"}});
  const std::string open = tree.add_file(drive.root_id(), "open.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const auto bearer = [](const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; };

  const RawResponse none = get(drive, "/drive/v3/files/" + open);
  CHECK(none.status == 403);
  CHECK(reason_of(none) == "dailyLimitExceededUnreg");
  const RawResponse bad_key = get(drive, "/drive/v3/files/" + open + "?key=wrong");
  CHECK(bad_key.status == 400);
  CHECK(reason_of(bad_key) == "badRequest");
  const RawResponse bad_token = get(drive, "/drive/v3/files/" + open, bearer("wrong"));
  CHECK(bad_token.status == 401);
  CHECK(reason_of(bad_token) == "authError");

  CHECK(get(drive, keyed("/drive/v3/files/" + open)).status == 200);
  CHECK(get(drive, keyed("/drive/v3/files/" + inside)).status == 404);
  CHECK(find(drive, in(secret)).empty());

  const std::string token = drive.access().issue_token("robot@project.iam.gserviceaccount.com");
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(token)).status == 200);
  const std::string other = drive.access().issue_token("other@example.com");
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(other)).status == 404);
  CHECK(get(drive, "/drive/v3/files/" + open, bearer(other)).status == 200);
  drive.access().expire_access_tokens();
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(token)).status == 401);
}

TEST_CASE("a service account's assertion is checked before a token is given", "[emulator]") {
  DriveEmulator drive;
  REQUIRE(drive.start().has_value());
  const std::string email = "robot@project.iam.gserviceaccount.com";
  const std::string account = drive.access().add_service_account(email, drive.token_url());
  const Claims good{.issuer = email, .audience = drive.token_url()};

  const RawResponse given = ask_for_token(drive, assertion(good, account));
  INFO(given.body);
  REQUIRE(given.status == 200);
  const auto token = boost::json::parse(given.body);
  CHECK(token.at("token_type").as_string() == "Bearer");
  CHECK(token.at("expires_in").as_int64() == 3599);
  const std::string header = "Authorization: Bearer " + std::string(token.at("access_token").as_string()) + "\r\n";
  CHECK(get(drive, "/drive/v3/about?fields=*", header).status == 200);

  const auto refused = [&](Claims claims) { return ask_for_token(drive, assertion(claims, account)); };
  CHECK(refused({.issuer = "nobody@example.com", .audience = good.audience}).status == 400);
  CHECK(refused({.issuer = email, .audience = "https://example.com/token"}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .scope = "email"}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .lifetime = -1}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .lifetime = 7200}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .subject = "user@example.com"}).status == 401);
  drive.access().allow_impersonation(email, "user@example.com");
  CHECK(refused({.issuer = email, .audience = good.audience, .subject = "user@example.com"}).status == 200);

  std::string forged = assertion(good, account);
  forged[forged.size() - 20] = forged[forged.size() - 20] == 'A' ? 'B' : 'A';
  const RawResponse wrong = ask_for_token(drive, forged);
  CHECK(wrong.status == 400);
  CHECK(boost::json::parse(wrong.body).at("error").as_string() == "invalid_grant");
}

TEST_CASE("shared drives and resource keys open only to whoever asks rightly", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string shared = tree.add_shared_drive("team", {.anyone = true});
  const std::string in_shared = tree.add_file(shared, "team.jpg", {.size = 10});
  const std::string keyed_folder = tree.add_folder(drive.root_id(), "old", {.resource_key = "0-key"});
  tree.add_file(keyed_folder, "old.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());

  CHECK(get(drive, keyed("/drive/v3/files/" + in_shared)).status == 404);
  CHECK(get(drive, keyed("/drive/v3/files/" + in_shared + "?supportsAllDrives=true")).status == 200);
  CHECK(find(drive, in(shared)).empty());
  const std::string all = "&supportsAllDrives=true&includeItemsFromAllDrives=true";
  CHECK(names_of(list(drive, {.q = in(shared), .more = all})).size() == 1);
  CHECK(names_of(list(drive, {.q = in(shared), .more = all + "&corpora=drive&driveId=" + shared})).size() == 1);
  CHECK(get(drive, keyed("/drive/v3/files?corpora=drive" + all)).status == 400);
  CHECK(get(drive, keyed("/drive/v3/drives/" + shared)).status == 200);

  const std::string key = "X-Goog-Drive-Resource-Keys: 1abc/other," + keyed_folder + "/0-key\r\n";
  CHECK(get(drive, keyed("/drive/v3/files/" + keyed_folder)).status == 404);
  CHECK(get(drive, keyed("/drive/v3/files/" + keyed_folder), key).status == 200);
  CHECK(find(drive, in(keyed_folder)).empty());
  CHECK(names_of(list(drive, {.q = in(keyed_folder), .headers = key})).size() == 1);
}

TEST_CASE("faults hit the requests that their rules name", "[emulator]") {
  DriveEmulator drive;
  const auto ids = drive.tree().add_files(drive.root_id(), {.count = 3, .size = 1000});
  REQUIRE(drive.start().has_value());
  FaultBook& faults = drive.faults();
  const std::string bytes = bytes_of(drive, ids[0]);

  SECTION("a reason with Retry-After, for the first two requests of each file") {
    faults.add({.match = RequestKind::kDownload,
                .first = 2,
                .per_file = true,
                .action = FaultAction::kReason,
                .reason = "rateLimitExceeded",
                .status = 429,
                .retry_after_seconds = 7});
    for (const std::string& id : {ids[0], ids[1]}) {
      const RawResponse refused = get(drive, media(id));
      CHECK(refused.status == 429);
      CHECK(reason_of(refused) == "rateLimitExceeded");
      CHECK(refused.header("Retry-After") == "7");
      CHECK(get(drive, media(id)).status == 429);
      CHECK(get(drive, media(id)).status == 200);
    }
    CHECK(get(drive, keyed("/drive/v3/files/" + ids[2])).status == 200);
    CHECK(faults.taken().at("rateLimitExceeded") == 4);
    CHECK(drive.counters().file(ids[0]).requests == 3);
    CHECK(drive.counters().file(ids[0]).full == 1);
  }
  SECTION("by name, and each second time") {
    faults.add({.name_glob = "*000001.jpg", .every = 2, .action = FaultAction::kStatus, .status = 502});
    CHECK(get(drive, media(ids[0])).status == 200);
    CHECK(get(drive, media(ids[1])).status == 200);
    const RawResponse page = get(drive, media(ids[1]));
    CHECK(page.status == 502);
    CHECK(page.header("Content-Type").starts_with("text/html"));
    CHECK(get(drive, media(ids[1])).status == 200);
  }
  SECTION("pages and error documents with status 200") {
    faults.add({.file_id = ids[0], .action = FaultAction::kHtml200});
    faults.add({.file_id = ids[1], .action = FaultAction::kJson200});
    CHECK(get(drive, media(ids[0])).body.starts_with("<!DOCTYPE html>"));
    const RawResponse json = get(drive, media(ids[1]));
    CHECK(json.status == 200);
    CHECK(reason_of(json) == "downloadQuotaExceeded");
  }
  SECTION("a body that is cut off") {
    faults.add({.file_id = ids[0], .action = FaultAction::kTruncate, .at = 100});
    RawClient client(drive.port());
    const RawResponse cut = client.exchange(raw_get(media(ids[0])));
    CHECK(cut.status == 200);
    CHECK(cut.header("Content-Length") == "1000");
    CHECK_FALSE(cut.complete);
    CHECK((cut.body == bytes.substr(0, 100)));
    CHECK(drive.counters().file(ids[0]).full == 0);
  }
  SECTION("a short but well-formed body") {
    faults.add({.file_id = ids[0], .action = FaultAction::kShortBody, .at = 100});
    const RawResponse brief = get(drive, media(ids[0]));
    CHECK(brief.complete);
    CHECK(brief.body.size() == 100);
  }
  SECTION("a reset, in the middle and before the answer") {
    faults.add({.file_id = ids[0], .action = FaultAction::kReset, .at = 100});
    faults.add({.file_id = ids[1], .action = FaultAction::kDrop});
    RawClient middle(drive.port());
    const RawResponse broken = middle.exchange(raw_get(media(ids[0])));
    CHECK_FALSE(broken.complete);
    CHECK(middle.end() == RawEnd::kReset);
    RawClient before(drive.port());
    CHECK(before.exchange(raw_get(media(ids[1]))).status == 0);
    CHECK(before.end() == RawEnd::kReset);
  }
  SECTION("a byte that is another one, and contents that are") {
    faults.add({.file_id = ids[0], .action = FaultAction::kFlipByte, .at = 500});
    faults.add({.file_id = ids[1], .action = FaultAction::kWrongContent});
    std::string flipped = get(drive, media(ids[0])).body;
    REQUIRE(flipped.size() == bytes.size());
    CHECK(flipped[500] != bytes[500]);
    flipped[500] = bytes[500];
    CHECK((flipped == bytes));
    const std::string other = get(drive, media(ids[1])).body;
    CHECK((other != bytes_of(drive, ids[1])));
    CHECK(other.size() == 1000);
    CHECK((get(drive, media(ids[1])).body == other));
  }
  SECTION("a body that falls silent ends with the emulator") {
    faults.add({.file_id = ids[0], .action = FaultAction::kStall, .at = 10});
    RawClient client(drive.port());
    REQUIRE(client.send(raw_get(media(ids[0]))));
    CHECK(client.receive_until(bytes.substr(0, 10)).ends_with(bytes.substr(0, 10)));
    drive.stop();
    CHECK(client.wait_for_end() != RawEnd::kOpen);
  }
  SECTION("slow bodies and latency still end well") {
    faults.add({.match = RequestKind::kDownload, .latency = std::chrono::milliseconds(20), .bytes_per_second = 20'000});
    CHECK((get(drive, media(ids[0])).body == bytes));
  }
  SECTION("chance is the same in every run") {
    faults.fail(RequestKind::kDownload, "backendError", 0.4);
    FaultBook again;
    again.fail(RequestKind::kDownload, "backendError", 0.4);
    int failed = 0;
    for (int i = 0; i < 200; ++i) {
      const bool first = faults.decide(RequestKind::kDownload, "a", "a").action == FaultAction::kReason;
      CHECK(first == (again.decide(RequestKind::kDownload, "a", "a").action == FaultAction::kReason));
      failed += first ? 1 : 0;
    }
    CHECK(failed > 50);
    CHECK(failed < 110);
  }
}

TEST_CASE("tokens expire by rule, and a used-up quota refuses", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const std::string token = drive.access().issue_token("a@example.com");
  drive.faults().add({.match = RequestKind::kGet, .first = 1, .action = FaultAction::kExpireAccessTokens});
  const RawResponse refused = get(drive, "/drive/v3/files/" + id, "Authorization: Bearer " + token + "\r\n");
  CHECK(refused.status == 401);

  drive.faults().set_quota_per_minute(400);
  CHECK(get(drive, media(id)).status == 200);
  CHECK(get(drive, media(id)).status == 200);
  const RawResponse beyond = get(drive, keyed("/drive/v3/files/" + id));
  CHECK(beyond.status == 403);
  CHECK(reason_of(beyond) == "userRateLimitExceeded");
  const CounterValues counts = drive.counters().values();
  CHECK(counts.download == 2);
  CHECK(counts.get == 2);
  CHECK(counts.units == 410);
  CHECK(counts.statuses.at(403) == 1);
}

TEST_CASE("the emulator's own routes lay down rules and tell counts", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const auto post = [&](const std::string& path, const std::string& body) {
    return RawClient(drive.port()).exchange(raw_post(path, body)).status;
  };
  CHECK(post("/_emulator/faults", R"([{"match":"download","action":"backendError","first":1,"status":503}])") == 200);
  CHECK(post("/_emulator/faults", R"({"match":"upload"})") == 400);
  CHECK(post("/_emulator/faults", R"({"every":-1})") == 400);
  CHECK(post("/_emulator/faults", "{") == 400);
  CHECK(get(drive, media(id)).status == 503);
  CHECK(get(drive, media(id)).status == 200);
  const auto counts = boost::json::parse(get(drive, "/_emulator/counters?files=1").body);
  CHECK(counts.at("download").as_int64() == 2);
  CHECK(counts.at("faults").at("backendError").as_int64() == 1);
  CHECK(counts.at("files").at(id).at("full").as_int64() == 1);
  CHECK(post("/_emulator/settings", R"({"quota_per_minute":1})") == 200);
  CHECK(get(drive, media(id)).status == 403);
  CHECK(post("/_emulator/reset", "") == 200);
  CHECK(get(drive, media(id)).status == 200);
  const auto manifest = boost::json::parse(get(drive, "/_emulator/manifest").body);
  CHECK(manifest.at("files").at(0).at("sha256").as_string() == drive.tree().find(id)->hashes.sha256);
}

TEST_CASE("the emulator can be stopped and started on the same port while its tree changes", "[emulator]") {
  DriveEmulator drive;
  const std::string id = drive.tree().add_file(drive.root_id(), "x.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const std::uint16_t port = drive.port();
  drive.stop();
  drive.stop();
  REQUIRE(drive.start().has_value());
  CHECK(drive.port() == port);
  const std::string revision = drive.tree().find(id)->head_revision;
  CHECK(drive.tree().replace_content(id, bytes_content("other bytes")));
  CHECK(get(drive, media(id)).body == "other bytes");
  CHECK(drive.tree().find(id)->head_revision != revision);
  CHECK(drive.tree().remove(id));
  CHECK(get(drive, media(id)).status == 404);
  CHECK(find(drive, in(drive.root_id())).empty());
}

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

  DriveEmulator one;
  DriveEmulator two({.seed = 2});
  const auto root = add_folder_from_disk(one.tree(), one.root_id(), top.string());
  REQUIRE(root.has_value());
  const auto again = add_folder_from_disk(two.tree(), two.root_id(), top.string() + "/");
  CHECK(*again == *root);
  CHECK(one.tree().size() == 5);
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
