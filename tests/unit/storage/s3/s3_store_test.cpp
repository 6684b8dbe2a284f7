// What S3Store does when S3 misbehaves; how it behaves against a good one is in the contract tests.
#include "storage/s3/s3_store.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "support/fake_s3.hpp"

namespace imgimport {
namespace {

using test::FakeS3;
using test::ImposterEnding;
using test::ImposterReply;
using test::ImposterRequest;

const ObjectKey kKey("p/1AbC/v1/beach (1)+ü.jpg");
const std::string kPath = "/images/p/1AbC/v1/beach%20%281%29%2B%C3%BC.jpg";

// Gives out one set after the other, and counts the complaints.
class ScriptedCredentials final : public AwsCredentialsProvider {
 public:
  explicit ScriptedCredentials(std::vector<AwsCredentials> sets) : sets_(std::move(sets)) {}
  Result<AwsCredentials> credentials(const CallContext&) override { return sets_.at(at_); }
  void expired(const AwsCredentials& refused) override {
    ++complaints;
    if (refused == sets_.at(at_) && at_ + 1 < sets_.size()) ++at_;
  }
  int complaints = 0;

 private:
  const std::vector<AwsCredentials> sets_;
  std::size_t at_ = 0;
};

AwsCredentials keys(std::string id, std::string token = {}) {
  return {.access_key_id = std::move(id), .secret_access_key = "secret", .session_token = std::move(token)};
}

struct Fixture {
  explicit Fixture(FakeS3::Fault fault = {}, std::vector<AwsCredentials> sets = {keys("AKIDEXAMPLE0001")},
                   S3Options options = {})
      : server(std::move(fault)) {
    options.bucket = "images";
    options.region = "us-east-1";
    options.endpoint_url = server.endpoint();
    options.prefix = "p";
    auto scripted = std::make_unique<ScriptedCredentials>(std::move(sets));
    credentials = scripted.get();
    store = S3Store::open(std::move(options), http, std::move(scripted), clock).value();
  }
  Result<ObjectInfo> put(const std::string& content, const ContentHashes& expected = {}) {
    return store->put({}, kKey, MemoryBlob(content), {.content_type = "image/jpeg", .expected = expected});
  }

