#include "rest/wire.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "http_server/request_facts.hpp"
#include "metadata/remote/metadata_calls.hpp"
#include "rest/contract_types.hpp"
#include "rest/protocol.hpp"

using namespace imgimport;

namespace {

// All that an outcome can hold, with text that JSON must escape.
Outcome full_outcome() {
  Outcome outcome;
  outcome.job = JobId("0f5c2b1e-9d0a-4f0e-8a51-0123456789ab");
  outcome.item = ItemId(7);
  outcome.state = ItemState::kImported;
  outcome.stored = StoredObject{.key = ObjectKey("a/b \"c\"\\/\xF0\x9F\x98\x80"),
                                .size_bytes = 9'007'199'254'740'993,
                                .hashes = {.md5 = "m", .sha1 = "", .sha256 = "s"},
                                .mime_type = "image/jpeg",
                                .etag = "e",
                                .version_id = "",
                                .checksum_verified = true};
  outcome.same_as = ImageId(3);
  outcome.reason = std::string("zero\0byte\n\x01", 11);
  outcome.attempts = -2;
  outcome.retrying_since = Timestamp(std::chrono::milliseconds(1'700'000'000'123));
  outcome.stops_job = JobTrouble{"r", "m", ""};
  return outcome;
}

}  // namespace

TEST_CASE("what one service encodes the other decodes to the same", "[rest]") {
  Outcome bare;
  bare.job = JobId("j");
  const std::vector<Outcome> sent = {full_outcome(), bare};
  const auto got = decode<std::vector<Outcome>>(encode(sent));
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 2);
  const Outcome& a = sent[0];
  const Outcome& b = (*got)[0];
  CHECK(b.job == a.job);
  CHECK(b.item == a.item);
  CHECK(b.state == a.state);
  REQUIRE(b.stored.has_value());
  CHECK(b.stored->key == a.stored->key);
  CHECK(b.stored->size_bytes == a.stored->size_bytes);
  CHECK(b.stored->hashes == a.stored->hashes);
  CHECK(b.stored->checksum_verified);
  CHECK(b.same_as == a.same_as);
  CHECK(b.reason == a.reason);
  CHECK(b.attempts == -2);
  CHECK(b.retrying_since == a.retrying_since);
  CHECK_FALSE(b.not_before.has_value());
  REQUIRE(b.stops_job.has_value());
  CHECK(b.stops_job->message == "m");
  CHECK_FALSE((*got)[1].stored.has_value());
  CHECK((*got)[1].state == ItemState::kPending);
}

TEST_CASE("numbers, maps and headers keep their values on the wire", "[rest]") {
  Image image;
  image.id = ImageId(1);
  image.drive_id = DriveId("f");
  image.key = ObjectKey("f/1/a.jpg");
  image.place.provider = "local";
  image.facts.latitude = -12.345678901234567;
  image.facts.longitude = 0.1;
  CHECK(decode<Image>(encode(image)).value().facts.latitude == image.facts.latitude);
  CHECK(decode<Image>(encode(image)).value().facts.longitude == image.facts.longitude);
  ImageStats stats;
  stats.by_provider["odd \"name\""] = {.images = 2, .bytes = 3};
  CHECK(decode<ImageStats>(encode(stats)).value().by_provider.at("odd \"name\"").bytes == 3);
  UploadTicket ticket;
  ticket.key = ObjectKey("k");
  ticket.url = "https://bucket.example/k";
  ticket.headers.set("x-amz-acl", "private");
  ticket.headers.set("Content-Type", "image/png");
  const auto again = decode<UploadTicket>(encode(ticket)).value();
  CHECK(again.headers.all().size() == 2);
  CHECK(again.headers.find("X-Amz-Acl") == "private");
  CHECK(decode<std::int64_t>(encode(std::int64_t{-5})).value() == -5);
  CHECK(decode<std::optional<Timestamp>>("null").value() == std::nullopt);
}

TEST_CASE("fields that are absent keep their defaults, unknown ones are passed over", "[rest]") {
  const auto job = decode<Job>(R"({"id":"x","new_in_the_next_version":[1,{"a":2}]})");
  REQUIRE(job.has_value());
  CHECK(job->id == JobId("x"));
  CHECK(job->recursive);
  CHECK(job->status == JobStatus::kListing);
}

