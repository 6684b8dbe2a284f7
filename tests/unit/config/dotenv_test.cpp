#include "config/dotenv.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

std::string only_value(std::string_view text, const Environment& environment = {}) {
  const auto entries = parse_dotenv(text, environment);
  if (!entries) return "error: " + entries.error().message();
  if (entries->size() != 1) return std::to_string(entries->size()) + " entries";
  return entries->front().name + "=[" + entries->front().value + "]";
}

std::string failure(std::string_view text) {
  const auto entries = parse_dotenv(text, {});
  return entries ? std::string() : entries.error().message();
}

TEST_CASE("a line of .env is read as docker compose reads it", "[config][dotenv]") {
  struct Row {
    std::string_view line;
    std::string_view expected;
  };
  const Row rows[] = {
      {"A=b", "A=[b]"},
      {"A=b\r\n", "A=[b]"},
      {"\xEF\xBB\xBF"
       "A=b",
       "A=[b]"},
      {"  export A=b  ", "A=[b]"},
      {"exporter=b", "exporter=[b]"},
      {"A = b ", "A=[b]"},
      {"A=", "A=[]"},
      {"A=b=c==", "A=[b=c==]"},
      {"A=b c", "A=[b c]"},
      {"A=b # comment", "A=[b]"},
      {"A=b# no comment", "A=[b# no comment]"},
      {"A=#all comment", "A=[]"},
      {"A='b # $C \\n'", "A=[b # $C \\n]"},
      {"A='it\\'s'", "A=[it's]"},
      {"A=\"b # c\" # comment", "A=[b # c]"},
      {R"(A="x\ny\tz\\n\"q\" \$D")", "A=[x\ny\tz\\n\"q\" $D]"},
      {R"(A=C:\new\table)", "A=[C:\\new\\table]"},
      {"A=\"one\ntwo\"", "A=[one\ntwo]"},
      {"A=''", "A=[]"},
      {"A=päß", "A=[päß]"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    CHECK(only_value(row.line) == row.expected);
  }
}

TEST_CASE("variables in .env come from the environment, else from the lines above", "[config][dotenv]") {
  const Environment environment = {{"HOME_DIR", "/srv"}, {"EMPTY", ""}};
  struct Row {
    std::string_view line;
    std::string_view expected;
  };
  const Row rows[] = {
      {"A=$HOME_DIR/x", "A=[/srv/x]"},
      {"A=${HOME_DIR}x", "A=[/srvx]"},
      {"A=\"${HOME_DIR}\"", "A=[/srv]"},
      {"A=$MISSING.", "A=[.]"},
      {"A=${MISSING:-word}", "A=[word]"},
      {"A=${EMPTY:-word}", "A=[word]"},
      {"A=${EMPTY-word}", "A=[]"},
      {"A=${HOME_DIR:+set}", "A=[set]"},
      {"A=${EMPTY:+set}", "A=[]"},
      {"A=${EMPTY+set}", "A=[set]"},
      {"A=${MISSING:-${HOME_DIR}/y}", "A=[/srv/y]"},
      {"A=cost$$5", "A=[cost$5]"},
      {"A=5$", "A=[5$]"},
      {"A=$5", "A=[$5]"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    CHECK(only_value(row.line, environment) == row.expected);
  }
  const auto both = parse_dotenv("A=1\nA=2\nB=$A\n", {});
  REQUIRE(both.has_value());
  CHECK(both->back().value == "2");
  const auto overridden = parse_dotenv("A=1\nB=$A\n", {{"A", "environment"}});
  REQUIRE(overridden.has_value());
  CHECK(overridden->back().value == "environment");
}

TEST_CASE("blank lines, comments and names without a value are skipped, and lines are counted", "[config][dotenv]") {
  const auto entries = parse_dotenv("# first\n\nA=1\nALONE\nB=\"x\ny\"\n  # last\nC=3", {});
  REQUIRE(entries.has_value());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[0].line == 3);
  CHECK((*entries)[1].line == 5);
  CHECK((*entries)[2].line == 8);
}

TEST_CASE("a line of .env that cannot be read is named without showing its value", "[config][dotenv]") {
  CHECK(failure("A=1\nwhat is this\n") == "line 2 is not KEY=VALUE");
  CHECK(failure("1A=x") == "line 1 is not KEY=VALUE");
  CHECK(failure("A=\"secret\nB=2") == "line 1 opens a quote that is never closed");
  CHECK(failure("A='secret' more") == "line 1 goes on after the closing quote");
  CHECK(failure("A=${B") == "line 1 opens ${ without closing it");
  CHECK(failure("A=${}") == "line 1 has ${…} without a variable's name");
  CHECK(failure("A=${B:?secret}") == "line 1 has a form of ${…} other than :-, -, :+ and +");
}

}  // namespace
}  // namespace imgimport
