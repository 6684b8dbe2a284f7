// The ticket path over a local disk: issuer and disk behind a real HTTP server, the holder of tickets before it.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/system_clock.hpp"
#include "base/thread_pool.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "http_server/server.hpp"
#include "object_store_contract.hpp"
#include "storage/local/local_store.hpp"
#include "storage/storage_module.hpp"
#include "storage/ticket/ticket_store.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

// The storage service as it runs: its module's routes, behind the guard of an internal port.
class StorageService {
 public:
  explicit StorageService(const std::filesystem::path& data)
      : module_(LocalStore::open(data).value(), clock_), server_({}, pool_) {
    module_.mount(router_);
    router_.set_guard([](const HttpRequest&) { return HttpResponse{.status = 401}; });
    HttpListenerOptions listener;
    listener.name = "storage";
    listener.router = &router_;
    url_ = "http://127.0.0.1:" + std::to_string(server_.listen(listener).value());
    server_.start();
  }
  ~StorageService() {
    module_.stop(std::chrono::steady_clock::now());
    server_.stop(std::chrono::steady_clock::now());
  }

  ObjectStore& store() { return module_.store(); }
  const std::string& url() const { return url_; }

 private:
  SystemClock clock_;
  ThreadPool pool_{"requests", 4};
  StorageModule module_;
  Router router_;
  HttpServer server_;
  std::string url_;
};

// With a service of its own.
class WholePath final : public ObjectStore {
 public:
  explicit WholePath(const std::filesystem::path& data)
      : service_(data), tickets_({service_.store(), http_, clock_, service_.url()}) {}

  const StorePlace& place() const override { return tickets_.place(); }
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override {
    return tickets_.put(context, key, blob, options);
  }
  Result<void> flush(const CallContext& context) override { return tickets_.flush(context); }
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override {
    return tickets_.head(context, key);
  }
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override {
    return tickets_.inspect(context, key);
  }
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override {
    return tickets_.get(context, key, range);
  }
  Result<void> remove(const CallContext& context, const ObjectKey& key) override {
    return tickets_.remove(context, key);
  }
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override {
    return tickets_.tickets(context, plans);
  }
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override {
    return tickets_.link(context, key, options);
  }

 private:
  SystemClock clock_;
  StorageService service_;
  CurlHttpClient http_{{.ca = {}, .proxies = ProxyUse::kIgnore}};
  TicketStore tickets_;
};

}  // namespace

TEST_CASE("the ticket path keeps the contract of ObjectStore, over a local disk", "[object_store][contract]") {
  const TempDir dir;
  int stores = 0;
  contract::check_object_store(
      [&] { return std::make_unique<WholePath>(dir.path() / ("data-" + std::to_string(++stores))); });
}

TEST_CASE("a ticket of the local disk is the right to one put of exactly its plan", "[object_store]") {
  const TempDir dir;
  StorageService service(dir.path() / "data");
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
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
    return http.send({}, request).value();
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
    const auto answer = http.send({}, request).value();
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
  WholePath store(dir.path() / "data");
  const ObjectKey key("a/b/c.jpg");
  std::string content(20'000'000, 'x');
  for (std::size_t i = 0; i < content.size(); i += 997) content[i] = static_cast<char>(i);
  const auto put = store.put({}, key, StreamBlob(content, {.size = content.size()}), {.content_type = "image/jpeg"});
  REQUIRE(put.has_value());
  CHECK(put->hashes.sha256 == sha256_hex(content));
  CHECK(store.inspect({}, key).value().hashes.sha256 == sha256_hex(content));
  const ObjectKey other("a/b/d.jpg");
  const auto half = store.put({}, other, StreamBlob(content, {.size = content.size() + 1}), {});
  CHECK_FALSE(half.has_value());
  CHECK(store.head({}, other).error().code() == ErrorCode::kNotFound);
}

}  // namespace imgimport
