#include "gateway/verification.hpp"

#include <atomic>
#include <catch2/catch.hpp>

#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

VerificationReport verify(GatewayFixture& fixture, const JobId& job, CallContext context = {}) {
  const Verification verification({fixture.metadata, fixture.metadata, fixture.objects},
                                  GatewayFixture::fast_options().verification);
  auto report = verification.run(context, job);
  if (!report.has_value()) throw std::runtime_error(report.error().message());
  return *std::move(report);
}

ObjectKey key_of(int n) {
  return ObjectKey("images/drive-" + std::to_string(n) + "/v1/photo.jpg");
}

std::vector<Item> failed_items(GatewayFixture& fixture, const JobId& job) {
  return fixture.metadata.items({}, {job, ItemState::kFailed, ItemId(0), 100}).value();
}

JobCounters counters(GatewayFixture& fixture, const JobId& job) {
  return fixture.metadata.job({}, job).value().counters;
}

void adds_up(const VerificationReport& report) {
  CHECK(report.ok + report.missing_count + report.different_count + report.unverifiable_count == report.checked);
}

TEST_CASE("a job whose objects are all right is clean, and each is asked for once", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  const auto report = verify(fixture, job);
  CHECK(report.clean());
  CHECK(report.job == job);
  CHECK(report.checked == 8);
  CHECK(report.ok == 8);
  CHECK(fixture.objects.inspected().size() == 8);
  for (const auto& [key, times] : fixture.objects.inspected()) CHECK(times == 1);
  CHECK(fixture.objects.gets() == 0);
  CHECK(counters(fixture, job).imported == 8);
  adds_up(report);
}

TEST_CASE("missing and different objects are listed, and their items fail until a retry", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  REQUIRE(fixture.objects.remove({}, key_of(2)).has_value());
  const std::string other = "Bytes of drive-7";
  REQUIRE(fixture.objects.put({}, key_of(7), MemoryBlob(other), {}).has_value());
  const auto report = verify(fixture, job);
  CHECK(report.complete());
  CHECK_FALSE(report.clean());
  CHECK(report.checked == 8);
  CHECK(report.ok == 6);
  REQUIRE(report.missing.size() == 1);
  CHECK(report.missing_count == 1);
  CHECK(report.missing[0].key == key_of(2));
  CHECK(report.missing[0].name == "photo 2.jpg");
  CHECK_FALSE(report.missing[0].found_size);
  REQUIRE(report.different.size() == 1);
  CHECK(report.different[0].key == key_of(7));
  CHECK(report.different[0].expected_hash == "sha256:" + sha256_hex("bytes of drive-7"));
  CHECK(report.different[0].found_hash == "sha256:" + sha256_hex(other));
  CHECK(report.different[0].found_size == other.size());
  CHECK(report.failed_items == 2);
  adds_up(report);

  const auto failed = failed_items(fixture, job);
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].reason == "object_missing");
  CHECK(failed[1].reason == "object_differs");
  CHECK_FALSE(failed[0].remedy.empty());
  CHECK(counters(fixture, job).imported == 6);
  // What has failed relies on nothing any more, and is no less damaged for that.
  const auto again = verify(fixture, job);
  CHECK(again.complete());
  CHECK_FALSE(again.clean());
  CHECK(again.checked == 8);
  CHECK(again.ok == 6);
  CHECK(again.failed_items == 2);
  CHECK(again.missing_count == 1);
  REQUIRE(again.missing.size() == 1);
  CHECK(again.missing[0].item == report.missing[0].item);
  CHECK(again.missing[0].name == "photo 2.jpg");
  CHECK_FALSE(again.missing[0].image);
  CHECK(again.different_count == 1);
  REQUIRE(again.different.size() == 1);
  CHECK(again.different[0].item == report.different[0].item);
  adds_up(again);
  REQUIRE(fixture.metadata.retry_job({}, job).value() == 2);
  fixture.import_all();
  const auto mended = verify(fixture, job);
  CHECK(mended.clean());
  CHECK(mended.ok == 8);
}

TEST_CASE("damage of earlier runs is counted to its end, listed as far as the rest is, and joined by new damage",
          "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(30);
  for (int n = 1; n <= 20; ++n) REQUIRE(fixture.objects.remove({}, key_of(n)).has_value());
  CHECK(verify(fixture, job).missing_count == 20);
  REQUIRE(fixture.objects.remove({}, key_of(25)).has_value());
  VerificationOptions options = GatewayFixture::fast_options().verification;
  options.findings_kept = 15;
  std::int64_t last_total = 0;
  for (const std::size_t page_size : {7, 20, 100}) {
    options.page_size = page_size;
    const auto report = Verification({fixture.metadata, fixture.metadata, fixture.objects}, options)
                            .run({}, job, [&](const auto&, std::int64_t total) { last_total = total; })
                            .value();
    CHECK(report.missing_count == 21);
    CHECK(report.failed_items == 21);
    CHECK(report.missing.size() == 15);
    CHECK(report.ok == 9);
    CHECK(report.checked == 30);
    CHECK(last_total == 30);
    adds_up(report);
  }
  CHECK(fixture.objects.inspected().at(key_of(1)) == 1);
}

