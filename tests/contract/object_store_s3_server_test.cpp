// What a real S3 server says to what S3Store sends, beyond the contract: signatures, refusals, tickets, links.
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/system_clock.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "http_client/curl_client.hpp"
#include "storage/s3/s3_store.hpp"
#include "support/radosgw.hpp"

namespace imgimport {
namespace {

const ObjectKey kKey("p/1AbC/v1/beach.jpg");

// The system's clock, put forward or back.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(std::chrono::minutes shift) : shift_(shift) {}
  Timestamp now() const override { return SystemClock().now() + shift_; }
  std::chrono::steady_clock::time_point steady_now() const override { return SystemClock().steady_now(); }

 private:
  const std::chrono::minutes shift_;
};

struct Fixture {
  struct Changes {
    std::string bucket = "images";
    std::string secret;
    std::string access_key;
    std::chrono::minutes clock_shift{0};
  };
  explicit Fixture(Changes changes) : clock(changes.clock_shift) {
    AwsCredentials keys{.access_key_id = server.access_key(), .secret_access_key = server.secret_key()};
    if (!changes.secret.empty()) keys.secret_access_key = changes.secret;
    if (!changes.access_key.empty()) keys.access_key_id = changes.access_key;
    S3Options options;
    options.bucket = changes.bucket;
    options.region = "us-east-1";
    options.endpoint_url = server.endpoint();
    store =
        S3Store::open(std::move(options), http, std::make_unique<StaticAwsCredentials>(std::move(keys)), clock).value();
  }
  Fixture() : Fixture(Changes{}) {}

  Result<ObjectInfo> put(const ObjectKey& key, const std::string& content, const ContentHashes& expected = {}) {
    return store->put({}, key, MemoryBlob(content), {.content_type = "image/jpeg", .expected = expected});
  }
  std::string content_of(const ObjectKey& key) {
    const auto content = store->get({}, key, std::nullopt);
    if (!content.has_value()) return std::string(content.error().reason_or_code());
    std::string bytes(content->length, '\0');
    std::size_t filled = 0;
    for (;;) {
      std::array<std::byte, 4096> piece;
      const auto count = content->reader->read({}, piece);
      if (!count.has_value() || *count == 0) break;
      bytes.replace(filled, *count, reinterpret_cast<const char*>(piece.data()), *count);
      filled += *count;
    }
    return bytes;
  }
  // What somebody without credentials gets.
  HttpClientResponse send(HttpMethod method, const std::string& url, const HttpHeaders& headers = {},
                          const std::string& body = "") {
    HttpClientRequest request;
    request.method = method;
    request.url = url;
    request.headers = headers;
    request.body = body;
    return http.send({}, request).value();
  }

