#include "drive/drive_source.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "drive/access_token.hpp"
#include "fakes/manual_clock.hpp"
#include "http_client/curl_client.hpp"
#include "support/http_imposter.hpp"
#include "support/rsa_key.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

using test::HttpImposter;
using test::ImposterEnding;
using test::ImposterReply;
using test::ImposterRequest;

constexpr std::string_view kEmail = "robot@project.iam.gserviceaccount.com";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string account_json(const std::string& token_url) {
  return R"({"type":"service_account","private_key_id":"kid1","client_email":")" + std::string(kEmail) +
         R"(","token_uri":")" + token_url + R"(","private_key":")" + replaced(test::make_rsa_key_pem(), "\n", "\\n") +
         "\"}";
}

ImposterReply refusal(int status, const std::string& reason) {
  return ImposterReply::json(
      R"({"error":{"code":)" + std::to_string(status) + R"(,"message":"m","errors":[{"reason":")" + reason + R"("}]}})",
      status);
}

ImposterReply token(const std::string& text, int lifetime = 3600) {
  return ImposterReply::json(R"({"access_token":")" + text + R"(","expires_in":)" + std::to_string(lifetime) +
                             R"(,"token_type":"Bearer"})");
}

// A Drive by script, and a source in front of it.
struct Bench {
  explicit Bench(HttpImposter::Script script, DriveOptions options = {.api_key = "KEY-SECRET"})
      : server(std::move(script)), http({.ca = {}, .proxies = ProxyUse::kIgnore}) {
    options.api_url = server.url();
    if (options.credentials_file == "imposter") options.credentials_file = account_json(server.url("/token"));
    source = std::move(DriveSource::create(options, http, clock).value());
  }
  std::vector<ImposterRequest> drive_requests() const {
    std::vector<ImposterRequest> found;
    for (auto& request : server.requests()) {
      if (request.path() != "/token") found.push_back(request);
    }
    return found;
  }

  ManualClock clock;
  HttpImposter server;
  CurlHttpClient http;
  std::unique_ptr<DriveSource> source;
};

Result<std::string> read_all(ByteReader& reader) {
  std::string all;
  std::vector<std::byte> buffer(1'000);
  while (true) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read({}, buffer));
    if (count == 0) return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

Result<std::string> download(DriveSource& source, std::uint64_t offset = 0) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, source.open({}, {.id = DriveId("1file"), .resource_key = {}}, offset));
  return read_all(*reader);
}

FolderRef folder(std::string id, std::string key = {}, std::string drive = {}) {
  return {.id = DriveId(std::move(id)),
          .name = {},
          .resource_key = std::move(key),
          .shared_drive = DriveId(std::move(drive))};
}

TEST_CASE("a listing asks for one parent, all drives, no trash, and a full page", "[drive]") {
  Bench bench(
      [](const ImposterRequest&) { return ImposterReply::json(R"({"nextPageToken":"n/1 +","files":[{"id":"1a"}]})"); });
  const auto page = bench.source->list({}, folder("1fold"), "");
  REQUIRE(page.has_value());
  CHECK(page->entries.size() == 1);
  CHECK(page->next_page_token == "n/1 +");
  REQUIRE(bench.source->list({}, folder("1fold", "0-k", "0Adrive"), "n/1 +").has_value());

  const auto first = bench.server.requests().at(0);
  CHECK(first.path() == "/drive/v3/files");
  CHECK(percent_decode(first.query("q")) == "'1fold' in parents and trashed=false");
  CHECK(first.query("pageSize") == "1000");
  CHECK(first.query("supportsAllDrives") == "true");
  CHECK(first.query("includeItemsFromAllDrives") == "true");
  CHECK(first.query("corpora").empty());
  CHECK(first.query("driveId").empty());
  CHECK(first.query("pageToken").empty());
  CHECK(first.query("key") == "KEY-SECRET");
  CHECK(first.header("X-Goog-Drive-Resource-Keys").empty());
  CHECK_THAT(percent_decode(first.query("fields")).value(), Catch::Contains("nextPageToken,incompleteSearch,files("));

  const auto second = bench.server.requests().at(1);
  CHECK(second.query("corpora") == "drive");
  CHECK(second.query("driveId") == "0Adrive");
  CHECK(percent_decode(second.query("pageToken")) == "n/1 +");
  CHECK(second.header("X-Goog-Drive-Resource-Keys") == "1fold/0-k");
}