TEST_CASE("items that failed for reasons of their own are no damage", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(3);
  fixture.finish_listing();
  const StorePlace place = fixture.objects.place({}).value();
  for (const WorkItem& item : fixture.open_items()) {
    Outcome outcome;
    outcome.job = job;
    outcome.item = item.id;
    outcome.state = ItemState::kFailed;
    outcome.reason = "not_found";
    REQUIRE(fixture.metadata.commit({}, std::span(&outcome, 1), place).has_value());
  }
  const auto report = verify(fixture, job);
  CHECK(report.clean());
  CHECK(report.checked == 0);
  CHECK(report.failed_items == 0);
}

TEST_CASE("what is compared is the size and the strongest hash that both sides know", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(1);
  const std::string bytes = "bytes of drive-1";
  ObjectInfo info;
  info.size_bytes = bytes.size();
  info.etag = "some etag";
  const auto answer = [&] {
    fixture.objects.on_inspect(
        [&](const CallContext&, const ObjectKey&) { return std::optional(Result<ObjectInfo>(info)); });
    return verify(fixture, job);
  };
  SECTION("nothing but the size") {
    const auto report = answer();
    CHECK(report.unverifiable_count == 1);
    CHECK(report.clean());
    adds_up(report);
  }
  SECTION("another size") {
    info.size_bytes = 1;
    const auto report = answer();
    CHECK(report.different_count == 1);
    CHECK(report.different[0].found_size == 1U);
    CHECK(report.different[0].expected_size == bytes.size());
  }
  SECTION("the MD5 for want of a SHA-256, in any case of letters") {
    info.hashes.md5 = md5_hex(bytes);
    for (char& c : info.hashes.md5) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    CHECK(answer().ok == 1);
  }
  SECTION("another MD5") {
    info.hashes.md5 = md5_hex("other");
    const auto report = answer();
    CHECK(report.different_count == 1);
    CHECK(report.different[0].found_hash == "md5:" + md5_hex("other"));
  }
  SECTION("the SHA-256 rather than the MD5") {
    info.hashes.sha256 = sha256_hex(bytes);
    info.hashes.md5 = md5_hex("other");
    CHECK(answer().ok == 1);
  }
}

TEST_CASE("without a hash the store's own tag decides", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(2);
  fixture.finish_listing();
  for (const WorkItem& item : fixture.open_items()) {
    Outcome outcome;
    outcome.job = job;
    outcome.item = item.id;
    outcome.state = ItemState::kImported;
    outcome.stored = StoredObject{.key = item.key, .size_bytes = 5, .etag = "tag-1"};
    REQUIRE(fixture.metadata.commit({}, std::span(&outcome, 1), fixture.objects.place({}).value()).has_value());
  }
  fixture.objects.on_inspect([](const CallContext&, const ObjectKey& key) {
    ObjectInfo info;
    info.size_bytes = 5;
    info.etag = key == key_of(1) ? "tag-1" : "tag-2";
    return std::optional(Result<ObjectInfo>(info));
  });
  const auto report = verify(fixture, job);
  CHECK(report.ok == 1);
  REQUIRE(report.different.size() == 1);
  CHECK(report.different[0].found_hash == "etag:tag-2");
}

TEST_CASE("trouble of the store that passes is waited out", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(5);
  std::atomic<int> refusals = 3;
  fixture.objects.on_inspect([&](const CallContext&, const ObjectKey&) -> std::optional<Result<ObjectInfo>> {
    if (--refusals < 0) return std::nullopt;
    return Error(ErrorCode::kRateLimited, "slow down").with_retry_after(std::chrono::milliseconds(1));
  });
  const auto report = verify(fixture, job);
  CHECK(report.clean());
  CHECK(report.ok == 5);
}

TEST_CASE("trouble of the store that stays ends the run, and is no damage", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  REQUIRE(fixture.objects.remove({}, key_of(1)).has_value());
  const ErrorCode code = GENERATE(ErrorCode::kUnavailable, ErrorCode::kMisconfigured);
  std::atomic<int> refused = 0;
  fixture.objects.on_inspect([&](const CallContext&, const ObjectKey& key) -> std::optional<Result<ObjectInfo>> {
    if (key != key_of(5)) return std::nullopt;
    ++refused;
    return Error(code, "the store is away").with_remedy("bring it back");
  });
  const auto report = verify(fixture, job);
  REQUIRE(report.trouble);
  CHECK_FALSE(report.clean());
  CHECK(report.trouble->code() == code);
  CHECK(report.trouble->remedy() == "bring it back");
  CHECK(report.checked >= 3);
  CHECK(report.checked < 8);
  CHECK(report.checked + report.not_checked == 8);
  CHECK(report.trouble->message().find("after " + std::to_string(report.checked) + " of 8 objects") !=
        std::string::npos);
  CHECK(refused == (code == ErrorCode::kUnavailable ? GatewayFixture::fast_options().verification.tries : 1));
  // What was found before that is true all the same.
  CHECK(report.missing_count == 1);
  REQUIRE(failed_items(fixture, job).size() == 1);
  CHECK(failed_items(fixture, job)[0].reason == "object_missing");
  adds_up(report);
}

