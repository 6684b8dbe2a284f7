#include "thumbnails_contract.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include "fakes/memory_blob.hpp"
#include "support/pictures.hpp"

namespace imgimport::contract {
namespace {

ThumbnailRequest request(const ObjectKey& key, std::uint32_t width = 160) {
  return {.key = key, .version = "v1", .mime_type = "image/jpeg", .width = width};
}

void put(ObjectStore& store, const ObjectKey& key, const std::string& bytes) {
  REQUIRE(store.put({}, key, MemoryBlob(bytes), {}).has_value());
}

const std::string& photo() {
  static const std::string jpeg = encoded(flag(600, 400), "jpg");
  return jpeg;
}

void makes_finds_and_forgets(const ThumbnailsUnderTest& scene) {
  const ObjectKey key("a b/ä#?&/photo.jpg");
  put(*scene.store, key, photo());
  const auto before = scene.thumbnails->find({}, request(key));
  REQUIRE(before.has_value());
  CHECK_FALSE(before->has_value());
  const auto made = make_thumbnail(*scene.thumbnails, request(key));
  REQUIRE(made.has_value());
  CHECK(made->content_type == "image/webp");
  CHECK(decoded(*made->bytes).width == 160);
  const auto after = scene.thumbnails->find({}, request(key));
  REQUIRE(after.has_value());
  REQUIRE(after->has_value());
  CHECK(*(*after)->bytes == *made->bytes);
  CHECK((*after)->content_type == "image/webp");
  CHECK_FALSE(scene.thumbnails->find({}, request(key, 320)).value().has_value());

  ThumbnailRequest newer = request(key);
  newer.version = "v2 \"&=";
  CHECK_FALSE(scene.thumbnails->find({}, newer).value().has_value());

  // Without the object: what is kept is given out, and gone once it is forgotten.
  REQUIRE(scene.store->remove({}, key).has_value());
  CHECK(make_thumbnail(*scene.thumbnails, request(key)).has_value());
  REQUIRE(scene.thumbnails->forget({}, key).has_value());
  REQUIRE(scene.thumbnails->forget({}, key).has_value());
  CHECK_FALSE(scene.thumbnails->find({}, request(key)).value().has_value());
  const auto gone = make_thumbnail(*scene.thumbnails, request(key));
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code() == ErrorCode::kNotFound);
}

void remembers_what_cannot_be_shown(const ThumbnailsUnderTest& scene) {
  struct Row {
    std::string name;
    std::string bytes;
    std::string_view reason;
  };
  const Row rows[] = {
      {"svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", "thumbnail_unsupported"},
      {"text", "hello", "thumbnail_unsupported"},
      {"broken", encoded(flag(60, 40), "png").substr(0, 60), "thumbnail_damaged"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const ObjectKey key(row.name);
    put(*scene.store, key, row.bytes);
    for (int i = 0; i < 2; ++i) {
      const auto made = make_thumbnail(*scene.thumbnails, request(key));
      REQUIRE_FALSE(made.has_value());
      CHECK(made.error().code() == ErrorCode::kUnsupported);
      CHECK(made.error().reason() == row.reason);
      CHECK_FALSE(made.error().remedy().empty());
      const auto found = scene.thumbnails->find({}, request(key, 640));
      REQUIRE_FALSE(found.has_value());
      CHECK(found.error().reason() == row.reason);
      CHECK(found.error().message() == made.error().message());
      // It is not looked at again.
      REQUIRE(scene.store->remove({}, key).has_value());
    }
  }
}

void serves_many_at_once(const ThumbnailsUnderTest& scene) {
  constexpr int kImages = 8;
  constexpr int kAskers = 12;
  for (int i = 0; i < kImages; ++i) put(*scene.store, ObjectKey("image-" + std::to_string(i)), photo());
  std::vector<std::future<Result<Thumbnail>>> answers;
  for (int i = 0; i < kImages * kAskers; ++i) {
    auto promise = std::make_shared<std::promise<Result<Thumbnail>>>();
    answers.push_back(promise->get_future());
    scene.thumbnails->make({}, request(ObjectKey("image-" + std::to_string(i % kImages))),
                           [promise](Result<Thumbnail> result) { promise->set_value(std::move(result)); });
  }
  for (auto& answer : answers) CHECK(answer.get().has_value());
}

void answers_one_who_has_gone(const ThumbnailsUnderTest& scene) {
  put(*scene.store, ObjectKey("image"), photo());
  std::stop_source stop;
  stop.request_stop();
  CallContext gone;
  gone.stop = stop.get_token();
  const auto answer = make_thumbnail(*scene.thumbnails, request(ObjectKey("image")), gone);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code() == ErrorCode::kCancelled);
  CallContext late;
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  CHECK(make_thumbnail(*scene.thumbnails, request(ObjectKey("image")), late).error().code() ==
        ErrorCode::kDeadlineExceeded);
}

}  // namespace

Result<Thumbnail> make_thumbnail(Thumbnails& thumbnails, const ThumbnailRequest& request, const CallContext& context) {
  auto promise = std::make_shared<std::promise<Result<Thumbnail>>>();
  auto answer = promise->get_future();
  thumbnails.make(context, request, [promise](Result<Thumbnail> result) { promise->set_value(std::move(result)); });
  if (answer.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    return Error(ErrorCode::kInternal, "no answer came");
  }
  return answer.get();
}

void check_thumbnails(const std::function<ThumbnailsUnderTest()>& make) {
  makes_finds_and_forgets(make());
  remembers_what_cannot_be_shown(make());
  serves_many_at_once(make());
  answers_one_who_has_gone(make());
}

}  // namespace imgimport::contract