  const Radosgw& server = Radosgw::shared();
  const ShiftedClock clock;
  CurlHttpClient http{{.ca = {}, .proxies = ProxyUse::kIgnore}};
  std::unique_ptr<S3Store> store;
};

template <class T>
std::string reason_of(const Result<T>& result) {
  return result.has_value() ? std::string() : std::string(result.error().reason_or_code());
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a real S3 takes the signature of every key that is one", "[s3][s3_server]") {
  Fixture s3;
  const std::vector<std::string> keys = {
      "a",
      "p/with space and  two/a b.jpg",
      "p/plus+and(parentheses)/a+b(1).jpg",
      "p/$dollar/%percent%20/100%.jpg",
      "p/~tilde/a~b_c-d.e!f*g'h\"i.jpg",
      "p/&amp;=eq/a&b=c;d,e:f@g.jpg",
      "p/#hash?query/[brackets]{braces}|pipe^caret`tick<lt>gt",
      "p/ünïcödé/日本語/😀/e\u0301.jpg",
      "p/..hidden/...dots/a..b",
      " leading/ and trailing / spaces ",
      // Ceph stores names of up to 1,024 bytes, and takes a multi-byte character for more than one of them.
      std::string(255, 'x') + "/" + std::string(255, 'y') + "/" + std::string(255, 'z') + "/" + std::string(250, 'w'),
  };
  for (const std::string& name : keys) {
    CAPTURE(name);
    const ObjectKey key(name);
    const auto put = s3.put(key, "content of " + name);
    CHECK(reason_of(put) == "");
    CHECK(s3.content_of(key) == "content of " + name);
    CHECK(s3.store->head({}, key).has_value());
    const auto link = s3.store->link({}, key, {});
    CHECK(s3.send(HttpMethod::kGet, link.value()).body == "content of " + name);
    CHECK(s3.store->remove({}, key).has_value());
    CHECK(reason_of(s3.store->head({}, key)) == "no_such_object");
  }
}

TEST_CASE("a wrong key stops the job and names the setting", "[s3][s3_server]") {
  Fixture wrong_secret({.secret = "not-the-secret"});
  const auto refused = wrong_secret.put(kKey, "x");
  CHECK(reason_of(refused) == "signature_mismatch");
  CHECK(refused.error().stops_the_job());
  CHECK(says(refused.error().remedy(), "AWS_SECRET_ACCESS_KEY"));
  CHECK_FALSE(says(refused.error().message(), "not-the-secret"));
  Fixture unknown({.access_key = "NOBODYHASTHISKEY0001"});
  const auto stranger = unknown.put(kKey, "x");
  CHECK(reason_of(stranger) == "access_key_unknown");
  CHECK(stranger.error().stops_the_job());
  CHECK(says(stranger.error().remedy(), "AWS_ACCESS_KEY_ID"));
}

TEST_CASE("a missing bucket stops the job, whichever call meets it", "[s3][s3_server]") {
  Fixture s3({.bucket = "no-such-bucket-here"});
  const auto put = s3.put(kKey, "x");
  CHECK(reason_of(put) == "no_such_bucket");
  CHECK(put.error().stops_the_job());
  CHECK(says(put.error().message(), "no-such-bucket-here"));
  CHECK(says(put.error().remedy(), "AWS_BUCKET_NAME"));
  CHECK(reason_of(s3.store->inspect({}, kKey)) == "no_such_bucket");
  CHECK(reason_of(s3.store->get({}, kKey, std::nullopt)) == "no_such_bucket");
  CHECK(reason_of(s3.store->remove({}, kKey)) == "no_such_bucket");
  CHECK(reason_of(s3.store->check_bucket({})) == "no_such_bucket");
  CHECK(Fixture().store->check_bucket({}).has_value());
}

TEST_CASE("a clock that is off stops the job and says by how much", "[s3][s3_server]") {
  Fixture ahead({.clock_shift = std::chrono::minutes(40)});
  const auto refused = ahead.put(kKey, "x");
  CHECK(reason_of(refused) == "clock_off");
  CHECK(refused.error().stops_the_job());
  CHECK(says(refused.error().message(), "40 minutes ahead"));
  Fixture behind({.clock_shift = std::chrono::minutes(-60)});
  CHECK(says(behind.put(kKey, "x").error().message(), "60 minutes behind"));
  Fixture tolerable({.clock_shift = std::chrono::minutes(10)});
  CHECK(tolerable.put(kKey, "x").has_value());
}

TEST_CASE("the bucket itself refuses other bytes than were promised", "[s3][s3_server]") {
  Fixture s3;
  const ObjectKey key("p/1AbC/v1/flipped.jpg");
  std::string content(5000, 'x');
  const ContentHashes right{.md5 = md5_hex(content), .sha256 = sha256_hex(content)};
  REQUIRE(s3.put(key, "old").has_value());
  content[2500] = 'y';
  for (const ContentHashes& expected :
       {ContentHashes{.sha256 = right.sha256}, ContentHashes{.md5 = right.md5}, right}) {
    const auto refused = s3.put(key, content, expected);
    CHECK(reason_of(refused) == "checksum_mismatch");
    CHECK(refused.error().blames_the_file());
    // A stream is not looked at here: the bucket is.
    const StreamBlob stream(content, {.size = content.size()});
    CHECK(reason_of(s3.store->put({}, key, stream, {.content_type = {}, .expected = expected})) == "checksum_mismatch");
  }
  CHECK(s3.content_of(key) == "old");
}

TEST_CASE("a small image costs one request", "[s3][s3_server]") {
  Fixture s3;
  const ObjectKey key("p/1AbC/v1/one-request.jpg");
  REQUIRE(s3.put(key, std::string(64 << 10, 'x')).has_value());
  const auto to_key = [&] {
    std::vector<std::string> found;
    for (const std::string& request : s3.server.requests()) {
      if (says(request, "one-request.jpg")) found.push_back(request);
    }
    return found;
  };
  // The log is written a moment later, in order: a later request's line says that ours is there.
  const CallContext patience = CallContext{}.with_timeout(std::chrono::seconds(20));
  const auto marked = [&] {
    const auto all = s3.server.requests();
    return !all.empty() && says(all.back(), "marker.jpg");
  };
  while (!marked() && patience.check().has_value()) static_cast<void>(s3.store->head({}, ObjectKey("p/marker.jpg")));
  CHECK(to_key() == std::vector<std::string>{"\"PUT /images/p/1AbC/v1/one-request.jpg HTTP/1.1\" 200"});
}

TEST_CASE("a bucket that is full stops the job", "[s3][s3_server]") {
  Fixture s3({.bucket = "full"});
  s3.server.create_bucket("full");
  REQUIRE(s3.put(ObjectKey("first"), "x").has_value());
  s3.server.set_object_quota("full", 1);
  Result<ObjectInfo> refused = s3.put(ObjectKey("second"), "x");
  // The gateway hears of the new quota a moment later.
  const CallContext patience = CallContext{}.with_timeout(std::chrono::seconds(20));
  for (int n = 3; refused.has_value() && patience.check().has_value(); ++n) {
    refused = s3.put(ObjectKey(std::to_string(n)), "x");
  }
  CHECK(reason_of(refused) == "quota_exceeded");
  CHECK(refused.error().code() == ErrorCode::kOutOfSpace);
  CHECK(refused.error().stops_the_job());
  CHECK(says(refused.error().message(), "full"));
}

TEST_CASE("the holder of a ticket can do the planned put, and no other", "[s3][s3_server]") {
  Fixture s3;
  const std::string content = "an image of somebody else's";
  const ObjectKey key("p/tickets/v 1/(a+b)ü.jpg");
  const std::vector<PlannedPut> plans = {
      {.key = key,
       .size_bytes = content.size(),
       .options = {.content_type = "image/jpeg",
                   .expected = {.md5 = md5_hex(content), .sha256 = sha256_hex(content)}}}};
  const UploadTicket ticket = s3.store->tickets({}, plans).value().front();

  std::string flipped = content;
  flipped[3] ^= 1;
  CHECK(says(s3.send(HttpMethod::kPut, ticket.url, ticket.headers, flipped).body, "XAmzContentSHA256Mismatch"));
  CHECK(s3.send(HttpMethod::kPut, ticket.url, ticket.headers, content + "more").status == 403);
  HttpHeaders other_type = ticket.headers;
  other_type.set("Content-Type", "text/html");
  CHECK(s3.send(HttpMethod::kPut, ticket.url, other_type, content).status == 403);
  CHECK(s3.send(HttpMethod::kPut, ticket.url + "x", ticket.headers, content).status == 403);
  CHECK(s3.send(HttpMethod::kDelete, ticket.url, ticket.headers).status == 403);
  CHECK(reason_of(s3.store->head({}, key)) == "no_such_object");

  const HttpClientResponse answer = s3.send(HttpMethod::kPut, ticket.url, ticket.headers, content);
  const auto info =
      s3_put_result({.request = {.method = HttpMethod::kPut, .key = key.value(), .bucket = "images"},
                     .size_bytes = content.size(),
                     .promised = plans.front().options.expected},
                    {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = s3.clock.now()});
  REQUIRE(info.has_value());
  CHECK(info->etag == md5_hex(content));
  CHECK(info->hashes.sha256 == sha256_hex(content));
  CHECK(s3.content_of(key) == content);
}

TEST_CASE("a ticket without a hash still binds the size", "[s3][s3_server]") {
  Fixture s3;
  const std::vector<PlannedPut> plans = {{.key = ObjectKey("p/tickets/unhashed"), .size_bytes = 5, .options = {}},
                                         {.key = ObjectKey("p/tickets/unsized"), .options = {}}};
  const auto tickets = s3.store->tickets({}, plans).value();
  CHECK(s3.send(HttpMethod::kPut, tickets[0].url, tickets[0].headers, "six ..").status == 403);
  CHECK(s3.send(HttpMethod::kPut, tickets[0].url, tickets[0].headers, "five.").status == 200);
  CHECK(s3.send(HttpMethod::kPut, tickets[1].url, tickets[1].headers, "any").status == 200);
}

TEST_CASE("a ticket of half an hour ago is refused", "[s3][s3_server]") {
  Fixture s3({.clock_shift = std::chrono::minutes(-30)});
  const std::vector<PlannedPut> plans = {{.key = ObjectKey("p/tickets/late"), .size_bytes = 1, .options = {}}};
  const auto tickets = s3.store->tickets({}, plans).value();
  CHECK(says(s3.send(HttpMethod::kPut, tickets[0].url, tickets[0].headers, "x").body, "RequestTimeTooSkewed"));
}

TEST_CASE("a link reads one object under the type and name asked for, until it ends", "[s3][s3_server]") {
  Fixture s3;
  REQUIRE(s3.put(kKey, "pixels").has_value());
  const std::string link =
      s3.store->link({}, kKey, {.content_type = "image/png", .content_disposition = "inline; filename=\"a b.png\""})
          .value();
  const HttpClientResponse answer = s3.send(HttpMethod::kGet, link);
  CHECK(answer.status == 200);
  CHECK(answer.body == "pixels");
  CHECK(answer.headers.find("Content-Type") == "image/png");
  CHECK(answer.headers.find("Content-Disposition") == "inline; filename=\"a b.png\"");
  CHECK(s3.send(HttpMethod::kPut, link, {}, "other").status == 403);
  std::string other_object = link;
  other_object.replace(other_object.find("beach"), 5, "leach");
  CHECK(s3.send(HttpMethod::kGet, other_object).status == 403);
  Fixture yesterday({.clock_shift = std::chrono::minutes(-24 * 60)});
  const std::string ended = yesterday.store->link({}, kKey, {}).value();
  CHECK(s3.send(HttpMethod::kGet, ended).status == 403);
}

TEST_CASE("a server that hangs does not hold a put beyond its deadline", "[s3][s3_server]") {
  Fixture s3;
  const ObjectKey key("p/1AbC/v1/hanging.jpg");
  s3.server.freeze_storage();
  const auto put = s3.store->put(CallContext{}.with_timeout(std::chrono::milliseconds(300)), key, MemoryBlob("x"), {});
  s3.server.thaw_storage();
  CHECK(reason_of(put) == "deadline_exceeded");
  // The same bytes, as under every key of ours: the server may finish the given-up request after the second one.
  CHECK(s3.put(key, "x").has_value());
  CHECK(s3.content_of(key) == "x");
}

}  // namespace imgimport
