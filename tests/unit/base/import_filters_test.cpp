#include "base/import_filters.hpp"

#include <catch2/catch.hpp>

#include "base/text.hpp"

using namespace imgimport;

namespace {

std::string crossed(const ImportFilters& filters) {
  const auto found = crossed_bounds(filters);
  return found ? std::string(found->lower) + " " + std::string(found->upper) : "";
}

Timestamp at(int seconds) {
  return Timestamp(std::chrono::seconds(seconds));
}

}  // namespace

TEST_CASE("bounds that no image can meet together are found, one alone and equal ones are well") {
  ImportFilters filters;
  CHECK(crossed(filters) == "");
  filters.min_size = 5;
  CHECK(crossed(filters) == "");
  filters.max_size = 5;
  CHECK(crossed(filters) == "");
  filters.max_size = 4;
  CHECK(crossed(filters) == "min_size max_size");
  filters = {};
  filters.modified_after = at(10);
  CHECK(crossed(filters) == "");
  filters.modified_before = at(10);
  CHECK(crossed(filters) == "");
  filters.modified_before = at(9);
  CHECK(crossed(filters) == "modified_after modified_before");
}

TEST_CASE("a day as a bound means all of it") {
  const auto taken = [](std::string after, std::string before) {
    ImportFilters filters;
    filters.taken_after = std::move(after);
    filters.taken_before = std::move(before);
    return crossed(filters);
  };
  CHECK(taken("2024-05-01", "") == "");
  CHECK(taken("", "2024-05-01") == "");
  CHECK(taken("2024-05-01", "2024-05-01") == "");
  CHECK(taken("2024-05-01T18:00:00", "2024-05-01") == "");
  CHECK(taken("2024-05-01", "2024-05-01T06:00:00") == "");
  CHECK(taken("2024-05-01T18:00:00", "2024-05-01T17:59:59") == "taken_after taken_before");
  CHECK(taken("2024-05-02", "2024-05-01T23:00:00") == "taken_after taken_before");
  CHECK(taken("2024-05-02", "2024-05-01") == "taken_after taken_before");
}

TEST_CASE("a date alone as a bound of the modification is the whole of that day in UTC") {
  CHECK(parse_modified_after("2024-05-31") == from_rfc3339("2024-05-31T00:00:00Z"));
  CHECK(parse_modified_before("2024-05-31") == from_rfc3339("2024-05-31T23:59:59.999Z"));
  for (const auto parse : {parse_modified_after, parse_modified_before}) {
    CHECK(parse("2024-05-31T18:30:00+02:00") == from_rfc3339("2024-05-31T16:30:00Z"));
    for (const char* bad : {"", "2024-05", "2024-02-30", "31.5.2024!", "yesterday", "2024-05-31T18:30:00"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse(bad));
    }
  }
  ImportFilters day;
  day.modified_after = parse_modified_after("2024-05-31");
  day.modified_before = parse_modified_before("2024-05-31");
  CHECK(crossed(day) == "");
}

TEST_CASE("local times and types are taken as they are meant to be written") {
  CHECK(is_local_time("2024-05-31"));
  CHECK(is_local_time("2024-05-31T18:30:00"));
  for (const char* bad :
       {"", "2024", "2024-13-01", "2024-05-31 18:30:00", "2024-05-31T18:30:00Z", "2024-05-31T25:00:00"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_local_time(bad));
  }
  CHECK(parse_mime_filter("image/JPEG") == "image/jpeg");
  CHECK(parse_mime_filter("image/*") == "image/*");
  CHECK_FALSE(parse_mime_filter("jpeg"));
}
