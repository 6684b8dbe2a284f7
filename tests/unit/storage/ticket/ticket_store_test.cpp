#include "storage/ticket/ticket_store.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "crypto/hash.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_blob.hpp"
#include "fakes/memory_object_store.hpp"
#include "storage/local/local_put.hpp"
#include "storage/local/local_tickets.hpp"

using namespace imgimport;

namespace {

using std::chrono::minutes;

// Issues local tickets and counts how often it is asked, and for how many.
class Issuer final : public ObjectStore {
 public:
  Issuer(const Clock& clock, std::string provider) : clock_(clock), place_{.provider = std::move(provider)} {}

  std::size_t asked = 0;
  std::size_t issued = 0;
  std::optional<Error> error;

  Result<StorePlace> place(const CallContext&) override { return place_; }
  Result<std::vector<UploadTicket>> tickets(const CallContext&, std::span<const PlannedPut> plans) override {
    ++asked;
    if (error) return *error;
    std::vector<UploadTicket> made;
    for (const PlannedPut& plan : plans) {
      made.push_back(tickets_.issue(plan, clock_.now()));
      made.back().headers.set("X-Number", std::to_string(++issued));
    }
    return made;
  }
  Result<ObjectInfo> put(const CallContext&, const ObjectKey&, const Blob&, const PutOptions&) override {
    return Error(ErrorCode::kInternal, "the issuer must not be put to");
  }
  Result<void> flush(const CallContext& context) override { return inner_.flush(context); }
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override {
    return inner_.head(context, key);
  }
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override {
    return inner_.inspect(context, key);
  }
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override {
    return inner_.get(context, key, range);
  }
  Result<void> remove(const CallContext& context, const ObjectKey& key) override { return inner_.remove(context, key); }
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override {
    return inner_.link(context, key, options);
  }

 private:
  const Clock& clock_;
  const StorePlace place_;
  const LocalTickets tickets_;
  MemoryObjectStore inner_;
};

// Answers as it is told to, and keeps what it was sent.
class ScriptedHttp final : public HttpClient {
 public:
  std::vector<HttpClientRequest> requests;
  std::vector<std::string> bodies;
  std::function<Result<HttpClientResponse>(std::size_t)> answer;  // by the number of the request, from 1

  Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) override {
    requests.push_back(request);
    std::string body;
    IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, request.upload->open(context));
    std::vector<std::byte> buffer(1000);
    for (;;) {
      IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader->read(context, buffer));
      if (count == 0) break;
      body.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    bodies.push_back(body);
    return answer(requests.size());
  }
  Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
    return Error(ErrorCode::kInternal, "not used");
  }
};

HttpClientResponse to_client(const HttpResponse& response) {
  return {.status = response.status, .headers = response.headers, .body = std::get<std::string>(response.body)};
}

HttpClientResponse stored(const std::string& bytes) {
  return to_client(
      local_put_answer({.size_bytes = bytes.size(), .etag = "e", .hashes = {.sha256 = sha256_hex(bytes)}}));
}

HttpClientResponse refused(Error error) {
  return to_client(local_put_refusal(error, {}));
}

struct Fixture {
  explicit Fixture(std::string provider = "local") : issuer(clock, std::move(provider)) {}
  ManualClock clock;
  Issuer issuer;
  ScriptedHttp http;
  TicketStore store{{issuer, http, clock, "http://storage:5003"}};
  const ObjectKey key{"a/b/c.jpg"};
  const std::string bytes = "bytes";

  Result<ObjectInfo> put() { return store.put({}, key, MemoryBlob(bytes), {.content_type = "image/jpeg"}); }
  PlannedPut plan() const {
    return {.key = key,
            .size_bytes = bytes.size(),
            .options = {.content_type = "image/jpeg", .expected = {.sha256 = sha256_hex(bytes)}}};
  }
};

}  // namespace

TEST_CASE("a put by ticket is one request with exactly the ticket's headers", "[storage]") {
  Fixture fixture;
  fixture.http.answer = [&](std::size_t) { return stored(fixture.bytes); };
  const auto info = fixture.put();
  REQUIRE(info.has_value());
  CHECK(info->size_bytes == 5);
  CHECK(info->etag == "e");
  CHECK(info->hashes.sha256 == sha256_hex(fixture.bytes));
  REQUIRE(fixture.http.requests.size() == 1);
  const HttpClientRequest& request = fixture.http.requests[0];
  CHECK(request.method == HttpMethod::kPut);
  CHECK(request.url.starts_with("http://storage:5003/internal/v1/objects/a/b/c.jpg?"));
  CHECK(request.headers.all() == std::vector<std::pair<std::string, std::string>>{{"X-Number", "1"}});
  CHECK(request.upload_size == 5U);
  CHECK(fixture.http.bodies[0] == fixture.bytes);
  CHECK(fixture.issuer.asked == 1);
}

TEST_CASE("an announced put asks for no ticket of its own", "[storage]") {
  Fixture fixture;
  fixture.http.answer = [&](std::size_t) { return stored(fixture.bytes); };
  PlannedPut other = fixture.plan();
  other.key = ObjectKey("x/y/z.jpg");
  const std::vector plans = {fixture.plan(), other};
  REQUIRE(fixture.store.announce({}, plans).has_value());
  CHECK(fixture.issuer.asked == 1);
  SECTION("when its plan is the same") {
    CHECK(fixture.put().has_value());
    CHECK(fixture.issuer.asked == 1);
    // A ticket is used once.
    CHECK(fixture.put().has_value());
    CHECK(fixture.issuer.asked == 2);
  }
  SECTION("but does when the plan has changed") {
    CHECK(fixture.store.put({}, fixture.key, MemoryBlob("other"), {.content_type = "image/png"}).has_value());
    CHECK(fixture.issuer.asked == 2);
  }
  SECTION("or the ticket is ten minutes old") {
    fixture.clock.advance(minutes(10));
    CHECK(fixture.put().has_value());
    CHECK(fixture.issuer.asked == 2);
  }
}

