#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "gateway/content_headers.hpp"
#include "gateway/image_json.hpp"
#include "unit/gateway/gateway_fixture.hpp"

namespace imgimport::gateway_test {
namespace {

SourceFile file_named(std::string name) {
  SourceFile file;
  file.id = DriveId("file-1");
  file.name = std::move(name);
  file.mime_type = "image/png";
  return file;
}

std::string target_of(const Image& image, std::string_view rest = "") {
  return "/api/images/" + std::to_string(image.id.value()) + std::string(rest);
}

std::string error_of(const Answer& answer) {
  return std::string(answer.json().at("error").as_string());
}

TEST_CASE("a record shows every field that is known", "[gateway]") {
  GatewayFixture fixture;
  SourceFile file = file_named("IMG 1.png");
  file.image = {.width = 4000,
                .height = 3000,
                .taken_at = "2026-05-01T12:30:00",
                .camera = "Nikon D850",
                .latitude = 47.5,
                .longitude = -8.25};
  file.modified_at = from_rfc3339("2026-06-01T00:00:00Z");
  const Image image = fixture.add_image(file, "image/png", "the bytes");
  const auto json = fixture.get(target_of(image)).json();
  CHECK(json.at("id").as_int64() == image.id.value());
  CHECK(json.at("name").as_string() == "IMG 1.png");
  CHECK(json.at("google_drive_id").as_string() == "file-1");
  CHECK(json.at("size").as_int64() == 9);
  CHECK(json.at("mime_type").as_string() == "image/png");
  CHECK(json.at("storage_path").as_string() == "http://localhost:5000" + target_of(image, "/content"));
  CHECK(json.at("object_key").as_string() == "images/file-1/v1/x");
  CHECK(json.at("storage_provider").as_string() == "local");
  CHECK(json.at("created_at").as_string() == "2026-11-23T20:17:14.123Z");
  CHECK(json.at("job_id").as_string() == image.job.value());
  CHECK(json.at("folder_path").as_string() == "Trips/2026");
  CHECK(json.at("sha256").as_string() == sha256_hex("the bytes"));
  CHECK(json.at("md5").as_string() == md5_hex("the bytes"));
  CHECK(json.at("width").as_int64() == 4000);
  CHECK(json.at("height").as_int64() == 3000);
  CHECK(json.at("taken_at").as_string() == "2026-05-01T12:30:00");
  CHECK(json.at("camera").as_string() == "Nikon D850");
  CHECK(json.at("checksum_verified").as_bool());
  CHECK(json.at("latitude").as_double() == 47.5);
  CHECK(json.at("longitude").as_double() == -8.25);
  CHECK(json.at("drive_modified_at").as_string() == "2026-06-01T00:00:00Z");
  CHECK(json.size() == 23);
}

TEST_CASE("what is not known of a record is null", "[gateway]") {
  GatewayFixture fixture;
  const auto json = fixture.get(target_of(fixture.add_image(file_named("a"), "image/png", "b"))).json();
  for (const char* unknown :
       {"etag", "version_id", "width", "height", "taken_at", "camera", "latitude", "longitude", "drive_modified_at"}) {
    INFO(unknown);
    CHECK(json.at(unknown).is_null());
  }
}

TEST_CASE("a record tells what the store calls the object's version", "[gateway]") {
  Image image;
  image.etag = "an-etag";
  image.version_id = "a-version";
  JsonWriter writer;
  write_image(writer, image, {});
  const auto json = boost::json::parse(writer.take()).as_object();
  CHECK(json.at("etag").as_string() == "an-etag");
  CHECK(json.at("version_id").as_string() == "a-version");
}

TEST_CASE("any name from Drive comes back unharmed in a record", "[gateway]") {
  const std::string name = GENERATE(std::string("a \"b\" \\ c"), std::string("<script>alert(1)</script>.png"),
                                    std::string("line\nbreak\ttab\x01"), std::string("\U0001F4F7 caf\u00e9.png"),
                                    std::string("../../etc/passwd"));
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named(name), "image/png", "b");
  CHECK(fixture.get(target_of(image)).json().at("name").as_string() == name);
  CHECK(fixture.get("/api/images").json().at("images").as_array().at(0).as_object().at("name").as_string() == name);
  const Answer content = fixture.get(target_of(image, "/content"));
  for (const char c : content.header("Content-Disposition")) CHECK(c >= 0x20);
}

TEST_CASE("a public bucket's images are linked there, but for those that are saved rather than shown", "[gateway]") {
  StorePlace bucket{.provider = "aws", .bucket = "b", .prefix = ""};
  const ImageLinks links{"https://p.example", "https://cdn.example/b", [&bucket] { return std::optional(bucket); }};
  Image image;
  image.id = ImageId(7);
  image.place = bucket;
  image.key = ObjectKey("images/1/v 1/a#b.jpg");
  image.mime_type = "image/jpeg";
  CHECK(links.content_url(image) == "https://cdn.example/b/images/1/v%201/a%23b.jpg");
  for (const char* type : {"image/svg+xml", "image/vnd.adobe.photoshop", ""}) {
    image.mime_type = type;
    CHECK(links.content_url(image) == "https://p.example/api/images/7/content");
  }
  image.mime_type = "image/jpeg";
  image.place.bucket = "other";
  CHECK(links.content_url(image) == "https://p.example/api/images/7/content");
  image.place = bucket = {.provider = "local", .bucket = "", .prefix = ""};
  CHECK(links.content_url(image) == "https://p.example/api/images/7/content");
}

TEST_CASE("a query is read as forms write it, and refused where it cannot be read", "[gateway]") {
  GatewayFixture fixture;
  fixture.add_image(file_named("a b.png"), "image/png", "x");
  CHECK(fixture.get("/api/images?q=a+b").json().at("total").as_int64() == 1);
  CHECK(fixture.get("/api/images?q=a%zz").status == 400);
}

TEST_CASE("images are paged, newest first", "[gateway]") {
  GatewayFixture fixture;
  fixture.imported_job(5);
  const auto json = fixture.get("/api/images?page=2&per_page=2").json();
  CHECK(json.at("images").as_array().size() == 2);
  CHECK(json.at("images").as_array().at(0).as_object().at("google_drive_id").as_string() == "drive-3");
  CHECK(json.at("total").as_int64() == 5);
  CHECK(json.at("page").as_int64() == 2);
  CHECK(json.at("per_page").as_int64() == 2);
  CHECK(json.at("total_pages").as_int64() == 3);
  CHECK(fixture.get("/api/images").json().at("per_page").as_int64() == 50);
}

TEST_CASE("a page behind the last, however far, is empty", "[gateway]") {
  GatewayFixture fixture;
  fixture.imported_job(2);
  for (const char* page : {"2", "1000000", "9223372036854775807"}) {
    INFO(page);
    const Answer answer = fixture.get(std::string("/api/images?per_page=500&page=") + page);
    CHECK(answer.status == 200);
    CHECK(answer.json().at("images").as_array().empty());
    CHECK(answer.json().at("total").as_int64() == 2);
    CHECK(std::to_string(answer.json().at("page").as_int64()) == page);
  }
}

TEST_CASE("no images are an empty page", "[gateway]") {
  GatewayFixture fixture;
  const auto json = fixture.get("/api/images").json();
  CHECK(json.at("images").as_array().empty());
  CHECK(json.at("total_pages").as_int64() == 0);
}

TEST_CASE("a wrong page, size or filter of images is refused with what it must be", "[gateway]") {
  struct Row {
    std::string query;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({{"page=0", "page must be a whole number, 1 or greater"},
                                         {"page=-1", "page must be"},
                                         {"page=x", "page must be"},
                                         {"page=9223372036854775808", "page must be"},
                                         {"per_page=0", "per_page must be a whole number from 1 to 500"},
                                         {"per_page=501", "per_page must be"},
                                         {"storage_provider=ftp", "one of local, aws, azure"},
                                         {"cursor=x", "cursor must be the next_cursor of an earlier answer"},
                                         {"cursor=0", "cursor must be"},
                                         {"taken_after=2024-5-6", "taken_after must be a day, YYYY-MM-DD"},
                                         {"taken_before=2024-02-30", "taken_before must be"},
                                         {"q=%FF", "q must be UTF-8 text"},
                                         {"job_id=7", "job_id must be a UUID"}}));
  GatewayFixture fixture;
  const Answer answer = fixture.get("/api/images?" + row.query);
  CHECK(answer.status == 400);
  CHECK_THAT(error_of(answer), Catch::Contains(row.words));
}

TEST_CASE("images are found by name, provider and job", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.imported_job(3);
  const auto total = [&](const std::string& query) {
    return fixture.get("/api/images?" + query).json().at("total").as_int64();
  };
  CHECK(total("q=PHOTO%202") == 1);
  CHECK(total("storage_provider=local") == 3);
  CHECK(total("storage_provider=aws") == 0);
  CHECK(total("job_id=" + job.value()) == 3);
  CHECK(total("job_id=123e4567-e89b-42d3-a456-426614174000") == 0);
}

TEST_CASE("images are found by folder, camera and day", "[gateway]") {
  GatewayFixture fixture;
  for (int n = 0; n < 4; ++n) {
    SourceFile file = file_named("a.png");
    file.id = DriveId("file-" + std::to_string(n));
    file.image.camera = n % 2 == 0 ? "Nikon D850" : "Canon & \"Co\"";
    file.image.taken_at = "2024-05-0" + std::to_string(n + 1) + "T10:00:00";
    fixture.add_image(file, "image/png", "bytes");
  }
  const auto total = [&](const std::string& query) {
    const auto json = fixture.get("/api/images?" + query).json();
    CHECK_FALSE(json.at("total_capped").as_bool());
    return json.at("total").as_int64();
  };
  CHECK(total("folder=Trips") == 4);
  CHECK(total("folder=Trips%2F2026") == 4);
  CHECK(total("folder=Tri") == 0);
  CHECK(total("camera=Canon%20%26%20%22Co%22") == 2);
  CHECK(total("taken_after=2024-05-02&taken_before=2024-05-03") == 2);
  CHECK(total("taken_after=2024-05-04&camera=Nikon%20D850") == 0);

  const auto folders = fixture.get("/api/images/folders?parent=Trips").json();
  CHECK(folders.at("parent").as_string() == "Trips");
  CHECK(folders.at("folders").as_array().size() == 1);
  CHECK(folders.at("folders").as_array().at(0).as_object().at("path").as_string() == "Trips/2026");
  CHECK(folders.at("folders").as_array().at(0).as_object().at("name").as_string() == "2026");
  CHECK(folders.at("folders").as_array().at(0).as_object().at("images").as_int64() == 4);
  CHECK(folders.at("next_cursor").is_null());
  const auto cameras = fixture.get("/api/images/cameras?limit=1").json();
  CHECK(cameras.at("cameras").as_array().size() == 1);
  CHECK(cameras.at("cameras").as_array().at(0).as_object().at("camera").as_string() == "Canon & \"Co\"");
  CHECK(cameras.at("cameras").as_array().at(0).as_object().at("images").as_int64() == 2);
  CHECK(cameras.at("next_cursor").as_string() == "Canon & \"Co\"");
  const auto rest = fixture.get("/api/images/cameras?limit=1&cursor=Canon%20%26%20%22Co%22").json();
  CHECK(rest.at("cameras").as_array().at(0).as_object().at("camera").as_string() == "Nikon D850");
  CHECK(rest.at("next_cursor").is_null());
  CHECK(fixture.get("/api/images/folders?limit=501").status == 400);
}

TEST_CASE("images are scrolled through by cursor, each once", "[gateway]") {
  const int count = GENERATE(0, 1, 3, 4, 6, 7);
  GatewayFixture fixture;
  if (count > 0) fixture.imported_job(count);
  std::vector<std::int64_t> seen;
  std::string cursor;
  for (int parts = 0; parts < 10; ++parts) {
    const auto json = fixture.get("/api/images?per_page=3&q=photo&cursor=" + cursor).json();
    CHECK(json.at("total").as_int64() == count);
    for (const auto& image : json.at("images").as_array()) seen.push_back(image.as_object().at("id").as_int64());
    if (json.at("next_cursor").is_null()) break;
    cursor = std::string(json.at("next_cursor").as_string());
  }
  CHECK(seen.size() == static_cast<std::size_t>(count));
  CHECK(std::is_sorted(seen.rbegin(), seen.rend()));
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("all images are one valid document, however many pages it takes", "[gateway]") {
  const std::size_t count = GENERATE(0u, 1u, 2u, 3u, 4u, 6u, 17u);
  GatewayFixture fixture;  // three records a page
  if (count > 0) fixture.imported_job(count);
  const Answer answer = fixture.get("/api/images/all");
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.read_error);
  const auto json = answer.json();
  CHECK(json.at("success").as_bool());
  CHECK(json.at("total").as_int64() == static_cast<std::int64_t>(count));
  const auto& images = json.at("images").as_array();
  REQUIRE(images.size() == count);
  for (std::size_t i = 1; i < count; ++i) {
    CHECK(images.at(i).as_object().at("id").as_int64() < images.at(i - 1).as_object().at("id").as_int64());
  }
}

TEST_CASE("the total of all images is that of the list, whatever is added and deleted while it is sent", "[gateway]") {
  GatewayFixture fixture;
  fixture.imported_job(8);
  const ImageLinks links{"http://x", ""};
  Result<HttpResponse> response = all_images_response({}, {fixture.metadata, links, 3});
  REQUIRE(response.has_value());
  fixture.imported_job(2);
  CHECK(fixture.ask({.method = HttpMethod::kDelete, .target = "/api/images/1"}).status == 200);
  ByteReader& reader = *std::get<HttpStreamBody>(response->body).reader;
  Answer answer;
  std::vector<std::byte> buffer(100'000);
  for (std::size_t n = reader.read({}, buffer).value(); n != 0; n = reader.read({}, buffer).value()) {
    answer.body.append(reinterpret_cast<const char*>(buffer.data()), n);
  }
  CHECK(answer.json().at("total").as_int64() == 7);
  CHECK(answer.json().at("images").as_array().size() == 7);
}

TEST_CASE("a database that goes away breaks the list off, or gives an error where nothing was sent", "[gateway]") {
  GatewayFixture fixture;
  fixture.imported_job(7);
  fixture.metadata.fail_after(0);
  CHECK(fixture.get("/api/images/all").status == 503);
  fixture.metadata.fail_after(2);
  const Answer answer = fixture.get("/api/images/all");
  REQUIRE(answer.read_error.has_value());
  CHECK(answer.read_error->code() == ErrorCode::kUnavailable);
}

TEST_CASE("a record that is not there is not found, an id that is none refused", "[gateway]") {
  GatewayFixture fixture;
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kDelete}) {
    CHECK(fixture.ask({.method = method, .target = "/api/images/77"}).status == 404);
    CHECK(fixture.ask({.method = method, .target = "/api/images/0"}).status == 404);
    CHECK(fixture.ask({.method = method, .target = "/api/images/99999999999999999999"}).status == 404);
    CHECK(fixture.ask({.method = method, .target = "/api/images/x%22y"}).status == 400);
  }
  CHECK(fixture.get("/api/images/77/content").status == 404);
  CHECK(fixture.get("/api/images/-1/content").status == 400);
}

