// The statements of the dialects. No SQL Server can be had for tests, so that its statements are held as golden text:
// what changes is read by a person, against the documentation that transact_sql.cpp links to.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "metadata/sql/dialect.hpp"
#include "metadata/sql/json_rows.hpp"

using namespace imgimport;

namespace {

const std::filesystem::path kGolden =
    std::filesystem::path(IMGIMPORT_SOURCE_DIR) / "tests/unit/metadata/transact_sql.golden.sql";

std::string dump(const Dialect& dialect) {
  std::string text;
  for (const auto& [name, sql] : all_statements(dialect)) {
    text.append("-- ").append(name).append("\n").append(sql).append(";\n");
  }
  return text;
}

std::string golden() {
  std::ifstream file(kGolden);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("T-SQL's statements are those that were reviewed", "[sql-dialect]") {
  std::istringstream actual(dump(transact_sql_dialect()));
  std::istringstream reviewed(golden());
  std::string name;
  for (std::string line, expected; std::getline(actual, line);) {
    if (line.starts_with("-- ")) name = line;
    REQUIRE(std::getline(reviewed, expected));
    INFO(name);
    REQUIRE(line == expected);
  }
  std::string rest;
  CHECK_FALSE(std::getline(reviewed, rest));
}

// Hidden: run it by its tag after a change, and read the difference.
TEST_CASE("write T-SQL's statements down for review", "[.write-golden]") {
  std::ofstream(kGolden) << dump(transact_sql_dialect());
}

TEST_CASE("each parameter stands once in a statement, as ODBC binds it", "[sql-dialect]") {
  const std::regex parameter("[^:]:([a-z_]+)");
  for (const Dialect* dialect : {&postgres_dialect(), &transact_sql_dialect()}) {
    for (const auto& [name, sql] : all_statements(*dialect)) {
      const std::string text(sql);
      std::map<std::string, int> seen;
      for (std::sregex_iterator at(text.begin(), text.end(), parameter), end; at != end; ++at) ++seen[(*at)[1]];
      for (const auto& [word, times] : seen) {
        INFO(name << " " << word);
        CHECK(times == 1);
      }
    }
  }
}

TEST_CASE("T-SQL's statements hold nothing that only other databases know", "[sql-dialect]") {
  const std::regex foreign(
      R"(\bLIMIT \d|\bRETURNING\b|::|\bON CONFLICT\b|\bILIKE\b|\bFOR UPDATE\b|\bLATERAL\b|\btrue\b|\bfalse\b|\btext\b)"
      R"(|IS NOT DISTINCT|\bjson_to_recordset\b|\brow_to_json\b|\bUSING\b|\bMERGE\b)");
  for (const auto& [name, sql] : all_statements(transact_sql_dialect())) {
    INFO(name << ": " << sql);
    CHECK_FALSE(std::regex_search(std::string(sql), foreign));
  }
}

TEST_CASE("rows are written in ASCII, whatever they hold", "[sql-dialect]") {
  JsonRows rows;
  CHECK(rows.take() == "[]");
  rows.row()
      .add("a", std::int64_t{-9223372036854775807})
      .add("b", "it's \"q\" \\ \n")
      .add("c", std::nullopt)
      .add("d", std::optional<std::int64_t>(7));
  rows.row().add("e", "é日🏔").add("f", std::string_view("nul\0", 4)).add("g", "\xff").add("h", -0.1);
  CHECK(rows.size() == 2);
  CHECK(rows.take() == R"([{"a":-9223372036854775807,"b":"it's \u0022q\u0022 \u005c \u000a","c":null,"d":7},)"
                       R"({"e":"\u00e9\u65e5\ud83c\udfd4","f":"nul\ufffd","g":"\ufffd","h":-0.1}])");
  CHECK(rows.empty());
}
