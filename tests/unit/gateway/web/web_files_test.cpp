#include "gateway/web/web_files.hpp"

#include <catch2/catch.hpp>

#include "gateway/web/embedded.hpp"

namespace imgimport {
namespace {

const std::string kPack =
    "imgimport-web 1 2\n"
    "/index.html\ttext/html\trevalidate\tabc\t5\t3\t0\n"
    "/assets/a.js\ttext/javascript\timmutable\tdef\t2\t0\t1\n"
    "\n"
    "plaingziJSb";

TEST_CASE("a pack holds files in their forms", "[gateway][web]") {
  const auto files = WebFiles::unpack(kPack);
  REQUIRE(files.has_value());
  const WebFile* index = files->find("/index.html");
  REQUIRE(index != nullptr);
  CHECK(index->mime_type == "text/html");
  CHECK_FALSE(index->immutable);
  CHECK(index->tag == "abc");
  CHECK(*index->plain == "plain");
  REQUIRE(index->gzip);
  CHECK(*index->gzip == "gzi");
  CHECK_FALSE(index->brotli);
  const WebFile* script = files->find("/assets/a.js");
  REQUIRE(script != nullptr);
  CHECK(script->immutable);
  CHECK(*script->plain == "JS");
  CHECK_FALSE(script->gzip);
  REQUIRE(script->brotli);
  CHECK(*script->brotli == "b");
  CHECK(files->find("/other") == nullptr);
}

TEST_CASE("a pack that is cut off anywhere is refused", "[gateway][web]") {
  for (std::size_t length = 0; length < kPack.size(); ++length) {
    INFO(length);
    CHECK_FALSE(WebFiles::unpack(std::string_view(kPack).substr(0, length)).has_value());
  }
  CHECK_FALSE(WebFiles::unpack(kPack + "x").has_value());
  CHECK_FALSE(WebFiles::unpack("imgimport-web 1 1\n/a\tb\tc\td\t99999999999999999999\t0\t0\n\n").has_value());
}

TEST_CASE("the program's own pack is whole", "[gateway][web]") {
  CHECK(WebFiles::unpack(embedded_web_pack()).has_value());
}

TEST_CASE("an empty pack is a program without the web app", "[gateway][web]") {
  const auto files = WebFiles::unpack("imgimport-web 1 0\n\n");
  REQUIRE(files.has_value());
  CHECK(files->empty());
}

TEST_CASE("Accept-Encoding says which forms may be sent", "[gateway][web]") {
  struct Row {
    std::string header;
    bool gzip;
    bool brotli;
  };
  const auto row = GENERATE(values<Row>({
      {"", false, false},
      {"gzip", true, false},
      {"gzip, deflate, br, zstd", true, true},
      {"GZIP;Q=0.5", true, false},
      {"br;q=0, gzip;q=0.1", true, false},
      {"gzip;q=0", false, false},
      {"gzip;q=0.000, *", false, true},
      {"*", true, true},
      {"*;q=0", false, false},
      {"identity", false, false},
      {"gzip ; q=nonsense", false, false},
      {"gzipped, brotli", false, false},
  }));
  INFO(row.header);
  const AcceptedCodings accepted = accepted_codings(row.header);
  CHECK(accepted.gzip == row.gzip);
  CHECK(accepted.brotli == row.brotli);
}

}  // namespace
}  // namespace imgimport