  FakeS3 server;
  ManualClock clock;
  CurlHttpClient http{{.ca = {}, .proxies = ProxyUse::kIgnore}};
  ScriptedCredentials* credentials = nullptr;
  std::unique_ptr<S3Store> store;
};

// Answers the first `count` requests so.
FakeS3::Fault first(std::size_t count, ImposterReply reply) {
  return
      [=](const ImposterRequest&, std::size_t number) { return number < count ? std::optional(reply) : std::nullopt; };
}

template <class T>
std::string reason_of(const Result<T>& result) {
  return result.has_value() ? std::string() : std::string(result.error().reason_or_code());
}

}  // namespace

TEST_CASE("a put is one request, with all that Drive knows of the bytes", "[s3][s3_store]") {
  Fixture s3({}, {keys("AKIDEXAMPLE0001", "token")},
             {.storage_class = "STANDARD_IA", .encryption = "aws:kms", .encryption_key_id = "key-1"});
  const std::string content = "an image";
  const auto info = s3.put(content, {.md5 = md5_hex(content), .sha256 = sha256_hex(content)});
  REQUIRE(info.has_value());
  CHECK(info->etag == md5_hex(content));
  const auto requests = s3.server.imposter().requests();
  REQUIRE(requests.size() == 1);
  const ImposterRequest& request = requests.front();
  CHECK(request.method == "PUT");
  CHECK(request.target == kPath);
  CHECK(request.body == content);
  CHECK(request.header("Content-Length") == "8");
  CHECK(request.header("Content-Type") == "image/jpeg");
  CHECK(request.header("x-amz-content-sha256") == sha256_hex(content));
  CHECK_FALSE(request.header("x-amz-checksum-sha256").empty());
  CHECK(request.header("Content-MD5").empty());
  CHECK(request.header("x-amz-storage-class") == "STANDARD_IA");
  CHECK(request.header("x-amz-server-side-encryption") == "aws:kms");
  CHECK(request.header("x-amz-server-side-encryption-aws-kms-key-id") == "key-1");
  CHECK(request.header("x-amz-security-token") == "token");
  CHECK(request.header("x-amz-date") == "20260102T030405Z");
  CHECK(request.header("Expect").empty());
  CHECK(request.header("Authorization")
            .find("SignedHeaders=content-type;host;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;"
                  "x-amz-security-token;x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id;"
                  "x-amz-storage-class,") != std::string::npos);
}

TEST_CASE("content in memory without a hash is signed by its own", "[s3][s3_store]") {
  Fixture s3;
  REQUIRE(s3.put("an image").has_value());
  CHECK(s3.server.imposter().requests().front().header("x-amz-content-sha256") == sha256_hex("an image"));
}

TEST_CASE("content in memory of which an MD5 was published is held against that", "[s3][s3_store]") {
  Fixture s3;
  REQUIRE(s3.put("an image", {.md5 = md5_hex("an image")}).has_value());
  const ImposterRequest request = s3.server.imposter().requests().front();
  CHECK(request.header("x-amz-content-sha256") == sha256_hex("an image"));
  CHECK_FALSE(request.header("Content-MD5").empty());
  CHECK(request.header("x-amz-checksum-sha256").empty());
  CHECK(reason_of(s3.put("an image", {.md5 = md5_hex("another")})) == "checksum_mismatch");
}

TEST_CASE("an S3 that knows no checksum headers is not sent them again", "[s3][s3_store]") {
  const auto refuse = [](const ImposterRequest& request, std::size_t) -> std::optional<ImposterReply> {
    if (request.header("x-amz-checksum-sha256").empty() && request.header("x-amz-checksum-mode").empty()) return {};
    if (request.method == "HEAD") return ImposterReply{.status = 400};
    return FakeS3::refusal(400, "InvalidArgument",
                           "<Message>Unsupported header 'x-amz-checksum-sha256' received for this API call.</Message>");
  };
  const std::string content = "an image";
  const ContentHashes published{.md5 = md5_hex(content), .sha256 = sha256_hex(content)};
  Fixture s3(refuse);
  REQUIRE(s3.put(content, published).has_value());
  CHECK(s3.server.requests() == 2);
  REQUIRE(s3.put(content, published).has_value());
  REQUIRE(s3.server.requests() == 3);
  const ImposterRequest request = s3.server.imposter().requests().back();
  CHECK_FALSE(request.header("Content-MD5").empty());
  CHECK(request.header("x-amz-content-sha256") == sha256_hex(content));
  CHECK(s3.store->inspect({}, kKey)->hashes.md5 == md5_hex(content));
  CHECK(s3.server.requests() == 4);

  Fixture inspected(refuse);
  REQUIRE(inspected.put(content, {.md5 = md5_hex(content)}).has_value());
  CHECK(inspected.store->inspect({}, kKey)->hashes.md5 == md5_hex(content));
  CHECK(inspected.store->inspect({}, kKey)->hashes.md5 == md5_hex(content));
  CHECK(inspected.server.requests() == 4);
}

TEST_CASE("a stream without a SHA-256 goes unsigned, and its hash is known afterwards", "[s3][s3_store]") {
  Fixture s3;
  const std::string content(300'000, 'x');
  const StreamBlob blob(content, {.size = content.size()});
  const auto info = s3.store->put({}, kKey, blob, {.content_type = {}, .expected = {.md5 = md5_hex(content)}});
  REQUIRE(info.has_value());
  CHECK(info->hashes.sha256 == sha256_hex(content));
  const auto requests = s3.server.imposter().requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests.front().header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
  CHECK_FALSE(requests.front().header("Content-MD5").empty());
  CHECK(requests.front().header("Content-Length") == "300000");
}

TEST_CASE("a stream of unknown size is read first, and sent with its size and hash", "[s3][s3_store]") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1000}, std::size_t{256 << 10}, std::size_t{700'000}}) {
    CAPTURE(size);
    Fixture s3;
    const std::string content(size, 'x');
    const auto info = s3.store->put({}, kKey, StreamBlob(content, {}), {});
    REQUIRE(info.has_value());
    CHECK(info->size_bytes == size);
    CHECK(info->hashes.sha256 == sha256_hex(content));
    const auto requests = s3.server.imposter().requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests.front().header("Content-Length") == std::to_string(size));
    CHECK(requests.front().header("x-amz-content-sha256") == sha256_hex(content));
    CHECK((requests.front().body == content));
  }
}

