// AzureStore on Azurite, which checks signatures, shared access signatures and MD5s as Azure does.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/system_clock.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "object_store_contract.hpp"
#include "storage/azure/azure_put.hpp"
#include "storage/azure/azure_store.hpp"
#include "storage/azure/sas.hpp"
#include "support/azurite.hpp"

namespace imgimport {
namespace {

const ObjectKey kKey("photos/1AbC/0123abcd/beach.jpg");
const std::string kContent(100'000, 'i');

// Counts requests, and may flip a bit of each body on its way.
class MeddlingClient final : public HttpClient {
 public:
  Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) override {
    ++requests;
    if (!flips || request.upload == nullptr) return inner_.send(context, request);
    const auto bytes = *request.upload->in_memory();
    std::string other(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    other[other.size() / 2] ^= 1;
    const MemoryBlob changed(std::move(other));
    HttpClientRequest copy = request;
    copy.upload = &changed;
    return inner_.send(context, copy);
  }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, const HttpClientRequest& request) override {
    ++requests;
    return inner_.open(context, request);
  }

  std::atomic<int> requests{0};
  std::atomic<bool> flips{false};

 private:
  CurlHttpClient inner_{{.proxies = ProxyUse::kIgnore}};
};

struct Scene {
  explicit Scene(AzureAccount account = Azurite::shared().account(), std::string container = Azurite::fresh_container())
      : store(AzureStore::create(http, clock, {.account = std::move(account), .container = std::move(container)})
                  .value()) {}

  Result<ObjectInfo> put(const ObjectKey& key = kKey, const ContentHashes& expected = {}) {
    return store->put({}, key, MemoryBlob(kContent), {.content_type = "image/jpeg", .expected = expected});
  }
  std::string content(const ObjectKey& key) {
    const auto got = store->get({}, key, std::nullopt);
    if (!got.has_value()) return got.error().message();
    std::string all;
    std::array<std::byte, 8192> buffer;
    for (;;) {
      const auto count = got->reader->read({}, buffer);
      if (!count.has_value()) return count.error().message();
      if (*count == 0) return all;
      all.append(reinterpret_cast<const char*>(buffer.data()), *count);
    }
  }
  // What a holder of nothing but the ticket does.
  HttpClientResponse use(const UploadTicket& ticket, const std::string& url, std::string bytes) {
    HttpClientRequest request{.method = HttpMethod::kPut, .url = url, .headers = ticket.headers};
    request.body = std::move(bytes);
    return http.send({}, request).value();
  }
  HttpClientResponse read(const std::string& url) { return http.send({}, {.url = url}).value(); }
  UploadTicket ticket(const ObjectKey& key, const ContentHashes& expected) {
    const PlannedPut plan{
        .key = key, .size_bytes = kContent.size(), .options = {.content_type = "image/jpeg", .expected = expected}};
    return store->tickets({}, std::span(&plan, 1)).value().front();
  }