TEST_CASE("a folder in a shared drive of which the account is no member is listed without naming the drive",
          "[drive]") {
  const std::string refused = GENERATE(values<std::string>({
      R"({"error":{"errors":[{"domain":"global","reason":"notFound","message":"Shared drive not found: 0Adrive","locationType":"parameter","location":"driveId"}],"code":404,"message":"Shared drive not found: 0Adrive"}})",
      R"({"error":{"errors":[{"reason":"teamDriveMembershipRequired"}],"code":403,"message":"m"}})",
  }));
  Bench bench([&](const ImposterRequest& request) {
    if (request.query("driveId") == "0Aother") return ImposterReply::json(R"({"files":[]})");
    if (request.query("corpora") == "drive")
      return ImposterReply::json(refused, refused.find("404") != std::string::npos ? 404 : 403);
    return ImposterReply::json(R"({"files":[{"id":"1a"}]})");
  });
  const auto page = bench.source->list({}, folder("1fold", "0-k", "0Adrive"), "");
  REQUIRE(page.has_value());
  CHECK(page->entries.size() == 1);
  const auto second = bench.server.requests().at(1);
  CHECK(second.query("corpora").empty());
  CHECK(second.query("driveId").empty());
  CHECK(second.query("supportsAllDrives") == "true");
  CHECK(second.query("includeItemsFromAllDrives") == "true");
  CHECK(second.header("X-Goog-Drive-Resource-Keys") == "1fold/0-k");

  // Asked once for each drive.
  CHECK(bench.source->list({}, folder("1fold", "", "0Adrive"), "n")->entries.size() == 1);
  CHECK(bench.server.requests().size() == 3);
  CHECK(percent_decode(bench.server.requests().at(2).query("pageToken")) == "n");
  CHECK(bench.source->list({}, folder("1other", "", "0Aother"), "").has_value());
  CHECK(bench.server.requests().at(3).query("driveId") == "0Aother");
}

TEST_CASE("an id with a quote or a backslash stays inside its quotes", "[drive]") {
  Bench bench([](const ImposterRequest&) { return ImposterReply::json(R"({"files":[]})"); });
  REQUIRE(bench.source->list({}, folder(R"(a'b\c)"), "").has_value());
  CHECK(percent_decode(bench.server.requests().at(0).query("q")) == R"('a\'b\\c' in parents and trashed=false)");
}

TEST_CASE("a listing's troubles come out as their classes", "[drive]") {
  std::atomic<int> call{0};
  Bench bench([&](const ImposterRequest&) {
    switch (call++) {
      case 0:
        return ImposterReply::json(R"({"error":{"errors":[{"reason":"invalid","location":"pageToken"}]}})", 400);
      case 1:
        return ImposterReply::json(R"({"files":[{"id":)");
      case 2:
        return refusal(403, "accessNotConfigured");
      default:
        return ImposterReply{.status = 503, .headers = {{"Retry-After", "9"}}, .body = "<html>"};
    }
  });
  CHECK(bench.source->list({}, folder("1"), "old").error().reason() == "page_token_rejected");
  CHECK(bench.source->list({}, folder("1"), "").error().code() == ErrorCode::kUnavailable);
  CHECK(bench.source->list({}, folder("1"), "").error().code() == ErrorCode::kMisconfigured);
  CHECK(bench.source->list({}, folder("1"), "").error().retry_after() == std::chrono::seconds(9));
}

