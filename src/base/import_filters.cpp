#include "base/import_filters.hpp"

#include <algorithm>

namespace imgimport {
namespace {

// A day as a bound means all of it, so that texts of different length compare by the shorter one's.
bool is_later(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  return a.substr(0, length) > b.substr(0, length);
}

}  // namespace

std::optional<CrossedBounds> crossed_bounds(const ImportFilters& filters) {
  if (filters.min_size && filters.max_size && *filters.min_size > *filters.max_size) {
    return CrossedBounds{.lower = "min_size", .upper = "max_size"};
  }
  if (is_later(filters.taken_after, filters.taken_before)) {
    return CrossedBounds{.lower = "taken_after", .upper = "taken_before", .in_time = true};
  }
  if (filters.modified_after && filters.modified_before && *filters.modified_after > *filters.modified_before) {
    return CrossedBounds{.lower = "modified_after", .upper = "modified_before", .in_time = true};
  }
  return std::nullopt;
}

}  // namespace imgimport
