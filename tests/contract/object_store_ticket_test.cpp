// The ticket path: over a local disk, whose storage service is a real HTTP server before it, and over real clouds.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/system_clock.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "object_store_contract.hpp"
#include "storage/azure/azure_store.hpp"
#include "storage/local/local_store.hpp"
#include "storage/remote/remote_object_store.hpp"
#include "storage/s3/s3_store.hpp"
#include "storage/ticket/ticket_store.hpp"
#include "support/azurite.hpp"
#include "support/radosgw.hpp"
#include "support/storage_service.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

const SystemClock kClock;

CurlHttpClient& http_client() {
  static CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  return http;
}

std::unique_ptr<ObjectStore> by_tickets_of(ObjectStore& issuer, std::string base_url = {}) {
  return std::make_unique<TicketStore>(TicketStoreParts{issuer, http_client(), kClock, std::move(base_url)});
}

}  // namespace

TEST_CASE("the ticket path keeps the contract of ObjectStore, over the storage service of a local disk",
          "[object_store][contract]") {
  const TempDir dir;
  std::vector<std::unique_ptr<StorageService>> services;
  std::vector<std::unique_ptr<ServiceClient>> clients;
  std::vector<std::unique_ptr<RemoteObjectStore>> issuers;
  contract::check_object_store([&] {
    services.push_back(std::make_unique<StorageService>(dir.path() / ("data-" + std::to_string(services.size()))));
    const std::string& url = services.back()->url();
    clients.push_back(std::make_unique<ServiceClient>(
        ServiceAddress{.name = "storage", .url = url, .setting = "STORAGE_SERVICE_URL", .token = "token"},
        http_client(), kClock));
    issuers.push_back(std::make_unique<RemoteObjectStore>(*clients.back()));
    return by_tickets_of(*issuers.back(), url);
  });
}

TEST_CASE("the ticket path keeps the contract of ObjectStore, over S3", "[object_store][contract][s3]") {
  const Radosgw& server = Radosgw::shared();
  std::vector<std::unique_ptr<ObjectStore>> issuers;
  contract::check_object_store([&] {
    S3Options options;
    options.bucket = "by-ticket-" + std::to_string(issuers.size());
    options.region = "us-east-1";
    options.endpoint_url = server.endpoint();
    server.create_bucket(options.bucket);
    auto credentials = std::make_unique<StaticAwsCredentials>(
        AwsCredentials{.access_key_id = server.access_key(), .secret_access_key = server.secret_key()});
    issuers.push_back(S3Store::open(std::move(options), http_client(), std::move(credentials), kClock).value());
    return by_tickets_of(*issuers.back());
  });
}

TEST_CASE("the ticket path keeps the contract of ObjectStore, over Azure", "[object_store][contract][azure]") {
  std::vector<std::unique_ptr<ObjectStore>> issuers;
  contract::check_object_store([&] {
    issuers.push_back(
        AzureStore::create(http_client(), kClock,
                           {.account = Azurite::shared().account(), .container = Azurite::fresh_container()})
            .value());
    return by_tickets_of(*issuers.back());
  });
}

TEST_CASE("a ticket of the local disk is the right to one put of exactly its plan", "[object_store]") {
  const TempDir dir;
  StorageService service(dir.path() / "data");
  const std::string bytes = "the image";
  const PlannedPut plan{.key = ObjectKey("a/b c/\u00fc&?.jpg"),
                        .size_bytes = bytes.size(),
                        .options = {.content_type = "image/jpeg", .expected = {.sha256 = sha256_hex(bytes)}}};
  const UploadTicket ticket = service.store().tickets({}, std::span(&plan, 1)).value().at(0);
  REQUIRE(ticket.url.starts_with("/internal/v1/objects/"));
  CHECK(ticket.expires_at > SystemClock().now() + std::chrono::minutes(10));
  const auto put = [&](const std::string& url, const std::string& body) {
    HttpClientRequest request;
    request.method = HttpMethod::kPut;
    request.url = service.url() + url;
    request.body = body;
    return http_client().send({}, request).value();
  };
  const auto replaced = [&](std::string_view part, std::string_view by) {
    std::string url = ticket.url;
    const auto at = url.find(part);
    REQUIRE(at != std::string::npos);
    return url.replace(at, part.size(), by);
  };
  const auto is_stored = [&] { return service.store().head({}, plan.key).has_value(); };

  SECTION("which succeeds, without any token") {
    const auto answer = put(ticket.url, bytes);
    CHECK(answer.status == 201);
    CHECK(answer.body.find("\"size\":9") != std::string::npos);
    CHECK(answer.body.find(sha256_hex(bytes)) != std::string::npos);
    CHECK(service.store().inspect({}, plan.key).value().hashes.sha256 == sha256_hex(bytes));
  }
  SECTION("of no other key") {
    CHECK(put(replaced("/a/", "/x/"), bytes).status == 403);
  }
  SECTION("of no other size") {
    CHECK(put(replaced("size=9", "size=10"), bytes + "!").status == 403);
  }
  SECTION("of no other hash") {
    CHECK(put(replaced(sha256_hex(bytes), sha256_hex("x")), "x").status == 403);
  }
  SECTION("for no longer") {
    CHECK(put(replaced("expires=1", "expires=9"), bytes).status == 403);
  }
  SECTION("with no part left out") {
    CHECK(put(replaced("&sha256=" + sha256_hex(bytes), ""), bytes).status == 403);
  }
  SECTION("not without the MAC") {
    CHECK(put(ticket.url.substr(0, ticket.url.find("&ticket=")), bytes).status == 403);
  }
  SECTION("not of another process") {
    const TempDir other_dir;
    StorageService other(other_dir.path() / "data");
    HttpClientRequest request;
    request.method = HttpMethod::kPut;
    request.url = other.url() + ticket.url;
    request.body = bytes;
    const auto answer = http_client().send({}, request).value();
    CHECK(answer.status == 403);
    CHECK(answer.body.find("bad_ticket") != std::string::npos);
  }
  SECTION("and not with other bytes") {
    const auto wrong = put(ticket.url, "THE IMAGE");
    CHECK(wrong.status == 400);
    CHECK(wrong.body.find("checksum_mismatch") != std::string::npos);
    CHECK(put(ticket.url, "the").status == 400);
    CHECK(put(ticket.url, bytes + "!").status == 400);
    CHECK_FALSE(is_stored());
  }
  if (is_stored()) CHECK(service.store().head({}, plan.key)->size_bytes == bytes.size());
}

TEST_CASE("a stream of any size goes by ticket in flat memory, and half of it is never an object", "[object_store]") {
  const TempDir dir;
  StorageService service(dir.path() / "data");
  const auto store = by_tickets_of(service.store(), service.url());
  const ObjectKey key("a/b/c.jpg");
  std::string content(20'000'000, 'x');
  for (std::size_t i = 0; i < content.size(); i += 997) content[i] = static_cast<char>(i);
  const auto put = store->put({}, key, StreamBlob(content, {.size = content.size()}), {.content_type = "image/jpeg"});
  REQUIRE(put.has_value());
  CHECK(put->hashes.sha256 == sha256_hex(content));
  CHECK(store->inspect({}, key).value().hashes.sha256 == sha256_hex(content));
  const ObjectKey other("a/b/d.jpg");
  const auto half = store->put({}, other, StreamBlob(content, {.size = content.size() + 1}), {});
  CHECK_FALSE(half.has_value());
  CHECK(store->head({}, other).error().code() == ErrorCode::kNotFound);
}

}  // namespace imgimport
