#include "storage/http_answer.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "base/text.hpp"
#include "fakes/memory_blob.hpp"

namespace imgimport {
namespace {

HttpHeaders one(std::string_view name, std::string value) {
  HttpHeaders headers;
  headers.set(name, std::move(value));
  return headers;
}

}  // namespace

TEST_CASE("an ETag comes without quotes, weak or not", "[storage][http_answer]") {
  CHECK(etag_of(one("ETag", "\"abc\"")) == "abc");
  CHECK(etag_of(one("etag", "W/\"abc\"")) == "abc");
  CHECK(etag_of(one("ETag", "abc")) == "abc");
  CHECK(etag_of(one("ETag", "\"")) == "\"");
  CHECK(etag_of({}).empty());
}

TEST_CASE("a Content-Range is three numbers that fit together", "[storage][http_answer]") {
  const auto range = parse_content_range("bytes 3-5/10");
  REQUIRE(range.has_value());
  CHECK(range->first == 3);
  CHECK(range->last == 5);
  CHECK(range->size == 10);
  for (const char* bad : {"", "bytes */10", "bytes 3-5/*", "bytes 5-3/10", "bytes 3-10/10", "bytes 3-5", "3-5/10",
                          "bytes -1-5/10", "bytes 3-5/99999999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_range(bad).has_value());
  }
}

TEST_CASE("a range is written as HTTP has it", "[storage][http_answer]") {
  CHECK(range_header({.first = 3, .last = 5}) == "bytes=3-5");
  CHECK(range_header({.first = 3}) == "bytes=3-");
  CHECK(range_header({.suffix = 7}) == "bytes=-7");
}

TEST_CASE("an element of an error document is found, its entities resolved", "[storage][http_answer]") {
  const std::string document =
      "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<Error>\n <Code> AccessDenied </Code><Message>a &lt;b&gt; &amp;amp; c"
      "</Message><Empty></Empty></Error>";
  CHECK(xml_element(document, "Code") == "AccessDenied");
  CHECK(xml_element(document, "Message") == "a <b> &amp; c");
  CHECK(xml_element(document, "Empty") == "");
  CHECK_FALSE(xml_element(document, "Region").has_value());
  CHECK_FALSE(xml_element("<Code>cut sho", "Code").has_value());
  CHECK_FALSE(xml_element("", "Code").has_value());
}

TEST_CASE("of a refusal's body no more is read than anybody needs", "[storage][http_answer]") {
  const StreamBlob large(std::string(10 << 20, 'x'), {});
  const auto reader = large.open({}).value();
  CHECK(read_answer_body({}, *reader).value().size() == kMaxErrorBodyBytes);
  const StreamBlob small("<Error/>", {.piece = 3});
  const auto small_reader = small.open({}).value();
  CHECK(read_answer_body({}, *small_reader).value() == "<Error/>");
}

}  // namespace imgimport
