#include "worker/transfer.hpp"

#include <catch2/catch.hpp>

#include "crypto/hash.hpp"
#include "fakes/memory_object_store.hpp"
#include "fakes/memory_source.hpp"

using namespace imgimport;

namespace {

struct Bench {
  MemorySource source;
  MemoryObjectStore store;
  CallContext context;

  WorkItem item(const SourceFile& file, std::int32_t attempts = 0) {
    WorkItem work;
    work.id = ItemId(1);
    work.file = file;
    work.key = ObjectKey("p/" + file.id.value() + "/v/x.jpg");
    work.attempts = attempts;
    return work;
  }
  Result<StoredObject> run(const WorkItem& work, TransferMode mode = TransferMode::kInMemory) {
    return transfer_image(context, source, store, work, mode).stored;
  }
};

const Error kBroken(ErrorCode::kUnavailable, "the connection broke");

}  // namespace

TEST_CASE("an image is stored under its key, by either mode, with what Drive published verified") {
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    Bench bench;
    const std::string bytes = fake_jpeg(1, 20'000);
    const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", bytes));
    const auto stored = bench.run(work, mode);
    REQUIRE(stored.has_value());
    CHECK(bench.store.content(work.key) == bytes);
    CHECK(stored->hashes.sha256 == sha256_hex(bytes));
    CHECK(stored->mime_type == "image/jpeg");
    CHECK(stored->checksum_verified);
    CHECK(bench.source.opens("a") == 1);
    CHECK(bench.store.puts() == 1);
  }
}

TEST_CASE("a file without size and hashes is stored under the hash computed here, not verified") {
  Bench bench;
  SourceFile file = bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1));
  file.size.reset();
  file.hashes = {};
  const auto stored = bench.run(bench.item(file), TransferMode::kStreaming);
  REQUIRE(stored.has_value());
  CHECK(stored->hashes.sha256 == sha256_hex(fake_jpeg(1)));
  CHECK_FALSE(stored->checksum_verified);
}

TEST_CASE("a broken connection is resumed at its offset, not begun again") {
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    Bench bench;
    const std::string bytes = fake_jpeg(1, 20'000);
    const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", bytes));
    std::vector<std::uint64_t> offsets;
    bench.source.set_delivery([&](const std::string&, std::uint64_t offset, int count) {
      offsets.push_back(offset);
      std::optional<MemorySource::Delivery> delivery;
      if (count <= 2) delivery = {bytes.substr(offset, 7'000), kBroken};
      return delivery;
    });
    REQUIRE(bench.run(work, mode).has_value());
    CHECK(offsets == std::vector<std::uint64_t>{0, 7'000, 14'000});
    CHECK(bench.store.content(work.key) == bytes);
  }
}

TEST_CASE("a connection that brings nothing is given up at once: the item is put off instead") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)));
  bench.source.set_delivery([&](const std::string&, std::uint64_t, int) {
    return std::optional<MemorySource::Delivery>({"", kBroken});
  });
  CHECK(bench.run(work).error().code() == ErrorCode::kUnavailable);
  CHECK(bench.source.opens("a") == 1);
}

TEST_CASE("too few or too many bytes are a size mismatch, and nothing is stored") {
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    for (const std::size_t size : {9'000, 11'000}) {
      Bench bench;
      const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1, 10'000)));
      bench.source.set_content("a", fake_jpeg(1, size));
      const auto stored = bench.run(work, mode);
      REQUIRE_FALSE(stored.has_value());
      CHECK(stored.error().code() == ErrorCode::kCorrupt);
      CHECK(bench.store.keys().empty());
    }
  }
}

TEST_CASE("wrong bytes are refused by the store, and count against the file") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)));
  bench.source.set_content("a", fake_jpeg(2));
  CHECK(bench.run(work).error().blames_the_file());
  CHECK(bench.store.keys().empty());
}

TEST_CASE("a file that is no image by its own bytes is never stored") {
  Bench bench;
  const std::string page = "<!doctype html><html><body>Sorry</body></html>";
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", page));
    CHECK(bench.run(work, mode).error().reason() == "not_an_image");
  }
  CHECK(bench.store.puts() == 0);
}

TEST_CASE("an error page in place of the bytes is passing trouble") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1, 10'000)));
  bench.source.set_content("a", "<!doctype html><html><body>automated queries</body></html>");
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    CHECK(bench.run(work, mode).error().is_transient());
  }
  CHECK(bench.store.puts() == 0);
}