TEST_CASE("delete removes object and record", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "b");
  const Call call{.method = HttpMethod::kDelete, .target = target_of(image)};
  const Answer answer = fixture.ask(call);
  CHECK(answer.status == 200);
  CHECK(answer.json().at("message").as_string() == "Image deleted successfully");
  CHECK_FALSE(fixture.objects.has(image.key));
  CHECK(fixture.get(target_of(image)).status == 404);
  CHECK(fixture.ask(call).status == 404);
}

TEST_CASE("a deletion that died in the middle is finished by the next one", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "b");
  const Call call{.method = HttpMethod::kDelete, .target = target_of(image)};
  fixture.objects.fail(Error(ErrorCode::kUnavailable, "The store is away"));
  CHECK(fixture.ask(call).status == 503);
  CHECK(fixture.get(target_of(image)).status == 404);
  CHECK(fixture.objects.has(image.key));
  fixture.objects.fail(std::nullopt);
  CHECK(fixture.ask(call).status == 200);
  CHECK_FALSE(fixture.objects.has(image.key));
}

TEST_CASE("an image of another store is neither served nor deleted", "[gateway]") {
  GatewayFixture fixture;
  const JobId job = fixture.submit();
  fixture.list(1);
  fixture.finish_listing();
  const auto items = fixture.metadata.items({}, {.job = job}).value();
  Outcome outcome;
  outcome.job = job;
  outcome.item = items.front().id;
  outcome.state = ItemState::kImported;
  outcome.stored = StoredObject{.key = ObjectKey("k"), .size_bytes = 1, .mime_type = "image/png"};
  const StorePlace elsewhere{.provider = "aws", .bucket = "photos", .prefix = ""};
  REQUIRE(fixture.metadata.commit({}, std::span(&outcome, 1), elsewhere).has_value());
  const Image image = fixture.metadata.walk({}, {}, ImageId(0), 1).value().front();
  const Answer content = fixture.get(target_of(image, "/content"));
  CHECK(content.status == 503);
  CHECK(content.json().at("code").as_string() == "stored_elsewhere");
  CHECK(fixture.ask({.method = HttpMethod::kDelete, .target = target_of(image)}).status == 503);
  CHECK(fixture.get(target_of(image)).status == 200);
}