TEST_CASE("a root is looked up with its resource key, and keeps it", "[drive]") {
  Bench bench([](const ImposterRequest&) {
    return ImposterReply::json(
        R"({"id":"1real","name":"Album","mimeType":"application/vnd.google-apps.folder","driveId":"0Ad"})");
  });
  const auto root = bench.source->root({}, folder("root", "0-k"));
  REQUIRE(root.has_value());
  CHECK(root->id.value() == "1real");
  CHECK(root->name == "Album");
  CHECK(root->resource_key == "0-k");
  CHECK(root->shared_drive.value() == "0Ad");
  const auto request = bench.server.requests().at(0);
  CHECK(request.path() == "/drive/v3/files/root");
  CHECK(request.query("supportsAllDrives") == "true");
  CHECK(request.header("X-Goog-Drive-Resource-Keys") == "root/0-k");
}

TEST_CASE("a shortcut to a folder is followed once; loops, files and trash are refused", "[drive]") {
  const auto shortcut = [](const std::string& id, const std::string& target, const std::string& mime) {
    return R"({"id":")" + id +
           R"(","mimeType":"application/vnd.google-apps.shortcut","shortcutDetails":{"targetId":")" + target +
           R"(","targetMimeType":")" + mime + R"(","targetResourceKey":"0-t"}})";
  };
  const std::string folder_mime = "application/vnd.google-apps.folder";
  Bench bench([&](const ImposterRequest& request) {
    const std::string id = request.path().substr(request.path().rfind('/') + 1);
    if (id == "good") return ImposterReply::json(shortcut("good", "target", folder_mime));
    if (id == "loop") return ImposterReply::json(shortcut("loop", "loop", folder_mime));
    if (id == "tofile") return ImposterReply::json(shortcut("tofile", "x", "image/png"));
    if (id == "file") return ImposterReply::json(R"({"id":"file","mimeType":"image/png"})");
    if (id == "trash")
      return ImposterReply::json(R"({"id":"trash","mimeType":")" + folder_mime + R"(","trashed":true})");
    if (id == "target") return ImposterReply::json(R"({"id":"target","name":"T","mimeType":")" + folder_mime + R"("})");
    return refusal(404, "notFound");
  });
  const auto root = bench.source->root({}, folder("good"));
  REQUIRE(root.has_value());
  CHECK(root->id.value() == "target");
  CHECK(root->resource_key == "0-t");
  CHECK(bench.server.requests().at(1).header("X-Goog-Drive-Resource-Keys") == "target/0-t");
  CHECK(bench.source->root({}, folder("loop")).error().reason() == "not_a_folder");
  CHECK(bench.source->root({}, folder("tofile")).error().reason() == "not_a_folder");
  CHECK(bench.source->root({}, folder("file")).error().code() == ErrorCode::kInvalidArgument);
  CHECK(bench.source->root({}, folder("trash")).error().reason() == "trashed");
  CHECK(bench.source->root({}, folder("gone")).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("without credentials every call says which settings are missing", "[drive]") {
  Bench bench([](const ImposterRequest&) { return ImposterReply{}; }, DriveOptions{});
  const Error error = bench.source->root({}, folder("1")).error();
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "no_credentials");
  CHECK_THAT(error.remedy(), Catch::Contains("GOOGLE_API_KEY") && Catch::Contains("GOOGLE_APPLICATION_CREDENTIALS"));
  CHECK(bench.source->list({}, folder("1"), "").error().reason() == "no_credentials");
  CHECK(download(*bench.source).error().reason() == "no_credentials");
  CHECK(bench.server.requests().empty());
}