TEST_CASE("a record that is deleted while its object is looked at is no damage", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(3);
  fixture.objects.on_inspect([&](const CallContext&, const ObjectKey& key) -> std::optional<Result<ObjectInfo>> {
    if (key == key_of(2)) {
      const auto begun = fixture.metadata.begin_delete({}, ImageId(2));
      if (!begun.has_value()) return Result<ObjectInfo>(begun.error());
      return Error(ErrorCode::kNotFound, "gone").with_reason("no_such_object");
    }
    return std::nullopt;
  });
  const auto report = verify(fixture, job);
  CHECK(report.clean());
  CHECK(report.checked == 2);
  CHECK(failed_items(fixture, job).empty());
}

TEST_CASE("what is stored elsewhere is counted, not asked for", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(2);
  GatewayFixture other;
  class Elsewhere : public FlakyObjects {
   public:
    Result<StorePlace> place(const CallContext&) override { return place_; }

   private:
    const StorePlace place_{.provider = "aws", .bucket = "b", .prefix = "images"};
  } elsewhere;
  const Verification verification({fixture.metadata, fixture.metadata, elsewhere});
  const auto report = verification.run({}, job).value();
  CHECK(report.elsewhere == 2);
  CHECK(report.checked == 0);
  CHECK(report.complete());
  CHECK_FALSE(report.clean());
  CHECK(elsewhere.inspected().empty());
}

TEST_CASE("an object that several items share is asked for once and fails them all", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(3);
  fixture.finish_listing();
  std::optional<ImageId> first;
  for (const WorkItem& item : fixture.open_items()) {
    Outcome outcome;
    outcome.job = job;
    outcome.item = item.id;
    outcome.state = first ? ItemState::kDeduplicated : ItemState::kImported;
    outcome.same_as = first;
    if (!first) outcome.stored = StoredObject{.key = item.key, .size_bytes = 5, .etag = "tag-1"};
    REQUIRE(fixture.metadata.commit({}, std::span(&outcome, 1), fixture.objects.place({}).value()).has_value());
    if (!first) first = fixture.metadata.items({}, {job, std::nullopt, ItemId(0), 1}).value().at(0).image;
  }
  const auto report = verify(fixture, job);
  CHECK(report.missing_count == 3);
  CHECK(report.failed_items == 3);
  CHECK(fixture.objects.inspected() == std::map<ObjectKey, int>{{key_of(1), 1}});
  CHECK(counters(fixture, job).failed == 3);
}

TEST_CASE("a run that is told to stop ends soon and says how far it came", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(8);
  std::stop_source stop;
  CallContext context;
  context.stop = stop.get_token();
  fixture.objects.on_inspect([&](const CallContext& call, const ObjectKey& key) -> std::optional<Result<ObjectInfo>> {
    if (key != key_of(4)) return std::nullopt;
    stop.request_stop();
    return Result<ObjectInfo>(call.check().error());
  });
  const auto report = verify(fixture, job, context);
  REQUIRE(report.trouble);
  CHECK(report.trouble->code() == ErrorCode::kCancelled);
  CHECK(report.checked < 8);
  CHECK(failed_items(fixture, job).empty());
}

TEST_CASE("no more threads ask the store than are allowed to", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(30);
  VerificationOptions options;
  options.threads = 3;
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  fixture.objects.on_inspect([&](const CallContext&, const ObjectKey&) -> std::optional<Result<ObjectInfo>> {
    const int here = ++now;
    int seen = most;
    while (here > seen && !most.compare_exchange_weak(seen, here)) {
    }
    // The first three meet.
    eventually([&] { return most == 3; });
    --now;
    return std::nullopt;
  });
  const auto report = Verification({fixture.metadata, fixture.metadata, fixture.objects}, options).run({}, job).value();
  CHECK(report.ok == 30);
  CHECK(most == 3);
}

TEST_CASE("a dry run and an unknown job cannot be verified", "[gateway]") {
  GatewayFixture fixture;
  const auto dry = fixture.imports.submit({}, {.folder_url = "mem:folder", .dry_run = true}).value().job.id;
  const Verification verification({fixture.metadata, fixture.metadata, fixture.objects});
  CHECK(verification.run({}, dry).error().reason() == "dry_run");
  CHECK(verification.run({}, JobId("none")).error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace imgimport::gateway_test