TEST_CASE("a page in place of a large file, or of one without a size, is passing trouble, however long the page is") {
  const std::string page = "<!doctype html><html><body>" + std::string(6'000, '.') + "</body></html>";
  const std::optional<std::uint64_t> listed = GENERATE(std::nullopt, std::optional<std::uint64_t>(3'000'000));
  Bench bench;
  SourceFile file = bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1));
  file.size = listed;
  bench.source.set_content("a", page);
  const Error error = bench.run(bench.item(file), TransferMode::kStreaming).error();
  CHECK(error.reason() == "not_the_bytes");
  CHECK(error.is_transient());
}

TEST_CASE("a long page that the owner put there is no image, once its hash has shown that it is the file") {
  Bench bench;
  const std::string page = "<!doctype html><html><body>" + std::string(6'000, '.') + "</body></html>";
  const SourceFile file = bench.source.add_file("f", "a", "a.jpg", page);
  CHECK(bench.run(bench.item(file), TransferMode::kStreaming).error().is_transient());
  CHECK(bench.run(bench.item(file, kAttemptsBeforeDoubt), TransferMode::kStreaming).error().reason() == "not_an_image");
}

TEST_CASE("a page longer than the file, the same each time, is passing trouble, too") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)), kAttemptsBeforeDoubt);
  bench.source.set_content("a", "<!doctype html><html><body>" + std::string(6'000, '.') + "</body></html>");
  CHECK(bench.run(work).error().reason() == "not_the_bytes");
}

TEST_CASE("a file that has grown since it was listed streams: memory was granted for the old size") {
  class Watching : public MemoryObjectStore {
   public:
    Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                           const PutOptions& options) override {
      was_in_memory = blob.in_memory().has_value();
      return MemoryObjectStore::put(context, key, blob, options);
    }
    std::optional<bool> was_in_memory;
  };
  Bench bench;
  Watching store;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)), kAttemptsBeforeDoubt);
  const bool is_looked_up_grown = GENERATE(true, false);
  const std::size_t size = GENERATE(std::size_t{200}, std::size_t{50'000});
  if (is_looked_up_grown) {
    bench.source.add_file("elsewhere", "a", "a.jpg", fake_jpeg(2, size));
  } else {
    bench.source.set_content("a", fake_jpeg(2, size) + "\xFF\xD9");
  }
  REQUIRE(transfer_image(bench.context, bench.source, store, work, TransferMode::kInMemory).stored.has_value());
  CHECK(store.was_in_memory == (size < 300));
}

TEST_CASE("a published hash that three fresh downloads deny, and a look-up repeats, gives way to the bytes") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)), kAttemptsBeforeDoubt);
  bench.source.set_content("a", fake_jpeg(2));
  const auto stored = bench.run(work);
  REQUIRE(stored.has_value());
  CHECK_FALSE(stored->checksum_verified);
  CHECK(stored->hashes.sha256 == sha256_hex(fake_jpeg(2)));
  CHECK(bench.store.content(work.key) == fake_jpeg(2));
}

TEST_CASE("a download that always breaks off at one place is no image, whatever was tried before") {
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    for (const std::size_t size : {0, 3, 100, 19'999}) {
      Bench bench;
      const std::string bytes = fake_jpeg(1, 20'000);
      const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", bytes), kAttemptsBeforeDoubt);
      bench.source.set_content("a", bytes.substr(0, size));
      const auto stored = bench.run(work, mode);
      REQUIRE_FALSE(stored.has_value());
      CHECK(stored.error().reason() == "size_mismatch");
      CHECK(stored.error().blames_the_file());
      CHECK_THAT(stored.error().message(), Catch::Contains(std::to_string(size) + " of the file's 20000 bytes"));
      CHECK_THAT(stored.error().remedy(), Catch::Contains("upload it again"));
      CHECK(bench.store.puts() == 0);
    }
  }
}

TEST_CASE("a shorter image that is whole by its own end is stored, not verified") {
  for (const TransferMode mode : {TransferMode::kInMemory, TransferMode::kStreaming}) {
    // More than one read, and less.
    for (const std::size_t size : {100, 70'000, 200'000}) {
      Bench bench;
      const SourceFile file = bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1, 300'000));
      const std::string shorter = fake_jpeg(2, size) + "\xFF\xD9";
      bench.source.set_content("a", shorter);
      const WorkItem work = bench.item(file, kAttemptsBeforeDoubt);
      const auto stored = bench.run(work, mode);
      REQUIRE(stored.has_value());
      CHECK_FALSE(stored->checksum_verified);
      CHECK(bench.store.content(work.key) == shorter);
    }
  }
}

TEST_CASE("the end of an image that comes in small pieces is seen all the same") {
  Bench bench;
  const SourceFile file = bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1, 20'000));
  const std::string shorter = fake_jpeg(2, 500) + "\xFF\xD9";
  bench.source.set_piece_size(1);
  bench.source.set_content("a", shorter);
  const auto stored = bench.run(bench.item(file, kAttemptsBeforeDoubt));
  REQUIRE(stored.has_value());
  CHECK(stored->size_bytes == shorter.size());
}

TEST_CASE("more bytes than Drive says, the same each time, are stored, not verified") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)), kAttemptsBeforeDoubt);
  bench.source.set_content("a", fake_jpeg(2, 5'000));
  const auto stored = bench.run(work);
  REQUIRE(stored.has_value());
  CHECK_FALSE(stored->checksum_verified);
  CHECK(stored->size_bytes == 5'000);
}

TEST_CASE("an error page that comes every time is passing trouble, however often the file was tried") {
  Bench bench;
  const WorkItem work =
      bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1, 10'000)), kAttemptsBeforeDoubt);
  bench.source.set_content("a", "<!doctype html><html><body>automated queries</body></html>");
  CHECK(bench.run(work).error().reason() == "not_the_bytes");
  CHECK(bench.store.puts() == 0);
}

TEST_CASE("bytes that differ from one download to the next are never stored") {
  Bench bench;
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)), kAttemptsBeforeDoubt);
  bench.source.set_delivery([&](const std::string&, std::uint64_t, int count) {
    return std::optional<MemorySource::Delivery>({fake_jpeg(10 + count), std::nullopt});
  });
  CHECK(bench.run(work).error().reason() == "checksum_mismatch");
  CHECK(bench.store.keys().empty());
}