TEST_CASE("a deletion that died is not finished on another store, which may have an object under the same key",
          "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "b");
  const Call call{.method = HttpMethod::kDelete, .target = target_of(image)};
  fixture.objects.fail(Error(ErrorCode::kUnavailable, "The store is away"));
  CHECK(fixture.ask(call).status == 503);
  fixture.objects.fail(std::nullopt);
  fixture.objects.stand_at({.provider = "aws", .bucket = "other", .prefix = "images"});
  const Answer answer = fixture.ask(call);
  CHECK(answer.status == 503);
  CHECK(answer.json().at("code").as_string() == "stored_elsewhere");
  CHECK(fixture.objects.has(image.key));
  fixture.objects.stand_at(image.place);
  CHECK(fixture.ask(call).status == 200);
  CHECK_FALSE(fixture.objects.has(image.key));
}

TEST_CASE("content is served with its type, its tag and headers that keep it harmless", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a.png"), "image/png", "0123456789");
  const Answer answer = fixture.get(target_of(image, "/content"));
  CHECK(answer.status == 200);
  CHECK(answer.body == "0123456789");
  CHECK(answer.header("Content-Type") == "image/png");
  CHECK(answer.header("ETag") == "\"" + sha256_hex("0123456789") + "\"");
  CHECK(answer.header("Accept-Ranges") == "bytes");
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.header("Content-Security-Policy") == "sandbox; default-src 'none'");
  CHECK_THAT(answer.header("Content-Disposition"), Catch::StartsWith("inline; filename=\"a.png\""));
  CHECK_THAT(answer.header("Cache-Control"), Catch::Contains("private"));
  CHECK(fixture.get(target_of(image, "/content?redirect=1")).body == "0123456789");
}