  const SystemClock clock;
  MeddlingClient http;
  std::unique_ptr<AzureStore> store;
};

}  // namespace

TEST_CASE("AzureStore keeps the contract of ObjectStore", "[object_store][contract][azure]") {
  const SystemClock clock;
  CurlHttpClient http({.proxies = ProxyUse::kIgnore});
  contract::check_object_store([&]() -> std::unique_ptr<ObjectStore> {
    return AzureStore::create(http, clock,
                              {.account = Azurite::shared().account(), .container = Azurite::fresh_container()})
        .value();
  });
}

TEST_CASE("the container is made with the first image; from then on an image is one request", "[azure]") {
  Scene scene;
  const auto answered = [&] {
    std::vector<std::string> of_this_container;
    for (const std::string& line : Azurite::shared().requests()) {
      if (line.find(scene.store->place({}).value().bucket) != std::string::npos) of_this_container.push_back(line);
    }
    return of_this_container;
  };
  REQUIRE(scene.put().has_value());
  CHECK(scene.http.requests == 3);
  for (int i = 0; i < 10; ++i) {
    const ObjectKey key("photos/" + std::to_string(i) + ".jpg");
    REQUIRE(scene.put(key, {.md5 = md5_hex(kContent), .sha256 = sha256_hex(kContent)}).has_value());
  }
  CHECK(scene.http.requests == 13);
  // A line is written after its answer, and before the next one.
  REQUIRE(scene.store->head({}, kKey).has_value());
  const auto requests = answered();
  REQUIRE(requests.size() >= 13);
  CHECK(requests[12] ==
        "\"PUT /devstoreaccount1/" + scene.store->place({}).value().bucket + "/photos/9.jpg HTTP/1.1\" 201");
}

TEST_CASE("a bit flipped on the way is refused by Azure, and the object stays what it was", "[azure]") {
  Scene scene;
  REQUIRE(scene.put().has_value());
  scene.http.flips = true;
  const auto refused = scene.put(kKey, {.md5 = md5_hex(kContent)});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::kCorrupt);
  CHECK(refused.error().reason() == "checksum_mismatch");
  CHECK(scene.put(ObjectKey("other.jpg")).error().reason() == "checksum_mismatch");
  scene.http.flips = false;
  CHECK((scene.content(kKey) == kContent));
  CHECK(scene.store->head({}, ObjectKey("other.jpg")).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a wrong key is told as such", "[azure]") {
  AzureAccount account = Azurite::shared().account();
  account.key = "another key";
  Scene scene(std::move(account));
  const Error error = scene.put().error();
  CHECK(error.code() == ErrorCode::kUnauthenticated);
  CHECK(error.reason() == "authentication_failed");
  CHECK(error.remedy().find("AZURE_STORAGE_CONNECTION_STRING") != std::string::npos);
  CHECK(scene.store->head({}, kKey).error().stops_the_job());
}

TEST_CASE("an account that does not exist stops the job", "[azure]") {
  AzureAccount account = Azurite::shared().account();
  account.endpoint.replace(account.endpoint.rfind('/') + 1, std::string::npos, "nobody");
  account.name = "nobody";
  Scene scene(std::move(account));
  CHECK(scene.put().error().stops_the_job());
}

TEST_CASE("names of every kind come back under themselves", "[azure]") {
  Scene scene;
  std::vector<std::string> names = {
      "a b.jpg",        "a+b.jpg",     "100%.jpg",           "%41.jpg",        "a#b.jpg", "a?b=c&d.jpg", "ü-日本.jpg",
      "\U0001F600.jpg", "a'\"(b).jpg", "a;b,c=d@e$f!g*.jpg", "a:b|c<d>^`.jpg", "~a~.jpg", "a[b]{c}.jpg"};
  std::string longest(1024, 'x');
  for (std::size_t i = 200; i < longest.size(); i += 200) longest[i] = '/';
  names.push_back(longest);
  for (const std::string& name : names) {
    CAPTURE(name);
    const ObjectKey key(name == longest ? name : "photos/" + name);
    const std::string bytes = "bytes of " + name;
    REQUIRE(scene.store->put({}, key, MemoryBlob(bytes), {}).has_value());
    CHECK((scene.content(key) == bytes));
    const std::string link = scene.store->link({}, key, {}).value();
    CHECK((scene.read(link).body == bytes));
    CHECK(scene.use(scene.ticket(key, {}), scene.ticket(key, {}).url, "new").status == 201);
    CHECK(scene.content(key) == "new");
    CHECK(scene.store->remove({}, key).has_value());
    CHECK(scene.store->head({}, key).error().reason() == "no_such_object");
  }
}

TEST_CASE("what is known of an object comes back with it", "[azure]") {
  Scene scene;
  const auto put = scene.put();
  REQUIRE(put.has_value());
  const auto head = scene.store->head({}, kKey);
  REQUIRE(head.has_value());
  CHECK(head->hashes.md5 == md5_hex(kContent));
  CHECK(head->hashes.sha256 == sha256_hex(kContent));
  CHECK(head->modified_at.has_value());
  const auto inspected = scene.store->inspect({}, kKey);
  CHECK(inspected->hashes.md5 == md5_hex(kContent));
  CHECK(inspected->hashes.sha256.empty());
  const auto part = scene.store->get({}, kKey, ByteRange{.first = 5, .last = 9});
  CHECK(part->info.etag == put->etag);
  // Of the part, Azure would send another MD5.
  CHECK((part->info.hashes.md5.empty() || part->info.hashes.md5 == md5_hex(kContent)));
}

TEST_CASE("a large stream of unknown size becomes one object of many blocks, with its MD5", "[azure]") {
  Scene scene;
  const std::string content(3'500'000, 'b');
  const auto put = scene.store->put({}, kKey, StreamBlob(content, {}), {.content_type = "image/png"});
  REQUIRE(put.has_value());
  CHECK(scene.store->inspect({}, kKey)->hashes.md5 == md5_hex(content));
  CHECK((scene.content(kKey) == content));
  const auto refused =
      scene.store->put({}, kKey, StreamBlob(std::string(3'500'000, 'c'), {}), {.expected = {.sha256 = sha256_hex("")}});
  CHECK(refused.error().reason() == "checksum_mismatch");
  CHECK((scene.content(kKey) == content));
}

TEST_CASE("a ticket puts its one blob without further credentials", "[azure]") {
  Scene scene;
  const ContentHashes hashes{.md5 = md5_hex(kContent), .sha256 = sha256_hex(kContent)};
  const UploadTicket ticket = scene.ticket(kKey, hashes);
  CHECK(ticket.expires_at - scene.clock.now() > std::chrono::minutes(14));
  CHECK_FALSE(ticket.headers.find("Authorization").has_value());
  const auto answer = scene.use(ticket, ticket.url, kContent);
  const auto info = read_azure_put_answer({.size_bytes = kContent.size(), .hashes = hashes}, {}, answer, {});
  REQUIRE(info.has_value());
  CHECK(scene.store->head({}, kKey)->etag == info->etag);
  CHECK(scene.store->head({}, kKey)->hashes == hashes);
  CHECK(scene.read(scene.store->link({}, kKey, {}).value()).headers.find("Content-Type") == "image/jpeg");

  SECTION("it overwrites, so that a PUT can be tried again") {
    CHECK(scene.use(ticket, ticket.url, kContent).status == 201);
  }
  SECTION("other bytes are refused where the MD5 was known") {
    const auto refused = scene.use(ticket, ticket.url, "other bytes");
    CHECK(read_azure_put_answer({.hashes = hashes}, {}, refused, {}).error().reason() == "checksum_mismatch");
  }
  SECTION("where it was not, the answer's MD5 tells") {
    const auto wrong = scene.use(scene.ticket(kKey, {}), scene.ticket(kKey, {}).url, "other bytes");
    CHECK(wrong.status == 201);
    CHECK(read_azure_put_answer({.hashes = hashes}, {}, wrong, {}).error().reason() == "checksum_mismatch");
  }
  SECTION("another blob is refused") {
    std::string url = ticket.url;
    url.replace(url.find("beach.jpg"), 9, "other.jpg");
    CHECK(scene.use(ticket, url, kContent).status == 403);
    CHECK(scene.store->head({}, ObjectKey("photos/1AbC/0123abcd/other.jpg")).error().reason() == "no_such_object");
  }
  SECTION("it neither reads nor removes") {
    CHECK(scene.read(ticket.url).status == 403);
    CHECK(scene.http.send({}, {.method = HttpMethod::kDelete, .url = ticket.url})->status == 403);
  }
  SECTION("more rights cannot be written into it") {
    std::string url = ticket.url;
    url.replace(url.find("sp=cw"), 5, "sp=rcw");
    CHECK(scene.read(url).status == 403);
  }
}

TEST_CASE("an old ticket is refused as such", "[azure]") {
  Scene scene;
  const AzureAccount account = Azurite::shared().account();
  const std::string container = Azurite::fresh_container();
  const auto store =
      AzureStore::create(scene.http, scene.clock,
                         {.account = account, .container = container, .ticket_life = std::chrono::seconds(-60)})
          .value();
  const PlannedPut plan{.key = kKey};
  const UploadTicket old = store->tickets({}, std::span(&plan, 1)).value().front();
  const auto info = read_azure_put_answer({}, {}, scene.use(old, old.url, "x"), scene.clock.now());
  REQUIRE_FALSE(info.has_value());
  CHECK(info.error().code() == ErrorCode::kUnauthenticated);
}

TEST_CASE("a link says what it is told to", "[azure]") {
  Scene scene;
  REQUIRE(scene.put().has_value());
  const std::string link =
      scene.store
          ->link({}, kKey,
                 {.content_type = "image/webp",
                  .content_disposition = "attachment; filename=\"x y.jpg\"; filename*=UTF-8''%C3%BC.jpg"})
          .value();
  const auto answer = scene.read(link);
  CHECK(answer.status == 200);
  CHECK((answer.body == kContent));
  CHECK(answer.headers.find("Content-Type") == "image/webp");
  CHECK(answer.headers.find("Content-Disposition") == "attachment; filename=\"x y.jpg\"; filename*=UTF-8''%C3%BC.jpg");
  const std::string old = scene.store->link({}, kKey, {.valid_for = std::chrono::seconds(-5)}).value();
  CHECK(scene.read(old).status == 403);
}

TEST_CASE("a shared access signature is enough to put, read and remove", "[azure]") {
  Scene with_key;
  REQUIRE(with_key.put().has_value());
  // One for a single blob, made here: Azure takes it as any other.
  AzureAccount account = Azurite::shared().account();
  account.sas = make_blob_sas(account, {.container = with_key.store->place({}).value().bucket,
                                        .blob = kKey.value(),
                                        .permissions = "racwd",
                                        .expires_at = with_key.clock.now() + std::chrono::minutes(5)});
  account.key.clear();
  Scene scene(std::move(account), with_key.store->place({}).value().bucket);
  CHECK(scene.put().has_value());
  CHECK((scene.content(kKey) == kContent));
  CHECK(scene.store->put({}, kKey, StreamBlob(std::string(2'500'000, 's'), {}), {}).has_value());
  CHECK(scene.put(ObjectKey("other.jpg")).error().stops_the_job());
  CHECK(scene.store->remove({}, kKey).has_value());
  CHECK(with_key.store->head({}, kKey).error().reason() == "no_such_object");
}

}  // namespace imgimport
