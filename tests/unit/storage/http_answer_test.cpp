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

TEST_CASE("HTTP dates are read and written", "[storage][http_answer]") {
  const Timestamp time = from_rfc3339("1994-11-06T08:49:37Z").value();
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == time);
  CHECK(to_http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(to_http_date(from_rfc3339("2026-02-28T23:59:59.999Z").value()) == "Sat, 28 Feb 2026 23:59:59 GMT");
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
                          "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 1994 0a:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad).has_value());
  }
}

TEST_CASE("Retry-After counts seconds or names a time, and is never absurd", "[storage][http_answer]") {
  const Timestamp now = from_rfc3339("1994-11-06T08:49:30Z").value();
  using std::chrono::seconds;
  CHECK(retry_after_of(one("Retry-After", "12"), now) == seconds(12));
  CHECK(retry_after_of(one("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), now) == seconds(7));
  CHECK(retry_after_of(one("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"), now) == seconds(0));
  CHECK(retry_after_of(one("Retry-After", "4000000000"), now) == std::chrono::hours(24));
  CHECK_FALSE(retry_after_of(one("Retry-After", "soon"), now).has_value());
  CHECK_FALSE(retry_after_of({}, now).has_value());
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