TEST_CASE("content asked for by redirect comes from the bucket itself, where it gives links", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a \"b\".png"), "image/png", "0123456789");
  fixture.objects.give_links("https://bucket.example/");
  const Answer answer = fixture.get(target_of(image, "/content?redirect=1"));
  CHECK(answer.status == 302);
  CHECK(answer.header("Location") == "https://bucket.example/images/file-1/v1/x");
  CHECK(answer.header("Cache-Control") == "no-store");
  CHECK(answer.header("ETag").empty());
  CHECK(answer.body.empty());
  CHECK(fixture.objects.linked().content_type == "image/png");
  CHECK(fixture.objects.linked().content_disposition == content_disposition(image));
  CHECK(fixture.objects.gets() == 0);
  // A link is signed for GET: HEAD by it would be refused.
  const Answer head = fixture.ask({.method = HttpMethod::kHead, .target = target_of(image, "/content?redirect=1")});
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "10");
  // Only where it was asked for.
  CHECK(fixture.get(target_of(image, "/content")).body == "0123456789");
  CHECK(fixture.get(target_of(image, "/content?redirect=0")).status == 200);
}

TEST_CASE("a redirect does not lead into another store", "[gateway]") {
  GatewayFixture fixture;
  fixture.objects.give_links("https://bucket.example/");
  CHECK(fixture.get("/api/images/4711/content?redirect=1").status == 404);
}

