#include "storage/byte_range.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

struct Case {
  std::uint64_t size;
  ByteRange range;
  std::uint64_t offset;
  std::uint64_t length;
};

TEST_CASE("a range means the bytes that HTTP says", "[byte_range]") {
  const auto sample =
      GENERATE(Case{10, {.first = 0}, 0, 10}, Case{10, {.first = 3, .last = 3}, 3, 1}, Case{10, {.first = 9}, 9, 1},
               Case{10, {.first = 2, .last = 100}, 2, 8}, Case{10, {.suffix = 4}, 6, 4},
               Case{10, {.suffix = 40}, 0, 10}, Case{10, {.first = 0, .last = UINT64_MAX}, 0, 10});
  const auto bytes = resolve_range(sample.size, sample.range);
  REQUIRE(bytes.has_value());
  CHECK(bytes->offset == sample.offset);
  CHECK(bytes->length == sample.length);
}

TEST_CASE("no range means all, also of nothing", "[byte_range]") {
  CHECK(resolve_range(10, std::nullopt)->length == 10);
  CHECK(resolve_range(0, std::nullopt)->length == 0);
}

TEST_CASE("a range without a byte cannot be satisfied", "[byte_range]") {
  const auto [size, range] = GENERATE(table<std::uint64_t, ByteRange>({{10, {.first = 10}},
                                                                       {10, {.first = 5, .last = 4}},
                                                                       {10, {.suffix = 0}},
                                                                       {0, {.first = 0}},
                                                                       {0, {.suffix = 5}}}));
  const auto bytes = resolve_range(size, range);
  REQUIRE_FALSE(bytes.has_value());
  CHECK(bytes.error().code() == ErrorCode::kInvalidArgument);
  CHECK(bytes.error().reason() == "range_not_satisfiable");
}

}  // namespace
}  // namespace imgimport