TEST_CASE("more than 5 GiB is refused before anything is sent", "[s3][s3_store]") {
  Fixture s3;
  const StreamBlob blob("x", {.size = (5ULL << 30) + 1});
  CHECK(reason_of(s3.store->put({}, kKey, blob, {})) == "too_large");
  CHECK(s3.server.requests() == 0);
  const std::vector<PlannedPut> plans = {{.key = kKey, .size_bytes = (5ULL << 30) + 1, .options = {}}};
  CHECK(reason_of(s3.store->tickets({}, plans)) == "too_large");
}

TEST_CASE("SlowDown is passed on at once, with the wait that it asks for", "[s3][s3_store]") {
  ImposterReply slow = FakeS3::refusal(503, "SlowDown");
  slow.headers.emplace_back("Retry-After", "3");
  Fixture s3(first(1, slow));
  const auto info = s3.put("x");
  CHECK(reason_of(info) == "slow_down");
  CHECK(info.error().retry_after() == std::chrono::seconds(3));
  CHECK(s3.server.requests() == 1);
}

TEST_CASE("a reset or a 500 is tried once more at once for content in memory, and then passed on", "[s3][s3_store]") {
  const ImposterReply broken = FakeS3::refusal(500, "InternalError");
  Fixture once(first(1, broken));
  CHECK(once.put("x").has_value());
  CHECK(once.server.requests() == 2);
  CHECK(once.server.objects().size() == 1);
  Fixture always(first(100, broken));
  CHECK(reason_of(always.put("x")) == "internal_error");
  CHECK(always.server.requests() == 2);
  Fixture reset(first(1, ImposterReply::nothing(ImposterEnding::kReset)));
  CHECK(reset.put("x").has_value());
  CHECK(reset.server.requests() == 2);
  Fixture resets(first(100, ImposterReply::nothing(ImposterEnding::kReset)));
  CHECK(reason_of(resets.put("x")) == "connection_broken");
}

