#include "base/text.hpp"

#include "base/glob.hpp"

#include <catch2/catch.hpp>

#include "base/random.hpp"

using namespace imgimport;

TEST_CASE("RFC 3339 times round-trip and take any offset") {
  const auto time = from_rfc3339("2026-11-23T20:17:14.123Z");
  REQUIRE(time);
  CHECK(to_rfc3339(*time) == "2026-11-23T20:17:14.123Z");
  CHECK(from_rfc3339("2026-11-23T22:17:14.1239+02:00") == time);
  CHECK(to_rfc3339(*from_rfc3339("1969-12-31T23:59:59Z")) == "1969-12-31T23:59:59Z");
  for (const char* bad :
       {"", "2026-11-23", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "-026-01-01T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_rfc3339(bad));
  }
}

TEST_CASE("percent-encoding keeps the unreserved characters and comes back whole") {
  CHECK(percent_encode("a b/ü~") == "a%20b%2F%C3%BC~");
  CHECK(percent_encode_path("a b/c") == "a%20b/c");
  CHECK(percent_decode("a%20b%2f") == std::string("a b/"));
  CHECK(percent_decode("1+1") == std::string("1+1"));
  CHECK_FALSE(percent_decode("%"));
  CHECK_FALSE(percent_decode("%2"));
  CHECK_FALSE(percent_decode("%zz"));
}

TEST_CASE("invalid UTF-8 becomes U+FFFD and valid text stays") {
  CHECK(to_valid_utf8("grüße 😀") == "grüße 😀");
  CHECK(to_valid_utf8("a\xFFz") == "a\xEF\xBF\xBDz");
  CHECK_FALSE(is_valid_utf8("\xC0\xAF"));          // overlong slash
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));      // a surrogate
  CHECK_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_valid_utf8("\xE2\x82"));          // cut short
}

TEST_CASE("a glob that cannot be meant is told from one that can") {
  for (const char* good : {"", "*", "a]b}", "[]a]", "[!]]", "{a,b}[0-9]?", "\\[", "{a,{b,c}}"}) {
    INFO(good);
    CHECK_FALSE(glob_trouble(good));
  }
  for (const char* bad : {"[a", "{a,b", "[z-a]", "a{b{c}", "{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}"}) {
    INFO(bad);
    CHECK(glob_trouble(bad));
  }
}

TEST_CASE("globs match without regard to case") {
  CHECK(glob_match("*.jp?g", "IMG_1.JPEG"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("a*b*c", "aXbXbXc"));
  CHECK_FALSE(glob_match("*.jpg", "a.png"));
  CHECK_FALSE(glob_match("?", ""));
  CHECK(glob_match("b-0000[1-3].jpg", "b-00002.jpg"));
  CHECK_FALSE(glob_match("b-0000[1-3].jpg", "b-00004.jpg"));
  CHECK(glob_match("[!a-c]x", "dX"));
  CHECK_FALSE(glob_match("[^a-c]x", "Bx"));
  CHECK(glob_match("[A-F]*", "cafe"));
  CHECK(glob_match("[]-]", "]"));
  CHECK(glob_match("b-{1,2}*.{jpg,png}", "b-2x.PNG"));
  CHECK_FALSE(glob_match("b-{1,2}.jpg", "b-3.jpg"));
  CHECK(glob_match("{a,b{1,2}}x", "b2x"));
  CHECK(glob_match("IMG{,_1}.jpg", "img.jpg"));
  CHECK(glob_match("\\[1\\]\\*", "[1]*"));
  CHECK_FALSE(glob_match("\\*", "x"));
  CHECK(glob_match("?[ä-ü].jpg", "öü.jpg"));
  CHECK(glob_match("a[b", "A[b"));
  CHECK(glob_match("a{b", "A{b"));
}

TEST_CASE("hex goes both ways") {
  CHECK(to_hex(std::as_bytes(std::span("\x00\xff", 2))) == "00ff");
  CHECK(from_hex("00fF") == std::string("\x00\xff", 2));
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
}

TEST_CASE("a random UUID has the version 4 form and none comes twice") {
  const std::string first = random_uuid();
  CHECK(first.size() == 36);
  CHECK(first[14] == '4');
  CHECK(std::string("89ab").find(first[19]) != std::string::npos);
  CHECK(first != random_uuid());
}

TEST_CASE("text for a message is one line of whole characters, cut where it is too long") {
  CHECK(printable("a\n\x1b[31mb\x7f\xff", kUncut) == "a??[31mb?\xEF\xBF\xBD");
  CHECK(printable(std::string(80, 'x'), kQuoted) == std::string(80, 'x'));
  CHECK(printable(std::string(81, 'x'), kQuoted) == std::string(80, 'x') + "…");
  CHECK(printable("ab😀", 5) == "ab…");
  CHECK(printable("abü", 4) == "abü");
  CHECK(printable("", 0).empty());
}
