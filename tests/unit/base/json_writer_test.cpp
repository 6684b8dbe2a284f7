#include "base/json_writer.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <limits>

namespace imgimport {
namespace {

std::string written(std::string_view text) {
  JsonWriter json;
  json.string(text);
  return json.take();
}

TEST_CASE("a JSON string reads back as it was written, whatever it holds", "[gateway]") {
  const std::string text = GENERATE(std::string(), std::string("plain"), std::string("a \"quoted\" \\ name"),
                                    std::string("tab\tline\nreturn\rbell\a"), std::string("nul\0inside", 10),
                                    std::string("<script>alert('x')</script>"), std::string("\x7f"),
                                    std::string("caf\u00e9 \u65e5\u672c \U0001F4F7"));
  CHECK(boost::json::parse(written(text)).as_string() == text);
}

TEST_CASE("bytes that are no UTF-8 become replacement characters in JSON", "[gateway]") {
  CHECK(boost::json::parse(written("a\xff"
                                   "b"))
            .as_string() == "a\uFFFDb");
  CHECK(boost::json::parse(written("\xed\xa0\x80")).as_string() == "\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("commas stand between members and elements, and nowhere else", "[gateway]") {
  JsonWriter json;
  json.begin_object();
  json.field("a", 1);
  json.key("list");
  json.begin_array();
  json.begin_object();
  json.end_object();
  json.integer(-2);
  json.null();
  json.end_array();
  json.field("b", true);
  json.field("c", std::optional<std::int32_t>());
  json.known_field("d", "");
  json.end_object();
  CHECK(json.take() == R"({"a":1,"list":[{},-2,null],"b":true,"c":null,"d":null})");
}

TEST_CASE("writing goes on after a piece was taken out", "[gateway]") {
  JsonWriter json;
  json.begin_array();
  json.integer(1);
  std::string text = json.take();
  CHECK(json.size() == 0);
  json.integer(2);
  json.end_array();
  text += json.take();
  CHECK(text == "[1,2]");
}

TEST_CASE("numbers are written so that they read back the same", "[gateway]") {
  JsonWriter json;
  json.begin_array();
  json.integer(std::numeric_limits<std::int64_t>::min());
  json.number(47.123456789);
  json.number(std::numeric_limits<double>::infinity());
  json.number(0);
  json.end_array();
  CHECK(json.take() == "[-9223372036854775808,47.123456789,null,0]");
}

}  // namespace
}  // namespace imgimport