TEST_CASE("a stream is not downloaded again for a 500", "[s3][s3_store]") {
  Fixture s3(first(1, FakeS3::refusal(500, "InternalError")));
  const std::string content(300'000, 'x');
  const StreamBlob blob(content, {.size = content.size()});
  CHECK(reason_of(s3.store->put({}, kKey, blob, {})) == "internal_error");
  CHECK(s3.server.requests() == 1);
}

TEST_CASE("a stall ends with the call's deadline", "[s3][s3_store]") {
  Fixture s3(first(1, ImposterReply::nothing(ImposterEnding::kStall)));
  const auto info =
      s3.store->put(CallContext{}.with_timeout(std::chrono::milliseconds(200)), kKey, MemoryBlob("x"), {});
  CHECK(reason_of(info) == "deadline_exceeded");
  s3.server.imposter().release();
}

TEST_CASE("expired credentials are changed for fresh ones, once", "[s3][s3_store]") {
  const auto refuse_old = [](const ImposterRequest& request, std::size_t) -> std::optional<ImposterReply> {
    if (request.header("x-amz-security-token") == "fresh") return std::nullopt;
    return request.method == "HEAD" ? ImposterReply{.status = 400} : FakeS3::refusal(400, "ExpiredToken");
  };
  const std::vector<AwsCredentials> sets = {keys("AKIDEXAMPLE0001", "old"), keys("AKIDEXAMPLE0002", "fresh")};
  Fixture put(refuse_old, sets);
  CHECK(put.put("x").has_value());
  CHECK(put.server.requests() == 2);
  CHECK(put.credentials->complaints == 1);
  Fixture head(refuse_old, sets);
  CHECK(reason_of(head.store->head({}, kKey)) == "no_such_object");
  CHECK(head.credentials->complaints == 1);

  Fixture none(refuse_old, {keys("AKIDEXAMPLE0001", "old")});
  const auto info = none.put("x");
  CHECK(reason_of(info) == "token_expired");
  CHECK(info.error().stops_the_job());
  CHECK(none.server.requests() == 1);
  Fixture stale(refuse_old, {keys("AKIDEXAMPLE0001", "old"), keys("AKIDEXAMPLE0002", "older")});
  CHECK(reason_of(stale.put("x")) == "token_expired");
  CHECK(stale.server.requests() == 2);
}

TEST_CASE("a redirect is not followed, and its region is named", "[s3][s3_store]") {
  FakeS3 elsewhere;
  for (const int status : {301, 307}) {
    ImposterReply redirect = FakeS3::refusal(status, status == 301 ? "PermanentRedirect" : "TemporaryRedirect",
                                             "<Endpoint>images.s3.eu-west-3.amazonaws.com</Endpoint>");
    redirect.headers.emplace_back("Location", elsewhere.endpoint() + kPath);
    Fixture s3(first(100, redirect));
    const auto info = s3.put("x");
    CHECK(reason_of(info) == "wrong_region");
    CHECK(info.error().remedy() == "Set AWS_REGION=eu-west-3.");
    CHECK(reason_of(s3.store->get({}, kKey, std::nullopt)) == "wrong_region");
  }
  CHECK(elsewhere.requests() == 0);
}

TEST_CASE("an answer that only looks like success is none", "[s3][s3_store]") {
  const std::string document = "<Error><Code>InternalError</Code></Error>";
  Fixture late(first(100, {.headers = {{"ETag", "\"x\""}}, .body = document}));
  CHECK(reason_of(late.put("x")) == "internal_error");
  Fixture web_site(first(100, {.body = "<html>Welcome</html>"}));
  CHECK(reason_of(web_site.put("x")) == "not_s3");
  Fixture other(first(100, {.headers = {{"ETag", "\"x\""},
                                        {"x-amz-checksum-sha256", "AAAAv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}}}));
  CHECK(reason_of(other.put("x")) == "checksum_mismatch");
  // Before it can have had the body.
  Fixture early(first(100, {.headers = {{"ETag", "\"x\""}}, .ending = ImposterEnding::kClose}));
  early.server.imposter().set_continue(false);
  const std::string content(2 << 20, 'x');
  const StreamBlob blob(content, {.size = content.size()});
  CHECK(early.store->put({}, kKey, blob, {}).has_error());
}

TEST_CASE("bytes of another MD5 under an unpromised stream are noticed by the ETag", "[s3][s3_store]") {
  Fixture s3(first(100, {.headers = {{"ETag", "\"0123456789abcdef0123456789abcdef\""}}}));
  const std::string content(300'000, 'x');
  CHECK(reason_of(s3.store->put({}, kKey, StreamBlob(content, {.size = content.size()}), {})) == "checksum_mismatch");
}

TEST_CASE("an inspection asks for the stored checksum, a head does not", "[s3][s3_store]") {
  Fixture s3;
  REQUIRE(s3.put("an image").has_value());
  CHECK(s3.store->inspect({}, kKey)->hashes ==
        ContentHashes{.md5 = md5_hex("an image"), .sha256 = sha256_hex("an image")});
  CHECK(s3.store->head({}, kKey)->hashes.sha256.empty());
  CHECK(s3.server.imposter().requests().size() == 3);
}

TEST_CASE("a part that is not the part asked for is not given out", "[s3][s3_store]") {
  Fixture whole(first(1, {.body = "0123456789"}));
  CHECK(reason_of(whole.store->get({}, kKey, ByteRange{.first = 3, .last = 5})) == "unexpected_answer");
  Fixture nonsense(first(1, {.status = 206, .headers = {{"Content-Range", "bytes 3-9/10"}}, .body = "345"}));
  CHECK(reason_of(nonsense.store->get({}, kKey, ByteRange{.first = 3, .last = 5})) == "unexpected_answer");
}

TEST_CASE("a ticket binds what was planned, and lives as long as its signature", "[s3][s3_store]") {
  AwsCredentials temporary = keys("AKIDEXAMPLE0001", "token");
  const Timestamp now = ManualClock().now();
  Fixture s3({}, {temporary}, {.storage_class = "STANDARD_IA"});
  const std::vector<PlannedPut> plans = {
      {.key = kKey,
       .size_bytes = 8,
       .options = {.content_type = "image/png", .expected = {.sha256 = sha256_hex("an image")}}},
      {.key = ObjectKey("p/2/v/b.jpg"), .size_bytes = std::nullopt, .options = {}}};
  const auto tickets = s3.store->tickets({}, plans);
  REQUIRE(tickets.has_value());
  REQUIRE(tickets->size() == 2);
  const UploadTicket& bound = tickets->front();
  CHECK(bound.key == kKey);
  CHECK(bound.url == s3.server.endpoint() + kPath);
  CHECK(bound.expires_at == now + std::chrono::minutes(15));
  CHECK(bound.headers.find("x-amz-content-sha256") == sha256_hex("an image"));
  CHECK(bound.headers.find("Content-Type") == "image/png");
  CHECK(bound.headers.find("x-amz-storage-class") == "STANDARD_IA");
  CHECK(bound.headers.find("x-amz-security-token") == "token");
  CHECK_FALSE(bound.headers.find("Content-Length").has_value());
  CHECK(bound.headers.find("Authorization")->find("SignedHeaders=content-length;content-type;host;") !=
        std::string_view::npos);
  CHECK(tickets->back().headers.find("x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
  CHECK(s3.server.requests() == 0);

  temporary.expires_at = now + std::chrono::minutes(12);
  Fixture ending({}, {temporary});
  CHECK(ending.store->tickets({}, plans)->front().expires_at == now + std::chrono::minutes(12));
  const std::vector<PlannedPut> bad = {{.key = ObjectKey("../x"), .size_bytes = 1, .options = {}}};
  CHECK(reason_of(s3.store->tickets({}, bad)) == "bad_object_key");
}

TEST_CASE("a link asks for the type and name that the browser shall see", "[s3][s3_store]") {
  Fixture s3;
  const auto link = s3.store->link({}, kKey,
                                   {.content_type = "image/png",
                                    .content_disposition = "inline; filename=\"a b.png\"",
                                    .valid_for = std::chrono::seconds(60)});
  REQUIRE(link.has_value());
  CHECK(link->starts_with(s3.server.endpoint() + kPath + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="));
  CHECK(link->find("&X-Amz-Expires=60&X-Amz-SignedHeaders=host&response-content-disposition=inline%3B%20filename%3D%22"
                   "a%20b.png%22&response-content-type=image%2Fpng&X-Amz-Signature=") != std::string::npos);
}

TEST_CASE("settings that cannot work are refused before anything is sent", "[s3][s3_store]") {
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  ManualClock clock;
  const auto store = S3Store::open({}, http, std::make_unique<StaticAwsCredentials>(AwsCredentials{}), clock);
  REQUIRE(store.has_error());
  CHECK(store.error().reason() == "no_bucket");
}

}  // namespace imgimport