TEST_CASE("an SVG is saved, never shown", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a.svg"), "image/svg+xml", "<svg/>");
  CHECK_THAT(fixture.get(target_of(image, "/content")).header("Content-Disposition"), Catch::StartsWith("attachment;"));
}

TEST_CASE("a part of the content is served as asked", "[gateway]") {
  struct Row {
    std::string range;
    int status;
    std::string body;
    std::string content_range;
  };
  const auto row = GENERATE(values<Row>({{"bytes=0-3", 206, "0123", "bytes 0-3/10"},
                                         {"bytes=4-", 206, "456789", "bytes 4-9/10"},
                                         {"bytes=-2", 206, "89", "bytes 8-9/10"},
                                         {"bytes=-200", 206, "0123456789", "bytes 0-9/10"},
                                         {"bytes=9-500", 206, "9", "bytes 9-9/10"},
                                         {"bytes=0-1,4-5", 200, "0123456789", ""},
                                         {"bytes=3-1", 200, "0123456789", ""}}));
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "0123456789");
  const Answer answer = fixture.ask({.target = target_of(image, "/content"), .headers = {{"Range", row.range}}});
  CHECK(answer.status == row.status);
  CHECK(answer.body == row.body);
  CHECK(answer.header("Content-Range") == row.content_range);
}

