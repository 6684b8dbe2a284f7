#include "gateway/import_request.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"

namespace imgimport {
namespace {

TEST_CASE("an import request needs nothing but a folder", "[gateway]") {
  const auto request = parse_import_request(R"({"folder_url": " https://drive.google.com/drive/folders/1a "})");
  REQUIRE(request.has_value());
  CHECK(request->folder_url == "https://drive.google.com/drive/folders/1a");
  CHECK(request->recursive);
  CHECK_FALSE(request->dry_run);
  CHECK_FALSE(request->filters.min_size);
  CHECK(request->filters.mime_types.empty());
}

TEST_CASE("a link is taken out of the quotes or brackets that it was pasted with", "[gateway]") {
  for (const char* pasted : {R"(" \"https://d.example/1a\" ")", R"("<https://d.example/1a>")",
                             R"("'https://d.example/1a'")", R"("\u201chttps://d.example/1a\u201d")"}) {
    INFO(pasted);
    const auto request = parse_import_request(std::string(R"({"folder_url": )") + pasted + "}");
    REQUIRE(request.has_value());
    CHECK(request->folder_url == "https://d.example/1a");
  }
  CHECK_FALSE(parse_import_request(R"({"folder_url": "\"\""})").has_value());
}

TEST_CASE("a pattern that cannot be meant is refused with what is wrong in it", "[gateway]") {
  CHECK(parse_import_request(R"({"folder_url": "1a", "filters": {"name_glob": "b-[1-3].{jpg,png}"}})").has_value());
  const auto refused = parse_import_request(R"({"folder_url": "1a", "filters": {"name_glob": "b-[1-3.jpg"}})");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("never closed") != std::string::npos);
}

TEST_CASE("every option and filter of an import request is read", "[gateway]") {
  const auto request = parse_import_request(R"({
    "folder_url": "1a", "recursive": false, "dry_run": true, "client_version": [1], "idempotency": null,
    "filters": {"min_size": 1, "max_size": 1e6, "mime_types": ["image/JPEG", "image/*"], "name_glob": "IMG_*",
      "min_width": 640, "min_height": 480, "taken_after": "2020-01-02", "taken_before": "2021-01-02T03:04:05",
      "modified_after": "2022-05-01T10:00:00+02:00", "modified_before": "2023-01-01"}})");
  REQUIRE(request.has_value());
  CHECK_FALSE(request->recursive);
  CHECK(request->dry_run);
  const ImportFilters& filters = request->filters;
  CHECK(filters.min_size == 1u);
  CHECK(filters.max_size == 1'000'000u);
  CHECK(filters.mime_types == std::vector<std::string>{"image/jpeg", "image/*"});
  CHECK(filters.name_glob == "IMG_*");
  CHECK(filters.min_width == 640);
  CHECK(filters.min_height == 480);
  CHECK(filters.taken_after == "2020-01-02");
  CHECK(filters.taken_before == "2021-01-02T03:04:05");
  CHECK(filters.modified_after == from_rfc3339("2022-05-01T08:00:00Z"));
  CHECK(filters.modified_before == from_rfc3339("2023-01-01T23:59:59.999Z"));
}

TEST_CASE("null stands for a field that is left out", "[gateway]") {
  const auto request =
      parse_import_request(R"({"folder_url":"1a","recursive":null,"dry_run":null,"filters":{"min_size":null}})");
  REQUIRE(request.has_value());
  CHECK(request->recursive);
  CHECK_FALSE(request->filters.min_size);
  CHECK(parse_import_request(R"({"folder_url":"1a","filters":null})").has_value());
}

TEST_CASE("a field of a wrong type is refused by its name", "[gateway]") {
  struct Row {
    std::string body;
    std::string field;
    std::string expected;
  };
  const auto row = GENERATE(values<Row>({
      {R"({})", "folder_url", "a string"},
      {R"({"folder_url": 7})", "folder_url", "a string"},
      {R"({"folder_url": "   "})", "folder_url", "a string"},
      {R"({"folder_url": "a", "recursive": "yes"})", "recursive", "true or false"},
      {R"({"folder_url": "a", "dry_run": 1})", "dry_run", "true or false"},
      {R"({"folder_url": "a", "filters": []})", "filters", "an object"},
      {R"({"folder_url": "a", "filters": {"min_size": "1 MB"}})", "filters.min_size", "whole number of bytes"},
      {R"({"folder_url": "a", "filters": {"min_size": -1}})", "filters.min_size", "whole number of bytes"},
      {R"({"folder_url": "a", "filters": {"min_size": 1.5}})", "filters.min_size", "whole number of bytes"},
      {R"({"folder_url": "a", "filters": {"min_size": 2, "max_size": 1}})", "filters.min_size", "filters.max_size"},
      {R"({"folder_url": "a", "filters": {"taken_after": "2021-01-02", "taken_before": "2021-01-01T09:00:00"}})",
       "filters.taken_after", "no later than filters.taken_before"},
      {R"({"folder_url": "a", "filters": {"modified_after": "2021-01-02", "modified_before": "2021-01-01"}})",
       "filters.modified_after", "no later than filters.modified_before"},
      {R"({"folder_url": "a", "filters": {"max_size": 99999999999999999999}})", "filters.max_size", "whole number"},
      {R"({"folder_url": "a", "filters": {"min_width": 3000000000}})", "filters.min_width", "pixels"},
      {R"({"folder_url": "a", "filters": {"mime_types": "image/png"}})", "filters.mime_types", "a list"},
      {R"({"folder_url": "a", "filters": {"mime_types": ["png"]}})", "filters.mime_types", "a list"},
      {R"({"folder_url": "a", "filters": {"name_glob": {}}})", "filters.name_glob", "a string"},
      {R"({"folder_url": "a", "filters": {"taken_after": "2020-13-01"}})", "filters.taken_after", "YYYY-MM-DD"},
      {R"({"folder_url": "a", "filters": {"taken_before": "2020-01-01T00:00:00Z"}})", "filters.taken_before", "offset"},
      {R"({"folder_url": "a", "filters": {"modified_after": "yesterday"}})", "filters.modified_after", "RFC 3339"},
  }));
  const auto request = parse_import_request(row.body);
  INFO(row.body);
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().code() == ErrorCode::kInvalidArgument);
  CHECK(request.error().reason() == "bad_field");
  CHECK_THAT(request.error().message(), Catch::Contains("The field " + row.field + " must be"));
  CHECK_THAT(request.error().message(), Catch::Contains(row.expected));
}

TEST_CASE("a known field in another spelling is refused by its right name, and foreign fields are ignored",
          "[gateway]") {
  struct Row {
    std::string name;
    std::string meant;
  };
  const auto row = GENERATE(values<Row>({{"dry-run", "dry_run"},
                                         {"dryRun", "dry_run"},
                                         {"DRY_RUN", "dry_run"},
                                         {"Folder_URL", "folder_url"},
                                         {"folderUrl", "folder_url"},
                                         {"Recursive", "recursive"},
                                         {"FILTERS", "filters"}}));
  const auto request = parse_import_request("{\"folder_url\": \"a\", \"" + row.name + "\": true}");
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().code() == ErrorCode::kInvalidArgument);
  CHECK(request.error().reason() == "unknown_field");
  CHECK(request.error().message() == "There is no field \"" + row.name + "\"; it is called \"" + row.meant + "\"");
  CHECK_THAT(request.error().remedy(), Catch::Contains("\"" + row.meant + "\""));
  CHECK(parse_import_request(R"({"folder_url": "a", "folder": 1, "dry": true, "run_dry": 1, "": 2})").has_value());
}

