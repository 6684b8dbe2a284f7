#include <catch2/catch.hpp>
#include <string>

#include "crypto/hash.hpp"
#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

struct Scene {
  GatewayFixture fixture;
  Image image = add("file-1", "the bytes");

  Image add(const std::string& id, const std::string& bytes) {
    SourceFile file;
    file.id = DriveId(id);
    file.name = "IMG 1.heic";
    file.mime_type = "image/heic";
    return fixture.add_image(file, "image/heic", bytes);
  }
  std::string target(const std::string& query = "") const {
    return "/api/images/" + std::to_string(image.id.value()) + "/thumbnail" + query;
  }
};

TEST_CASE("a thumbnail is made when it is first asked for, and given out from then on", "[gateway][thumbnails]") {
  Scene scene;
  for (int i = 0; i < 3; ++i) {
    const Answer answer = scene.fixture.get(scene.target("?w=640"));
    CHECK(answer.status == 200);
    CHECK(answer.body == scene.image.key.value() + "@640");
    CHECK(answer.header("Content-Type") == "image/webp");
    CHECK(answer.header("ETag") == "\"" + sha256_hex("the bytes") + "-t1-w640\"");
    CHECK(answer.header("Cache-Control") == "private, max-age=3600");
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
    CHECK(answer.header("Content-Security-Policy") == "sandbox; default-src 'none'");
  }
  const auto asked = scene.fixture.thumbnails.asked();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].version == sha256_hex("the bytes"));
  CHECK(asked[0].mime_type == "image/heic");
  CHECK(scene.fixture.objects.gets() == 0);
}

TEST_CASE("widths are rounded up to those there are", "[gateway][thumbnails]") {
  Scene scene;
  const std::pair<std::string, std::string> rows[] = {
      {"", "320"},         {"?w=1", "160"},     {"?w=160", "160"},   {"?w=161", "320"},
      {"?w=1280", "1280"}, {"?w=1281", "2048"}, {"?w=2048", "2048"},
  };
  for (const auto& [query, width] : rows) {
    INFO(query);
    CHECK(scene.fixture.get(scene.target(query)).body == scene.image.key.value() + "@" + width);
  }
}

TEST_CASE("a width that is none, or beyond the largest, is refused with a sentence", "[gateway][thumbnails]") {
  Scene scene;
  for (const char* wrong : {"0", "-1", "2049", "99999999999999999999", "abc", "3.5", "320px", "%00"}) {
    INFO(wrong);
    const Answer answer = scene.fixture.get(scene.target("?w=" + std::string(wrong)));
    CHECK(answer.status == 400);
    CHECK(answer.json().at("code").as_string() == "bad_parameter");
    CHECK(std::string(answer.json().at("error").as_string()).starts_with("w must be a whole number from 1 to 2048"));
  }
  CHECK(scene.fixture.thumbnails.asked().empty());
}

TEST_CASE("a browser that has it is told so without a look at the store", "[gateway][thumbnails]") {
  Scene scene;
  const std::string tag = scene.fixture.get(scene.target("?w=300")).header("ETag");
  scene.fixture.thumbnails.remember(Error(ErrorCode::kUnavailable, "away"));
  const auto ask = [&](const std::string& query, const std::string& condition) {
    return scene.fixture.ask({.target = scene.target(query), .headers = {{"If-None-Match", condition}}});
  };
  const Answer same = ask("?w=310", tag);
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("ETag") == tag);
  CHECK(ask("?w=640", tag).status == 503);
  CHECK(ask("?w=300", "\"other\"").status == 503);
}

TEST_CASE("an address that names the version may be kept for good", "[gateway][thumbnails]") {
  Scene scene;
  const std::string version = sha256_hex("the bytes");
  const auto cache_control = [&](const std::string& v) {
    return scene.fixture.get(scene.target("?w=320&v=" + v)).header("Cache-Control");
  };
  CHECK(cache_control(version.substr(0, 16)) == "private, max-age=31536000, immutable");
  CHECK(cache_control(version) == "private, max-age=31536000, immutable");
  CHECK(cache_control(sha256_hex("older bytes").substr(0, 16)) == "private, max-age=3600");
  CHECK(cache_control(version.substr(0, 7)) == "private, max-age=3600");
  CHECK(cache_control("") == "private, max-age=3600");
}

TEST_CASE("why there is no thumbnail is told in the one error shape", "[gateway][thumbnails]") {
  struct Row {
    Error error;
    int status;
    std::string_view code;
  };
  const Row rows[] = {
      {Error(ErrorCode::kUnsupported, "no").with_reason("thumbnail_unsupported").with_remedy("Show it"), 422,
       "thumbnail_unsupported"},
      {Error(ErrorCode::kUnsupported, "no").with_reason("thumbnail_damaged"), 422, "thumbnail_damaged"},
      {Error(ErrorCode::kUnsupported, "no").with_reason("thumbnail_failed"), 422, "thumbnail_failed"},
      {Error(ErrorCode::kUnsupported, "off").with_reason("thumbnails_off"), 501, "thumbnails_off"},
      {Error(ErrorCode::kUnavailable, "busy").with_reason("thumbnails_busy").with_retry_after(std::chrono::seconds(2)),
       503, "thumbnails_busy"},
      {Error(ErrorCode::kNotFound, "gone").with_reason("no_such_object"), 404, "object_missing"},
  };
  for (const Row& row : rows) {
    INFO(row.code);
    for (const bool remembered : {false, true}) {
      Scene scene;
      if (remembered && row.status == 404) continue;
      if (remembered) scene.fixture.thumbnails.remember(row.error);
      if (!remembered) scene.fixture.thumbnails.fail(row.error);
      const Answer answer = scene.fixture.get(scene.target());
      CHECK(answer.status == row.status);
      CHECK(answer.json().at("code").as_string() == row.code);
      CHECK(answer.header("Cache-Control") == "no-store");
      CHECK(answer.header("Retry-After") == (row.code == "thumbnails_busy" ? "2" : ""));
    }
  }
  Scene scene;
  const Answer none = scene.fixture.get("/api/images/99999/thumbnail");
  CHECK(none.status == 404);
  CHECK(scene.fixture.get("/api/images/x/thumbnail").status == 400);
}

TEST_CASE("nobody's thread waits for thumbnails that are being made", "[gateway][thumbnails]") {
  Scene scene;
  scene.fixture.thumbnails.hold();
  // Ten times as many as there are threads for requests.
  std::vector<PendingAnswer> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(scene.fixture.send({.target = scene.target("?w=640")}));
  CHECK(scene.fixture.get("/api/stats").status == 200);
  CHECK_FALSE(waiting.front().has_come());
  scene.fixture.thumbnails.release();
  for (PendingAnswer& answer : waiting) CHECK(answer.wait().status == 200);
}

TEST_CASE("with the image its thumbnails go, unless others share its bytes", "[gateway][thumbnails]") {
  Scene scene;
  CHECK(scene.fixture.get(scene.target()).status == 200);
  const std::string image = "/api/images/" + std::to_string(scene.image.id.value());
  CHECK(scene.fixture.ask({.method = HttpMethod::kDelete, .target = image}).status == 200);
  CHECK(scene.fixture.thumbnails.forgotten() == std::vector{scene.image.key});
  CHECK(scene.fixture.get(scene.target()).status == 404);
}

}  // namespace
}  // namespace imgimport::gateway_test