TEST_CASE("the API key never shows in an error", "[drive]") {
  std::atomic<int> call{0};
  Bench bench([&](const ImposterRequest& request) {
    switch (call++) {
      case 0:
        return ImposterReply::json(R"({"error":{"message":"bad key KEY-SECRET","errors":[{"reason":"keyInvalid"}]}})",
                                   400);
      case 1:
        return ImposterReply::json(R"({"error":{"message":"see )" + request.target + R"(","errors":[]}})", 418);
      case 2:
        return ImposterReply::nothing(ImposterEnding::kReset);
      default:
        return ImposterReply{.body = "0123456789", .cut_body_after = 3, .ending = ImposterEnding::kClose};
    }
  });
  for (int i = 0; i < 4; ++i) {
    const Error error = download(*bench.source).error();
    CHECK_THAT(error.message() + error.remedy(), !Catch::Contains("KEY-SECRET"));
  }
}

TEST_CASE("a download asks for the media, and resumes with a Range", "[drive]") {
  const std::string content = "0123456789";
  Bench bench([&](const ImposterRequest& request) {
    const std::string range = request.header("Range");
    if (range.empty()) return ImposterReply{.headers = {{"Content-Type", "image/jpeg"}}, .body = content};
    const std::size_t from = std::stoul(range.substr(6));
    if (from >= content.size()) {
      auto reply = refusal(416, "requestedRangeNotSatisfiable");
      reply.headers.emplace_back("Content-Range", "bytes */10");
      return reply;
    }
    return ImposterReply{
        .status = 206,
        .headers = {{"Content-Type", "image/jpeg"}, {"Content-Range", "bytes " + std::to_string(from) + "-9/10"}},
        .body = content.substr(from)};
  });
  CHECK(download(*bench.source).value() == content);
  CHECK(download(*bench.source, 4).value() == "456789");
  CHECK(download(*bench.source, 10).value().empty());
  CHECK(download(*bench.source, 11).error().reason() == "file_changed");
  const auto requests = bench.server.requests();
  CHECK(requests.at(0).path() == "/drive/v3/files/1file");
  CHECK(requests.at(0).query("alt") == "media");
  CHECK(requests.at(0).query("supportsAllDrives") == "true");
  CHECK(requests.at(0).header("Range").empty());
  CHECK(requests.at(1).header("Range") == "bytes=4-");
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("a server that takes no Range has its beginning skipped; another part is refused", "[drive]") {
  std::atomic<int> call{0};
  Bench bench([&](const ImposterRequest&) {
    switch (call++) {
      case 0:
        return ImposterReply{.body = "0123456789"};
      case 1:
        return ImposterReply{.body = "012"};
      case 2:
        return ImposterReply{.status = 206, .headers = {{"Content-Range", "bytes 3-9/10"}}, .body = "3456789"};
      default:
        return ImposterReply{.status = 206, .body = "456789"};
    }
  });
  CHECK(download(*bench.source, 4).value() == "456789");
  CHECK(download(*bench.source, 4).error().reason() == "file_changed");
  CHECK(download(*bench.source, 4).error().reason() == "wrong_range");
  CHECK(download(*bench.source, 4).error().reason() == "wrong_range");
}

TEST_CASE("a page or an error document under status 200 is not the file", "[drive]") {
  const std::string type = GENERATE(values<std::string>({"text/html; charset=UTF-8", "application/json", "Text/HTML"}));
  Bench bench([&](const ImposterRequest&) {
    return ImposterReply{.headers = {{"Content-Type", type}}, .body = "<html><title>Sorry...</title></html>"};
  });
  const Error error = download(*bench.source).error();
  CHECK(error.code() == ErrorCode::kCorrupt);
  CHECK(error.reason() == "not_the_bytes");
  CHECK(error.is_transient());
  CHECK_THAT(error.message(), Catch::Contains("Sorry..."));
}

TEST_CASE("what a document under status 200 says is taken at its word", "[drive]") {
  struct Row {
    std::string type;
    std::string body;
    ErrorCode code;
    std::string reason;
  };
  const auto json = [](const std::string& reason) {
    return R"({"error":{"code":403,"message":"m","errors":[{"reason":")" + reason + R"("}]}})";
  };
  const Row row = GENERATE_COPY(values<Row>({
      {"application/json", json("downloadQuotaExceeded"), ErrorCode::kQuotaExhausted, "download_quota_exceeded"},
      {"application/json", json("userRateLimitExceeded"), ErrorCode::kRateLimited, "user_rate_limit_exceeded"},
      {"application/json", json("cannotDownloadFile"), ErrorCode::kPermissionDenied, "cannot_download_file"},
      {"application/json", json("somethingNew"), ErrorCode::kCorrupt, "not_the_bytes"},
      {"text/html", "<html><title>Sorry...</title>your network may be sending automated queries</html>",
       ErrorCode::kRateLimited, "rate_limit_exceeded"},
  }));
  Bench bench([&](const ImposterRequest&) {
    return ImposterReply{.headers = {{"Content-Type", row.type}, {"Retry-After", "90"}}, .body = row.body};
  });
  const Error error = download(*bench.source).error();
  CAPTURE(row.body);
  CHECK(error.code() == row.code);
  CHECK(error.reason() == row.reason);
  if (row.code == ErrorCode::kRateLimited) CHECK(error.retry_after() == std::chrono::seconds(90));
}

TEST_CASE("a download's refusals come out as their classes, and cost no connection", "[drive]") {
  std::atomic<int> call{0};
  Bench bench([&](const ImposterRequest&) {
    switch (call++) {
      case 0:
        return refusal(403, "downloadQuotaExceeded");
      case 1:
        return refusal(403, "fileNotDownloadable");
      case 2:
        return refusal(404, "notFound");
      default:
        return ImposterReply{.status = 500};
    }
  });
  CHECK(download(*bench.source).error().reason() == "download_quota_exceeded");
  CHECK(download(*bench.source).error().code() == ErrorCode::kUnsupported);
  CHECK(download(*bench.source).error().code() == ErrorCode::kNotFound);
  CHECK(download(*bench.source).error().code() == ErrorCode::kUnavailable);
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("the risk of a file marked as malware is taken only where that was opted for, at the second try", "[drive]") {
  const auto script = [](const ImposterRequest& request) {
    return request.query("acknowledgeAbuse") == "true" ? ImposterReply{.body = "bytes"}
                                                       : refusal(403, "cannotDownloadAbusiveFile");
  };
  Bench careful(script);
  const Error error = download(*careful.source).error();
  CHECK(error.code() == ErrorCode::kPermissionDenied);
  CHECK_THAT(error.remedy(), Catch::Contains("DRIVE_ACKNOWLEDGE_ABUSE"));
  CHECK(careful.server.requests().size() == 1);

  Bench bold(script, {.api_key = "k", .acknowledge_abuse = true});
  CHECK(download(*bold.source).value() == "bytes");
  CHECK(bold.server.requests().size() == 2);
}

TEST_CASE("a look-up gives the present state; a shortcut to nowhere is not found", "[drive]") {
  Bench bench([](const ImposterRequest&) {
    return ImposterReply::json(R"({"id":"1x","name":"n","mimeType":"image/png","size":"5"})");
  });
  const auto file = bench.source->look_up({}, {.id = DriveId("1x"), .resource_key = "0-k"});
  REQUIRE(file.has_value());
  CHECK(file->size == 5u);
  CHECK(bench.server.requests().at(0).header("X-Goog-Drive-Resource-Keys") == "1x/0-k");
  CHECK(file->resource_key == "0-k");
  CHECK(bench.source->look_up({}, {}).error().code() == ErrorCode::kNotFound);
  CHECK(bench.source->open({}, {}, 0).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a service account's token is fetched once with a signed assertion, and wins over the key", "[drive]") {
  Bench bench(
      [](const ImposterRequest& request) {
        return request.path() == "/token" ? token("T1") : ImposterReply::json(R"({"files":[]})");
      },
      {.api_key = "KEY", .credentials_file = "imposter", .impersonate_user = "ann@example.com"});
  REQUIRE(bench.source->list({}, folder("1"), "").has_value());
  REQUIRE(bench.source->list({}, folder("1"), "").has_value());
  const auto requests = bench.server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].path() == "/token");
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].header("Content-Type") == "application/x-www-form-urlencoded");
  CHECK(requests[1].header("Authorization") == "Bearer T1");
  CHECK(requests[1].query("key").empty());

  constexpr std::string_view kForm = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  REQUIRE_THAT(requests[0].body, Catch::StartsWith(std::string(kForm)));
  const std::string jwt = requests[0].body.substr(kForm.size());
  const std::size_t first = jwt.find('.');
  const std::string header = base64_decode(jwt.substr(0, first)).value();
  const std::string claims = base64_decode(jwt.substr(first + 1, jwt.rfind('.') - first - 1)).value();
  CHECK_THAT(header, Catch::Contains(R"("alg":"RS256")") && Catch::Contains(R"("kid":"kid1")"));
  CHECK_THAT(claims, Catch::Contains(R"("iss":"robot@project.iam.gserviceaccount.com")"));
  CHECK_THAT(claims, Catch::Contains(R"("sub":"ann@example.com")"));
  CHECK_THAT(claims, Catch::Contains("https://www.googleapis.com/auth/drive.readonly"));
  CHECK_THAT(claims, Catch::Contains(R"("aud":")" + bench.server.url("/token")));
  CHECK_THAT(claims, Catch::Contains(R"("iat":1767323045,"exp":1767326645)"));
}