TEST_CASE("a file that has a new version since it was listed is taken in that version, verified") {
  Bench bench;
  const SourceFile listed = bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1));
  bench.source.add_file("elsewhere", "a", "a.jpg", fake_jpeg(2, 400));
  const auto stored = bench.run(bench.item(listed, kAttemptsBeforeDoubt));
  REQUIRE(stored.has_value());
  CHECK(stored->checksum_verified);
  CHECK(stored->size_bytes == 400);
}

TEST_CASE("a put whose end is not known may have stored the object; a refused or unsent one has not") {
  const auto put_in_doubt = [](const Error& error) {
    Bench bench;
    bench.store.fail_put(1, error);
    const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)));
    const Transferred end = transfer_image(bench.context, bench.source, bench.store, work, TransferMode::kInMemory);
    CHECK_FALSE(end.stored.has_value());
    return end.perhaps_stored;
  };
  CHECK(put_in_doubt(Error(ErrorCode::kUnavailable, "no answer").with_reason("stalled")));
  CHECK(put_in_doubt(Error(ErrorCode::kUnavailable, "reset").with_reason("connection_broken")));
  CHECK(put_in_doubt(Error(ErrorCode::kDeadlineExceeded, "too late")));
  CHECK(put_in_doubt(Error(ErrorCode::kCorrupt, "other bytes")));
  CHECK_FALSE(put_in_doubt(Error(ErrorCode::kUnavailable, "refused").with_reason("connect_failed")));
  CHECK_FALSE(put_in_doubt(Error(ErrorCode::kRateLimited, "slow down")));
  CHECK_FALSE(put_in_doubt(Error(ErrorCode::kMisconfigured, "no such bucket")));
  CHECK_FALSE(put_in_doubt(Error(ErrorCode::kOutOfSpace, "full")));
}

TEST_CASE("a transfer that ends before its put, or well, leaves nothing in doubt") {
  Bench bench;
  const auto end = [&](const SourceFile& file) {
    return transfer_image(bench.context, bench.source, bench.store, bench.item(file), TransferMode::kInMemory);
  };
  CHECK_FALSE(end(bench.source.add_file("f", "a", "a.jpg", "<!doctype html><html></html>")).perhaps_stored);
  CHECK_FALSE(end(bench.source.add_file("f", "b", "b.jpg", fake_jpeg(1))).perhaps_stored);
  bench.source.set_delivery([&](const std::string&, std::uint64_t, int) {
    return std::optional<MemorySource::Delivery>({"", kBroken});
  });
  CHECK_FALSE(end(bench.source.add_file("f", "c", "c.jpg", fake_jpeg(2))).perhaps_stored);
}

TEST_CASE("a transfer that is stopped ends as cancelled") {
  Bench bench;
  std::stop_source stop;
  bench.context.stop = stop.get_token();
  stop.request_stop();
  const WorkItem work = bench.item(bench.source.add_file("f", "a", "a.jpg", fake_jpeg(1)));
  CHECK(bench.run(work).error().code() == ErrorCode::kCancelled);
}
