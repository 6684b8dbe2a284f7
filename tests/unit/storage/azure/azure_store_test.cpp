// What AzureStore makes of a server that misbehaves in ways which no emulator can be brought to.
#include "storage/azure/azure_store.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "crypto/hash.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "storage/azure/azure_put.hpp"
#include "support/http_imposter.hpp"

namespace imgimport {
namespace {

using test::HttpImposter;
using test::ImposterEnding;
using test::ImposterReply;
using test::ImposterRequest;

const ObjectKey kKey("photos/1AbC/0123/beach.jpg");
const std::string kContent = "these are the bytes of an image";

ImposterReply created() {
  return {.status = 201, .headers = {{"ETag", "\"0x8D4\""}, {"x-ms-request-id", "1"}}};
}

ImposterReply refusal(int status, const std::string& code,
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
  headers.emplace_back("x-ms-request-id", "1");
  headers.emplace_back("x-ms-error-code", code);
  return {.status = status, .headers = std::move(headers), .body = "<Error><Code>" + code + "</Code></Error>"};
}

std::string comp(const ImposterRequest& request) {
  return request.target.find('?') == std::string::npos ? std::string() : request.query("comp");
}

bool makes_container(const ImposterRequest& request) {
  return request.target == "/devstoreaccount1/images?restype=container";
}

// A store on a scripted server.
class Scene {
 public:
  explicit Scene(HttpImposter::Script script, std::function<void(AzureStoreOptions&)> adjust = {})
      : server(std::move(script)), http_({.proxies = ProxyUse::kIgnore}) {
    AzureStoreOptions options{.account = parse_azure_connection_string(
                                             "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=" + server.url())
                                             .value(),
                              .container = "images"};
    options.stall_timeout = std::chrono::milliseconds(300);
    options.block_bytes = 1000;
    if (adjust) adjust(options);
    store_ = AzureStore::create(http_, clock_, std::move(options)).value();
  }

  AzureStore& store() { return *store_; }
  Result<ObjectInfo> put(const Blob& blob, const ContentHashes& expected = {}) {
    return store_->put({}, kKey, blob, {.content_type = "image/jpeg", .expected = expected});
  }
  Error failing_put() {
    const auto info = put(MemoryBlob(kContent));
    REQUIRE_FALSE(info.has_value());
    return info.error();
  }

  HttpImposter server;

 private:
  ManualClock clock_;
  CurlHttpClient http_;
  std::unique_ptr<AzureStore> store_;
};

ImposterReply always_created(const ImposterRequest&) {
  return created();
}

}  // namespace

TEST_CASE("a small image is one request, checked by its MD5", "[azure]") {
  Scene scene(always_created);
  REQUIRE(scene.put(MemoryBlob(kContent)).has_value());
  const auto requests = scene.server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "PUT");
  CHECK(requests[0].target == "/devstoreaccount1/images/photos/1AbC/0123/beach.jpg");
  CHECK(requests[0].body == kContent);
  CHECK(requests[0].header("x-ms-blob-content-md5") == md5_to_base64(md5_hex(kContent)));
  CHECK(requests[0].header("x-ms-meta-sha256") == sha256_hex(kContent));
  CHECK(requests[0].header("x-ms-blob-content-type") == "image/jpeg");
  CHECK(requests[0].header("x-ms-date") == "Fri, 02 Jan 2026 03:04:05 GMT");
  CHECK(requests[0].header("Expect").empty());
}