TEST_CASE("a token is renewed five minutes ahead, by one thread while the others use the old one", "[drive]") {
  std::atomic<int> tokens{0};
  Bench bench(
      [&](const ImposterRequest& request) {
        if (request.path() != "/token") return ImposterReply::json(R"({"files":[]})");
        auto reply = token("T" + std::to_string(++tokens));
        reply.hold = tokens == 2;
        return reply;
      },
      {.credentials_file = "imposter"});
  const auto list = [&] { return bench.source->list({}, folder("1"), "").has_value(); };
  REQUIRE(list());
  bench.clock.advance(std::chrono::minutes(54));
  REQUIRE(list());
  CHECK(tokens == 1);
  bench.clock.advance(std::chrono::minutes(2));
  auto renewer = std::async(std::launch::async, list);
  bench.server.await_requests(4);  // the second request for a token is there, and held
  REQUIRE(list());
  CHECK(bench.drive_requests().back().header("Authorization") == "Bearer T1");
  bench.server.release();
  CHECK(renewer.get());
  CHECK(bench.drive_requests().back().header("Authorization") == "Bearer T2");
  CHECK(tokens == 2);
}

TEST_CASE("a renewal that fails leaves the old token in use until its end", "[drive]") {
  std::atomic<int> tokens{0};
  Bench bench(
      [&](const ImposterRequest& request) {
        if (request.path() != "/token") return ImposterReply::json(R"({"files":[]})");
        return ++tokens == 1 ? token("T1") : ImposterReply{.status = 503};
      },
      {.credentials_file = "imposter"});
  const auto list = [&] { return bench.source->list({}, folder("1"), ""); };
  REQUIRE(list().has_value());
  bench.clock.advance(std::chrono::minutes(56));
  CHECK(list().has_value());
  CHECK(list().has_value());
  CHECK(tokens == 2);
  bench.clock.advance(std::chrono::minutes(5));
  CHECK(list().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("after a 401 the token is replaced once, by one exchange for all threads", "[drive]") {
  std::atomic<int> tokens{0};
  Bench bench(
      [&](const ImposterRequest& request) {
        if (request.path() == "/token") return token("T" + std::to_string(++tokens));
        return request.header("Authorization") == "Bearer T1" ? refusal(401, "authError")
                                                              : ImposterReply{.body = "bytes"};
      },
      {.credentials_file = "imposter"});
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i) {
    threads.emplace_back([&] {
      const auto bytes = download(*bench.source);
      if (bytes.has_value() && *bytes == "bytes") ++right;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == 40);
  CHECK(tokens == 2);
}

TEST_CASE("a late refusal of a token that was replaced meanwhile does not cost the new one", "[drive]") {
  std::atomic<int> tokens{0};
  HttpImposter server([&](const ImposterRequest&) { return token("T" + std::to_string(++tokens)); });
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  const ManualClock clock;
  const ServiceAccount account = load_service_account(account_json(server.url("/token"))).value();
  AccessTokens access({.account = account, .subject = {}}, http, clock);
  CHECK(access.get({}).value() == "T1");
  access.refuse("T1");
  CHECK(access.get({}).value() == "T2");
  access.refuse("T1");
  CHECK(access.get({}).value() == "T2");
}

TEST_CASE("a token that is refused again is an error, not a loop", "[drive]") {
  Bench bench(
      [&](const ImposterRequest& request) {
        return request.path() == "/token" ? token("T") : refusal(401, "authError");
      },
      {.credentials_file = "imposter"});
  CHECK(bench.source->list({}, folder("1"), "").error().code() == ErrorCode::kUnauthenticated);
  CHECK(download(*bench.source).error().code() == ErrorCode::kUnauthenticated);
  CHECK(bench.drive_requests().size() == 4);
}

TEST_CASE("with an API key a 401 is no reason to ask again", "[drive]") {
  Bench bench([&](const ImposterRequest&) { return refusal(401, "authError"); });
  CHECK(bench.source->list({}, folder("1"), "").error().code() == ErrorCode::kUnauthenticated);
  CHECK(bench.server.requests().size() == 1);
}

struct Grant {
  int status;
  std::string error;
  std::string description;
  ErrorCode code;
  std::string reason;
  std::string remedy;  // a part of it
};

TEST_CASE("a refused grant says what to mend", "[drive]") {
  const Grant grant = GENERATE(values<Grant>({
      {400, "invalid_grant",
       "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
       ErrorCode::kMisconfigured, "invalid_grant", "clock"},
      {400, "invalid_grant", "Invalid grant: account not found", ErrorCode::kMisconfigured, "invalid_grant", "deleted"},
      {400, "invalid_grant", "Invalid JWT Signature.", ErrorCode::kMisconfigured, "invalid_grant", "new JSON key"},
      {400, "invalid_grant", "Invalid email or User ID", ErrorCode::kMisconfigured, "invalid_grant",
       "GOOGLE_IMPERSONATE_USER"},
      {401, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method",
       ErrorCode::kMisconfigured, "delegation_not_granted", "delegation"},
      {400, "invalid_scope", "Bad scope", ErrorCode::kMisconfigured, "invalid_scope", "service account"},
      {401, "invalid_client", "The OAuth client was not found.", ErrorCode::kMisconfigured, "invalid_grant",
       "service account"},
      {503, "", "", ErrorCode::kUnavailable, "no_access_token", ""},
      {429, "rate_limited", "", ErrorCode::kUnavailable, "no_access_token", ""},
      {400, "", "", ErrorCode::kUnavailable, "no_access_token", ""},
  }));
  CAPTURE(grant.status, grant.error, grant.description);
  Bench bench(
      [&](const ImposterRequest&) {
        if (grant.error.empty()) return ImposterReply{.status = grant.status, .body = "<html>"};
        return ImposterReply::json(
            R"({"error":")" + grant.error + R"(","error_description":")" + grant.description + "\"}", grant.status);
      },
      {.credentials_file = "imposter", .impersonate_user = "ann@example.com"});
  const Error error = bench.source->root({}, folder("1")).error();
  CHECK(error.code() == grant.code);
  CHECK(error.reason() == grant.reason);
  CHECK_THAT(error.remedy(), Catch::Contains(grant.remedy));
  if (error.code() == ErrorCode::kMisconfigured) CHECK_THAT(error.message(), Catch::Contains(std::string(kEmail)));
}

TEST_CASE("threads that wait for a token share its failure, and can be stopped", "[drive]") {
  Bench bench(
      [&](const ImposterRequest&) {
        auto reply = ImposterReply::json(R"({"error":"invalid_grant","error_description":"x"})", 400);
        reply.hold = true;
        return reply;
      },
      {.credentials_file = "imposter"});
  auto first = std::async(std::launch::async, [&] { return bench.source->list({}, folder("1"), "").error().reason(); });
  bench.server.await_requests(1);
  std::stop_source stop;
  CallContext stopped;
  stopped.stop = stop.get_token();
  auto third =
      std::async(std::launch::async, [&] { return bench.source->list(stopped, folder("1"), "").error().code(); });
  stop.request_stop();
  CHECK(third.get() == ErrorCode::kCancelled);
  const auto late = bench.source->list(CallContext().with_timeout(std::chrono::milliseconds(10)), folder("1"), "");
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);
  bench.server.release();
  CHECK(first.get() == "invalid_grant");
}

TEST_CASE("a credentials file that cannot be used is told at once, without its content", "[drive]") {
  ManualClock clock;
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  const auto create = [&](const std::string& file) {
    auto source = DriveSource::create({.credentials_file = file}, http, clock);
    return source.has_value() ? std::optional<Error>() : std::optional<Error>(std::move(source).error());
  };
  const std::string good = account_json("http://127.0.0.1:1/token");
  CHECK_FALSE(create(good).has_value());
  for (const std::string& bad :
       {std::string("/no/such/file.json"), std::string("/tmp"), std::string("{"), std::string("{}"),
        std::string(R"("{\"private_key\":\"SECRETSTUFF\"}")"), "SECRETSTUFF" + std::string(2'000, 'A'),
        std::string(R"({"type":"authorized_user","refresh_token":"SECRETSTUFF"})"),
        std::string(R"({"type":"service_account","client_email":"a@b"})"),
        std::string(R"({"type":"service_account","private_key":"SECRETSTUFF"})"),
        std::string(R"({"type":"service_account","client_email":"a@b","private_key":"SECRETSTUFF"})")}) {
    CAPTURE(bad);
    const auto error = create(bad);
    REQUIRE(error.has_value());
    CHECK(error->code() == ErrorCode::kMisconfigured);
    CHECK_THAT(error->message(), Catch::Contains("GOOGLE_APPLICATION_CREDENTIALS") && !Catch::Contains("SECRETSTUFF"));
    CHECK_FALSE(error->remedy().empty());
  }
  CHECK_THAT(create("/no/such/file.json")->message(), Catch::Contains("the file /no/such/file.json cannot be read"));

  const TempDir folder;
  const std::filesystem::path path = folder.path() / "key.json";
  std::ofstream(path) << good;
  CHECK_FALSE(create(path.string()).has_value());
}

TEST_CASE("a base URL that is none is a misconfiguration; slashes and the API's path do not matter", "[drive]") {
  ManualClock clock;
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  for (const char* const bad : {"", "www.googleapis.com", "ftp://x", "https://", "https://x/?a=b"}) {
    CHECK(DriveSource::create({.api_url = bad, .api_key = "k"}, http, clock).error().code() ==
          ErrorCode::kMisconfigured);
  }
  HttpImposter server([](const ImposterRequest&) { return ImposterReply::json(R"({"files":[]})"); });
  for (const char* const tail : {"", "/", "//", "/drive/v3", "/drive/v3/"}) {
    const auto source = DriveSource::create({.api_url = server.url(tail), .api_key = "k"}, http, clock);
    REQUIRE(source.has_value());
    REQUIRE((*source)->list({}, folder("1"), "").has_value());
    CHECK(server.requests().back().path() == "/drive/v3/files");
  }
}

TEST_CASE("the calls cost what Google publishes", "[drive]") {
  Bench bench([](const ImposterRequest&) { return ImposterReply{}; });
  CHECK(bench.source->costs().list == 100);
  CHECK(bench.source->costs().look_up == 5);
  CHECK(bench.source->costs().download == 200);
}

}  // namespace
}  // namespace imgimport
