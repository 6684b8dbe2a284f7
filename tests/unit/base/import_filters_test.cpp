#include "base/import_filters.hpp"

#include <catch2/catch.hpp>

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