TEST_CASE("a ticket refused for its age is replaced once", "[storage]") {
  Fixture fixture;
  const std::string reason = GENERATE("ticket_expired", "bad_ticket");
  const Error expired = Error(ErrorCode::kPermissionDenied, "too old").with_reason(reason);
  SECTION("and the second one does") {
    fixture.http.answer = [&](std::size_t number) { return number == 1 ? refused(expired) : stored(fixture.bytes); };
    CHECK(fixture.put().has_value());
    CHECK(fixture.issuer.asked == 2);
    CHECK(fixture.http.bodies == std::vector<std::string>{"bytes", "bytes"});
  }
  SECTION("and only once") {
    fixture.http.answer = [&](std::size_t) { return refused(expired); };
    CHECK(fixture.put().error().reason() == reason);
    CHECK(fixture.http.requests.size() == 2);
  }
}

TEST_CASE("what the storage service says comes back as the error that it was", "[storage]") {
  Fixture fixture;
  const ErrorCode code = GENERATE(ErrorCode::kCorrupt, ErrorCode::kOutOfSpace, ErrorCode::kMisconfigured,
                                  ErrorCode::kUnavailable, ErrorCode::kInvalidArgument, ErrorCode::kConflict);
  fixture.http.answer = [&](std::size_t) {
    return refused(Error(code, "a sentence").with_reason("a_reason").with_remedy("Mend it."));
  };
  const Error error = fixture.put().error();
  CHECK(error.code() == code);
  CHECK(error.reason() == "a_reason");
  CHECK(error.message() == "a sentence");
  CHECK(error.remedy() == "Mend it.");
}

TEST_CASE("an answer that is none of the storage service's is no success", "[storage]") {
  Fixture fixture;
  const HttpClientResponse strange = GENERATE(HttpClientResponse{.status = 200, .headers = {}, .body = "<html>"},
                                              HttpClientResponse{.status = 200, .headers = {}, .body = "{}"},
                                              HttpClientResponse{.status = 502, .headers = {}, .body = "bad gateway"});
  fixture.http.answer = [&](std::size_t) { return strange; };
  const Error error = fixture.put().error();
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.reason() == "unexpected_answer");
}

TEST_CASE("an answer that comes before the whole body is no success", "[storage]") {
  Fixture fixture;
  class Impatient final : public HttpClient {
   public:
    Result<HttpClientResponse> send(const CallContext&, const HttpClientRequest&) override { return stored("bytes"); }
    Result<std::unique_ptr<HttpDownload>> open(const CallContext&, const HttpClientRequest&) override {
      return Error(ErrorCode::kInternal, "not used");
    }
  } http;
  TicketStore store({fixture.issuer, http, fixture.clock, "http://storage"});
  const auto put = store.put({}, fixture.key, StreamBlob("bytes", {.size = 5}), {});
  CHECK(put.error().reason() == "unexpected_answer");
}

TEST_CASE("the answer of S3 is read as S3's", "[storage]") {
  Fixture fixture("aws");
  SECTION("a success needs an ETag") {
    HttpClientResponse answer{.status = 200, .headers = {}, .body = {}};
    answer.headers.set("ETag", "\"0123\"");
    fixture.http.answer = [&](std::size_t) { return answer; };
    CHECK(fixture.put().value().etag == "0123");
  }
  SECTION("a refusal has its code") {
    const HttpClientResponse answer{
        .status = 400, .headers = {}, .body = "<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"};
    fixture.http.answer = [&](std::size_t) { return answer; };
    CHECK(fixture.put().error().reason() == "checksum_mismatch");
  }
}

TEST_CASE("an issuer that gives no tickets is passed on", "[storage]") {
  Fixture fixture;
  fixture.issuer.error = Error(ErrorCode::kUnavailable, "away");
  CHECK(fixture.put().error().message() == "away");
  CHECK(fixture.store.put({}, ObjectKey("../x"), MemoryBlob("x"), {}).error().reason() == "bad_object_key");
  CHECK(fixture.http.requests.empty());
}

TEST_CASE("a local ticket ends at its time", "[storage]") {
  const LocalTickets tickets;
  const Timestamp now(std::chrono::milliseconds(1'790'000'000'000));
  const PlannedPut plan{.key = ObjectKey("a/b"), .size_bytes = std::nullopt, .options = {}};
  const UploadTicket ticket = tickets.issue(plan, now);
  HttpRequest request;
  const std::string query = ticket.url.substr(ticket.url.find('?') + 1);
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto pair = query.substr(at, end - at);
    request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    at = end + 1;
  }
  CHECK(tickets.redeem(plan.key, request, now).has_value());
  CHECK(tickets.redeem(plan.key, request, ticket.expires_at - std::chrono::milliseconds(1)).has_value());
  CHECK(tickets.redeem(plan.key, request, ticket.expires_at).error().reason() == "ticket_expired");
  CHECK(tickets.redeem(ObjectKey("a/c"), request, now).error().reason() == "bad_ticket");
}