TEST_CASE("a range behind the end is refused with the size", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "0123456789");
  const Answer answer = fixture.ask({.target = target_of(image, "/content"), .headers = {{"Range", "bytes=10-"}}});
  CHECK(answer.status == 416);
  CHECK(answer.header("Content-Range") == "bytes */10");
  CHECK(answer.json().at("code").as_string() == "range_not_satisfiable");
}

TEST_CASE("content that the client has already is not sent again", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "0123456789");
  const std::string tag = fixture.get(target_of(image, "/content")).header("ETag");
  const std::size_t gets = fixture.objects.gets();
  const Answer answer = fixture.ask({.target = target_of(image, "/content"), .headers = {{"If-None-Match", tag}}});
  CHECK(answer.status == 304);
  CHECK(answer.header("ETag") == tag);
  CHECK(answer.body.empty());
  CHECK(fixture.objects.gets() == gets);
  const Call changed{.target = target_of(image, "/content"),
                     .headers = {{"Range", "bytes=0-1"}, {"If-Range", "\"x\""}}};
  CHECK(fixture.ask(changed).body == "0123456789");
}

TEST_CASE("HEAD tells of the content without reading it", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "0123456789");
  const Answer answer = fixture.ask({.method = HttpMethod::kHead, .target = target_of(image, "/content")});
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Length") == "10");
  CHECK(answer.header("Content-Type") == "image/png");
  CHECK(answer.body.empty());
  CHECK(fixture.objects.gets() == 0);
}

TEST_CASE("a record whose object is gone says so", "[gateway]") {
  GatewayFixture fixture;
  const Image image = fixture.add_image(file_named("a"), "image/png", "b");
  REQUIRE(fixture.objects.remove({}, image.key).has_value());
  const Answer answer = fixture.get(target_of(image, "/content"));
  CHECK(answer.status == 404);
  CHECK(answer.json().at("code").as_string() == "object_missing");
  CHECK(fixture.ask({.method = HttpMethod::kHead, .target = target_of(image, "/content")}).status == 404);
}

TEST_CASE("statistics add up over the providers", "[gateway]") {
  GatewayFixture fixture;
  const auto empty = fixture.get("/api/stats").json();
  CHECK(empty.at("total_images").as_int64() == 0);
  CHECK(empty.at("total_size_mb") == 0);
  fixture.add_image(file_named("a"), "image/png", std::string(3 << 19, 'x'));
  const auto json = fixture.get("/api/stats").json();
  CHECK(json.at("total_images").as_int64() == 1);
  CHECK(json.at("total_size_bytes").as_int64() == 3 << 19);
  CHECK(json.at("total_size_mb").as_double() == 1.5);
  CHECK(json.at("local_images").as_int64() == 1);
  CHECK(json.at("aws_images").as_int64() == 0);
  CHECK(json.at("azure_images").as_int64() == 0);
  REQUIRE(json.at("by_provider").as_array().size() == 1);
  const auto& local = json.at("by_provider").at(0).as_object();
  CHECK(local.at("storage_provider").as_string() == "local");
  CHECK(local.at("images").as_int64() == 1);
  CHECK(local.at("bytes").as_int64() == 3 << 19);
}

}  // namespace
}  // namespace imgimport::gateway_test