TEST_CASE("a message of another shape is refused, and the error says where", "[rest]") {
  for (const auto& [text, where] :
       {std::pair("{\"page\":", "understood"), std::pair("[]", "is not an object"),
        std::pair(R"({"id":"x","counters":{"total":"many"}})", ".counters.total is not an integer"),
        std::pair(R"({"id":"x","root":{"id":"r","name":4}})", ".root.name is not a string"),
        std::pair(R"({"id":"x","status":300})", ".status is not a smaller number"),
        std::pair(R"({"id":"x","recursive":1})", ".recursive is not true or false")}) {
    CAPTURE(text);
    const auto job = decode<Job>(text);
    REQUIRE_FALSE(job.has_value());
    CHECK(job.error().code() == ErrorCode::kInvalidArgument);
    CHECK(job.error().message().find(where) != std::string::npos);
  }
}

TEST_CASE("a message without what it is about is refused, and the error says what", "[rest]") {
  using Request = metadata_call::CreateJobRequest;
  for (const auto& [text, where] :
       {std::pair(R"({})", "its .job is not there"), std::pair(R"({"job":{}})", "its .job.id is not there"),
        std::pair(R"({"job":{"id":""}})", "its .job.id is not there"),
        std::pair(R"({"job":{"id":"x"}})", "its .job.root is not there"),
        std::pair(R"({"job":{"id":"x","root":{}}})", "its .job.root.id is not there"),
        std::pair(R"({"job":{"id":7,"root":{}}})", "its .job.id is not a string")}) {
    CAPTURE(text);
    const auto request = decode<Request>(text);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().reason() == "bad_message");
    CHECK_THAT(request.error().message(), Catch::Contains(where));
  }
  CHECK(decode<Request>(R"({"job":{"id":"x","root":{"id":"r"}}})").has_value());
  CHECK(decode<metadata_call::CommitRequest>(R"({"place":{"provider":"local"}})").value().outcomes.empty());
  CHECK_FALSE(decode<metadata_call::CommitRequest>(R"({"place":{"provider":"local"},"outcomes":[{}]})").has_value());

  // Answers likewise: one that was cut must not name image 0, or a ticket without a URL.
  CHECK_FALSE(decode<Job>("{}").has_value());
  CHECK_FALSE(decode<Item>(R"({"drive_id":"f"})").has_value());
  CHECK_FALSE(decode<WorkItem>(R"({"file":{"id":"f"}})").has_value());
  CHECK_FALSE(decode<KnownImage>(R"({"id":7})").has_value());
  CHECK_FALSE(decode<Batch>("{}").has_value());
  CHECK_FALSE(decode<Image>(R"({"drive_id":"f","key":"k"})").has_value());
  CHECK_FALSE(decode<UploadTicket>(R"({"key":"k"})").has_value());
}

TEST_CASE("an error crosses the wire with all that its reader needs", "[rest]") {
  const Error sent = Error(ErrorCode::kRateLimited, "the \"bucket\" is slow")
                         .with_reason("slow_down")
                         .with_remedy("wait")
                         .with_retry_after(std::chrono::milliseconds(1'500));
  const auto got = decode_error(encode_error(sent, "abc"));
  REQUIRE(got.has_value());
  CHECK(got->code() == sent.code());
  CHECK(got->message() == sent.message());
  CHECK(got->reason() == "slow_down");
  CHECK(got->remedy() == "wait");
  CHECK(got->retry_after() == sent.retry_after());
  CHECK_FALSE(decode_error("<html>502</html>").has_value());
  CHECK_FALSE(decode_error(R"({"error":"from a proxy"})").has_value());
  CHECK_FALSE(decode_error(R"({"error":"x","class":99})").has_value());
}

TEST_CASE("a deadline travels as the time that is left", "[rest]") {
  HttpRequest request;
  const auto context_of = [](const HttpRequest& received) {
    CallContext context;
    context.deadline = deadline_of(received, std::chrono::steady_clock::now());
    return context;
  };
  set_deadline(request.headers, CallContext{});
  CHECK(context_of(request).remaining() == std::chrono::milliseconds::max());
  set_deadline(request.headers, CallContext{}.with_timeout(std::chrono::minutes(5)));
  CHECK(context_of(request).remaining() <= std::chrono::minutes(5));
  CHECK(context_of(request).remaining() > std::chrono::minutes(4));
  request.headers.set(kDeadlineHeader, "0");
  CHECK_FALSE(context_of(request).check().has_value());
  for (const char* odd : {"-5", "x", "1e3", "99999999999999999999"}) {
    request.headers.set(kDeadlineHeader, odd);
    CHECK(context_of(request).remaining() == std::chrono::milliseconds::max());
  }
}
