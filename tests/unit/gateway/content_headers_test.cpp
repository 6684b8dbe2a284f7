#include "gateway/content_headers.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

Image named(std::string name, std::string type) {
  Image image;
  image.name = std::move(name);
  image.mime_type = std::move(type);
  return image;
}

HttpRequest with_header(std::string_view name, std::string value) {
  HttpRequest request;
  request.headers.set(name, std::move(value));
  return request;
}

TEST_CASE("raster images are shown, everything else is saved", "[gateway]") {
  for (const char* type :
       {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/bmp"}) {
    CHECK_THAT(content_disposition(named("a", type)), Catch::StartsWith("inline;"));
  }
  for (const char* type : {"image/svg+xml", "text/html", "", "application/octet-stream", "image/vnd.adobe.photoshop"}) {
    CHECK_THAT(content_disposition(named("a", type)), Catch::StartsWith("attachment;"));
  }
}

TEST_CASE("a file name is given in ASCII and in UTF-8, and cannot break out of its header", "[gateway]") {
  struct Row {
    std::string name;
    std::string expected;
  };
  const auto row = GENERATE(values<Row>({
      {"cat.jpg", "inline; filename=\"cat.jpg\"; filename*=UTF-8''cat.jpg"},
      {"a \"b\".jpg", "inline; filename=\"a _b_.jpg\"; filename*=UTF-8''a%20%22b%22.jpg"},
      {"../../etc/passwd", "inline; filename=\".._.._etc_passwd\"; filename*=UTF-8''.._.._etc_passwd"},
      {"x\r\nSet-Cookie: a", "inline; filename=\"x__Set-Cookie: a\"; filename*=UTF-8''x__Set-Cookie%3A%20a"},
      {"c:\\x.png", "inline; filename=\"c:_x.png\"; filename*=UTF-8''c%3A_x.png"},
      {"\U0001F4F7.png", "inline; filename=\"_.png\"; filename*=UTF-8''%F0%9F%93%B7.png"},
      {"<script>.png", "inline; filename=\"<script>.png\"; filename*=UTF-8''%3Cscript%3E.png"},
      {"100%.png", "inline; filename=\"100_.png\"; filename*=UTF-8''100%25.png"},
      {"bad\xff.png", "inline; filename=\"bad_.png\"; filename*=UTF-8''bad%EF%BF%BD.png"},
  }));
  CHECK(content_disposition(named(row.name, "image/png")) == row.expected);
}

TEST_CASE("a very long name is cut between characters and keeps its extension", "[gateway]") {
  std::string name;
  for (int i = 0; i < 250; ++i) name += "\U0001F4F7";
  const std::string value = content_disposition(named(name + ".jpeg", "image/jpeg"));
  CHECK(value.size() < 1200);
  CHECK_THAT(value, Catch::EndsWith("%F0%9F%93%B7.jpeg"));
}

TEST_CASE("the entity tag is the content's hash, else what the store says", "[gateway]") {
  Image image;
  CHECK(entity_tag(image).empty());
  image.hashes.md5 = "m";
  CHECK(entity_tag(image) == "\"m\"");
  image.etag = "e";
  CHECK(entity_tag(image) == "\"e\"");
  image.hashes.sha256 = "s";
  CHECK(entity_tag(image) == "\"s\"");
  image.hashes = {};
  image.etag = "has \"quotes\"";
  CHECK(entity_tag(image).empty());
}

TEST_CASE("If-None-Match compares weakly, in lists too", "[gateway]") {
  for (const char* value : {"\"t\"", "W/\"t\"", "*", "\"a\", \"t\"", "\"a\",W/\"t\" "}) {
    INFO(value);
    CHECK(matches_if_none_match(with_header("If-None-Match", value), "\"t\""));
  }
  for (const char* value : {"\"T\"", "t", "", "\"t", "\"a\""}) {
    INFO(value);
    CHECK_FALSE(matches_if_none_match(with_header("If-None-Match", value), "\"t\""));
  }
  CHECK_FALSE(matches_if_none_match(HttpRequest{}, "\"t\""));
  CHECK_FALSE(matches_if_none_match(with_header("If-None-Match", "*"), ""));
}

TEST_CASE("a single range is honoured", "[gateway]") {
  const auto range_of = [](std::string value) {
    return requested_range(with_header("Range", std::move(value)), 100, "");
  };
  const auto middle = range_of("bytes=10-19");
  REQUIRE(middle.range);
  CHECK(middle.range->first == 10);
  CHECK(middle.range->last == 19u);
  const auto tail = range_of("Bytes=-5");
  REQUIRE(tail.range);
  CHECK(tail.range->suffix == 5u);
  const auto open = range_of("bytes=99-");
  REQUIRE(open.range);
  CHECK_FALSE(open.range->last);
  CHECK(open.satisfiable);
  CHECK(range_of("bytes=0-99999999999999999999999").satisfiable);
  CHECK(range_of("bytes=-1000").satisfiable);
}

TEST_CASE("a range behind the end cannot be satisfied", "[gateway]") {
  for (const char* value : {"bytes=100-", "bytes=100-200", "bytes=99999999999999999999999-", "bytes=-0"}) {
    INFO(value);
    CHECK_FALSE(requested_range(with_header("Range", value), 100, "").satisfiable);
  }
  CHECK_FALSE(requested_range(with_header("Range", "bytes=0-"), 0, "").satisfiable);
  CHECK_FALSE(requested_range(with_header("Range", "bytes=-1"), 0, "").satisfiable);
}

TEST_CASE("a malformed range, another unit or several ranges ask for the whole", "[gateway]") {
  for (const char* value : {"bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "bytes", "items=0-1", "bytes=0-1,3-4",
                            "bytes=1", "bytes=--1", "bytes=1-2-3"}) {
    INFO(value);
    const auto range = requested_range(with_header("Range", value), 100, "");
    CHECK_FALSE(range.range);
    CHECK(range.satisfiable);
  }
}

TEST_CASE("If-Range lets a range through only for the very same content", "[gateway]") {
  HttpRequest request = with_header("Range", "bytes=0-1");
  request.headers.set("If-Range", "\"t\"");
  CHECK(requested_range(request, 100, "\"t\"").range);
  CHECK_FALSE(requested_range(request, 100, "\"other\"").range);
  CHECK_FALSE(requested_range(request, 100, "").range);
  request.headers.set("If-Range", "W/\"t\"");
  CHECK_FALSE(requested_range(request, 100, "\"t\"").range);
  request.headers.set("If-Range", "Mon, 23 Nov 2026 20:17:14 GMT");
  CHECK_FALSE(requested_range(request, 100, "\"t\"").range);
}

}  // namespace
}  // namespace imgimport