TEST_CASE("a stream with its MD5 is one request as well, and its other hash is held against it", "[azure]") {
  Scene scene(always_created);
  const StreamBlob blob(kContent, {.size = kContent.size(), .piece = 7});
  const auto info = scene.put(blob, {.md5 = md5_hex(kContent)});
  REQUIRE(info.has_value());
  CHECK(info->hashes.sha256 == sha256_hex(kContent));
  CHECK(scene.server.requests().size() == 1);
  const auto refused = scene.put(blob, {.md5 = md5_hex(kContent), .sha256 = sha256_hex("other")});
  CHECK(refused.error().reason() == "checksum_mismatch");
  // The body broke off before its end: the server never had a whole request.
  CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("a stream without MD5 becomes an object only when its hash has agreed", "[azure]") {
  Scene scene(always_created);
  const std::string content(2500, 'x');
  const StreamBlob blob(content, {.size = content.size()});
  REQUIRE(scene.put(blob, {.sha256 = sha256_hex(content)}).has_value());
  auto requests = scene.server.requests();
  REQUIRE(requests.size() == 4);
  for (int i = 0; i < 3; ++i) {
    CHECK(comp(requests[i]) == "block");
    CHECK(requests[i].header("Content-MD5") == md5_to_base64(md5_hex(requests[i].body)));
    CHECK(requests[3].body.find("<Uncommitted>") != std::string::npos);
  }
  CHECK(requests[0].body + requests[1].body + requests[2].body == content);
  CHECK(comp(requests[3]) == "blocklist");
  CHECK(requests[3].header("x-ms-blob-content-md5") == md5_to_base64(md5_hex(content)));
  CHECK(requests[3].header("x-ms-meta-sha256") == sha256_hex(content));

  CHECK(scene.put(blob, {.sha256 = sha256_hex("other")}).error().reason() == "checksum_mismatch");
  requests = scene.server.requests();
  CHECK(comp(requests.back()) == "block");
}

TEST_CASE("blocks that another put threw away are sent again", "[azure]") {
  std::atomic<int> commits{0};
  Scene scene([&](const ImposterRequest& request) {
    if (comp(request) == "blocklist" && ++commits == 1) return refusal(400, "InvalidBlockList");
    return created();
  });
  CHECK(scene.put(StreamBlob(std::string(1500, 'x'), {})).has_value());
  CHECK(commits == 2);
}

TEST_CASE("a missing container is made once, and the image put again", "[azure]") {
  std::atomic<bool> made{false};
  Scene scene([&](const ImposterRequest& request) {
    if (makes_container(request)) return made.exchange(true) ? refusal(409, "ContainerAlreadyExists") : created();
    return made ? created() : refusal(404, "ContainerNotFound");
  });
  CHECK(scene.put(MemoryBlob(kContent)).has_value());
  CHECK(scene.server.requests().size() == 3);
  CHECK(scene.put(MemoryBlob(kContent)).has_value());
  CHECK(scene.server.requests().size() == 4);
}

TEST_CASE("a container that may not be made is a setting's fault", "[azure]") {
  Scene scene([](const ImposterRequest& request) {
    return makes_container(request) ? refusal(403, "AuthorizationPermissionMismatch")
                                    : refusal(404, "ContainerNotFound");
  });
  const Error error = scene.failing_put();
  CHECK(error.code() == ErrorCode::kMisconfigured);
  CHECK(error.reason() == "no_such_container");
  CHECK(error.remedy().find("AZURE_STORAGE_CONTAINER_NAME") != std::string::npos);
  CHECK(scene.server.requests().size() == 2);
}

TEST_CASE("a container on its way out is waited for", "[azure]") {
  Scene scene([](const ImposterRequest& request) {
    return makes_container(request) ? refusal(409, "ContainerBeingDeleted") : refusal(404, "ContainerNotFound");
  });
  CHECK(scene.failing_put().reason() == "container_being_deleted");
  CHECK(scene.failing_put().is_transient());
}

TEST_CASE("a busy server is told by its code and its wait, and asked no second time", "[azure]") {
  Scene scene([](const ImposterRequest&) { return refusal(503, "ServerBusy", {{"Retry-After", "9"}}); });
  const Error error = scene.failing_put();
  CHECK(error.code() == ErrorCode::kRateLimited);
  CHECK(error.retry_after() == std::chrono::seconds(9));
  CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("a connection that breaks once costs nothing, one that breaks again is told", "[azure]") {
  std::atomic<int> breaks{1};
  Scene scene([&](const ImposterRequest&) {
    return --breaks >= 0 ? ImposterReply::nothing(ImposterEnding::kReset) : created();
  });
  CHECK(scene.put(MemoryBlob(kContent)).has_value());
  breaks = 100;
  CHECK(scene.failing_put().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a server that stalls is given up", "[azure]") {
  Scene scene([](const ImposterRequest&) { return ImposterReply::nothing(ImposterEnding::kStall); });
  const Error error = scene.failing_put();
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.reason() == "stalled");
  CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("an answer that ends early is no success", "[azure]") {
  Scene scene([](const ImposterRequest& request) {
    if (request.method != "GET") return created();
    ImposterReply reply{.status = 200, .headers = {{"ETag", "\"1\""}}, .body = kContent};
    reply.cut_body_after = 5;
    reply.ending = ImposterEnding::kClose;
    return reply;
  });
  const auto content = scene.store().get({}, kKey, std::nullopt);
  REQUIRE(content.has_value());
  std::array<std::byte, 64> buffer;
  Result<std::size_t> count = std::size_t{1};
  while (count.has_value() && *count > 0) count = content->reader->read({}, buffer);
  REQUIRE_FALSE(count.has_value());
  CHECK(count.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a success that comes before the body's end is not believed", "[azure]") {
  class Hasty final : public HttpClient {
   public:
    Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest&) override {
      return HttpClientResponse{.status = 201};
    }
    Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
      return Error(ErrorCode::kInternal, "not asked");
    }
  };
  Hasty http;
  const ManualClock clock;
  const auto store = AzureStore::create(http, clock,
                                        {.account = parse_azure_connection_string("UseDevelopmentStorage=true").value(),
                                         .container = "images"})
                         .value();
  const StreamBlob blob(kContent, {.size = kContent.size()});
  const auto info = store->put({}, kKey, blob, {.content_type = {}, .expected = {.md5 = md5_hex(kContent)}});
  REQUIRE_FALSE(info.has_value());
  CHECK(info.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a page in Azure's place, however long, is no object and no verdict", "[azure]") {
  Scene scene([](const ImposterRequest&) {
    return ImposterReply{.status = 404, .headers = {{"Content-Type", "text/html"}}, .body = std::string(200'000, 'x')};
  });
  CHECK(scene.failing_put().reason() == "unexpected_answer");
  CHECK(scene.store().get({}, kKey, std::nullopt).error().reason() == "unexpected_answer");
  CHECK(scene.store().remove({}, kKey).error().reason() == "unexpected_answer");
}

TEST_CASE("removing from a container that does not exist is a setting's fault, not success", "[azure]") {
  Scene scene([](const ImposterRequest&) { return refusal(404, "ContainerNotFound"); });
  CHECK(scene.store().remove({}, kKey).error().code() == ErrorCode::kMisconfigured);
  CHECK(scene.store().head({}, kKey).error().code() == ErrorCode::kMisconfigured);
}

TEST_CASE("the last bytes are those of the object whose size was told", "[azure]") {
  Scene scene([](const ImposterRequest& request) {
    if (request.method != "HEAD") return refusal(412, "ConditionNotMet");
    return ImposterReply{.status = 200, .headers = {{"ETag", "\"0x8D4\""}, {"x-ms-request-id", "1"}}, .body = kContent};
  });
  const auto content = scene.store().get({}, kKey, ByteRange{.suffix = 5});
  CHECK(content.error().is_transient());
  const auto requests = scene.server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].header("If-Match") == "\"0x8D4\"");
  CHECK(requests[1].header("Range") == "bytes=26-30");
}

TEST_CASE("the access tier goes with every way to put", "[azure]") {
  Scene scene(always_created, [](AzureStoreOptions& options) { options.access_tier = "cool"; });
  REQUIRE(scene.put(MemoryBlob(kContent)).has_value());
  REQUIRE(scene.put(StreamBlob(std::string(1500, 'x'), {})).has_value());
  const auto requests = scene.server.requests();
  CHECK(requests.front().header("x-ms-access-tier") == "Cool");
  CHECK(requests.back().header("x-ms-access-tier") == "Cool");
}

TEST_CASE("settings that Azure would refuse are refused at the start", "[azure]") {
  CurlHttpClient http({.proxies = ProxyUse::kIgnore});
  const ManualClock clock;
  const auto outcome = [&](const std::string& container, const std::string& tier, const std::string& prefix = "") {
    AzureStoreOptions options{.account = parse_azure_connection_string("UseDevelopmentStorage=true").value(),
                              .container = container,
                              .prefix = prefix,
                              .access_tier = tier};
    const auto store = AzureStore::create(http, clock, std::move(options));
    return store.has_value() ? std::string() : store.error().message();
  };
  CHECK(outcome("images-2", "").empty());
  CHECK(outcome("$web", "HOT").empty());
  for (const std::string bad : {"", "ab", "Images", "my_images", "-images", "images-", "my--images", "a/b"}) {
    CHECK(outcome(bad, "").find("AZURE_STORAGE_CONTAINER_NAME") != std::string::npos);
  }
  CHECK(outcome("images", "STANDARD_IA").find("STORAGE_CLASS") != std::string::npos);
  CHECK(outcome("images", "", "a.b/c").empty());
  CHECK(outcome("images", "", "a./b").find("OBJECT_PREFIX") != std::string::npos);
}

TEST_CASE("with a shared access signature, each request carries it, and no rights are handed out", "[azure]") {
  Scene scene(always_created, [](AzureStoreOptions& options) {
    options.account.key.clear();
    options.account.sas = "sv=2021-12-02&sig=abc%3D";
  });
  REQUIRE(scene.put(MemoryBlob(kContent)).has_value());
  const auto requests = scene.server.requests();
  CHECK(requests[0].query("sig") == "abc%3D");
  CHECK(requests[0].header("Authorization").empty());
  const PlannedPut plan{.key = kKey};
  const Error no_tickets = scene.store().tickets({}, std::span(&plan, 1)).error();
  CHECK(no_tickets.stops_the_job());
  CHECK(no_tickets.reason() == "no_account_key");
  CHECK_FALSE(no_tickets.remedy().empty());
  CHECK(scene.store().link({}, kKey, {}).error().code() == ErrorCode::kUnsupported);
  CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("a thousand tickets cost one request, and that only once", "[azure]") {
  Scene scene(always_created);
  std::vector<PlannedPut> plans;
  for (int i = 0; i < 1000; ++i) plans.push_back({.key = ObjectKey("photos/" + std::to_string(i) + "/v/a.jpg")});
  const auto tickets = scene.store().tickets({}, plans);
  REQUIRE(tickets.has_value());
  CHECK(tickets->size() == 1000);
  CHECK((*tickets)[7].key == plans[7].key);
  CHECK((*tickets)[7].url.find("sp=cw") != std::string::npos);
  REQUIRE(scene.store().tickets({}, plans).has_value());
  CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("tickets of a refused key tell of the key, not of the container", "[azure]") {
  Scene scene([](const ImposterRequest&) { return refusal(403, "AuthenticationFailed"); });
  const PlannedPut plan{.key = kKey};
  CHECK(scene.store().tickets({}, std::span(&plan, 1)).error().reason() == "authentication_failed");
  CHECK(scene.failing_put().reason() == "authentication_failed");
}

TEST_CASE("an error of the source passes as it is", "[azure]") {
  Scene scene(always_created);
  const Error gone = Error(ErrorCode::kTooLarge, "the source says so").with_reason("source");
  const StreamBlob blob(kContent, {.size = kContent.size() + 1, .fails_with = gone});
  CHECK(scene.put(blob, {.md5 = md5_hex(kContent)}).error().reason() == "source");
  CHECK(scene.put(blob).error().reason() == "source");
  CHECK(scene.server.requests().empty());
}

TEST_CASE("names that Azure would change are refused", "[azure]") {
  Scene scene(always_created);
  for (const std::string bad : {"a/b.", "a./b", "a/b./c"}) {
    CHECK(scene.store().put({}, ObjectKey(bad), MemoryBlob("x"), {}).error().reason() == "bad_object_key");
  }
  CHECK(scene.server.requests().empty());
}

}  // namespace imgimport