TEST_CASE("an unknown filter is refused with the list of known ones", "[gateway]") {
  const auto request = parse_import_request(R"({"folder_url": "a", "filters": {"minsize": 5}})");
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().reason() == "unknown_filter");
  CHECK_THAT(request.error().message(), Catch::Contains("\"minsize\"") && Catch::Contains("min_size, max_size") &&
                                            Catch::Contains("modified_before"));
}

TEST_CASE("a body that is not a JSON object is refused with the place of the fault", "[gateway]") {
  struct Row {
    std::string body;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {"", "no body"},
      {" \n", "no body"},
      {"folder_url=x", "line 1, column"},
      {"{\n  \"folder_url\": nonsense}", "line 2, column"},
      {"{\"folder_url\": \"a\"", "ends too early"},
      {"{\"folder_url\": \"a\xff\"}", "line 1, column"},
      {"{} x", "line 1, column 4"},
      {"[]", "must be a JSON object"},
      {"\"text\"", "must be a JSON object"},
      {std::string(2000, '['), "line 1, column"},
  }));
  const auto request = parse_import_request(row.body);
  INFO(row.body);
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().reason() == "bad_json");
  CHECK_THAT(request.error().message(), Catch::Contains(row.words));
  CHECK_FALSE(request.error().remedy().empty());
}

TEST_CASE("a session request holds the token", "[gateway]") {
  CHECK(parse_session_request(R"({"token":"s3cret"})").value() == "s3cret");
  CHECK(parse_session_request(R"({"token":5})").error().reason() == "bad_field");
  CHECK(parse_session_request(R"({})").error().reason() == "bad_field");
  CHECK(parse_session_request("x").error().reason() == "bad_json");
  for (const char* body : {"", "x"}) {
    CHECK(parse_session_request(body).error().remedy() == R"(Send a JSON object in UTF-8, such as {"token": "…"}.)");
    CHECK_THAT(parse_import_request(body).error().remedy(), Catch::Contains("folder_url"));
  }
}

}  // namespace
}  // namespace imgimport
