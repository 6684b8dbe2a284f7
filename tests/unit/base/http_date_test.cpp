#include "base/http_date.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"

using namespace imgimport;
using std::chrono::seconds;

TEST_CASE("HTTP dates are read and written") {
  const Timestamp time = from_rfc3339("1994-11-06T08:49:37Z").value();
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == time);
  CHECK(to_http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(to_http_date(from_rfc3339("2026-02-28T23:59:59.999Z").value()) == "Sat, 28 Feb 2026 23:59:59 GMT");
  for (const char* bad :
       {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 0a:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad).has_value());
  }
}

TEST_CASE("Retry-After counts seconds or names a time, and is never absurd") {
  const Timestamp now = from_rfc3339("1994-11-06T08:49:00Z").value();
  const auto wait = [&now](const char* text) {
    HttpHeaders headers;
    headers.set("Retry-After", text);
    return retry_after_of(headers, now);
  };
  CHECK(wait("7") == seconds(7));
  CHECK(wait(" 0 ") == seconds(0));
  CHECK(wait("Sun, 06 Nov 1994 08:49:37 GMT") == seconds(37));
  CHECK(wait("Sun, 06 Nov 1994 08:48:00 GMT") == seconds(0));
  CHECK(wait("4000000000") == std::chrono::hours(24));
  CHECK(wait("99999999999999") == std::chrono::hours(24));
  for (const char* const bad : {"", "-1", "soon", "1.5", "Sun, 06 Foo 1994 08:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(wait(bad).has_value());
  }
  CHECK_FALSE(retry_after_of({}, now).has_value());
}
