#include "base/import_filters.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace imgimport {
namespace {

// A day as a bound means all of it, so that texts of different length compare by the shorter one's.
bool is_later(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  return a.substr(0, length) > b.substr(0, length);
}

std::optional<Timestamp> start_of_day(std::string_view text) {
  constexpr std::size_t kDate = 10;  // YYYY-MM-DD
  return text.size() == kDate ? from_rfc3339(std::string(text).append("T00:00:00Z")) : std::nullopt;
}

}  // namespace

bool is_local_time(std::string_view text) {
  constexpr std::size_t kDateAndTime = 19;  // YYYY-MM-DDTHH:MM:SS
  const bool has_time = text.size() == kDateAndTime && text[10] == 'T';
  return start_of_day(text) || (has_time && from_rfc3339(std::string(text).append("Z")));
}

std::optional<Timestamp> parse_modified_after(std::string_view text) {
  const auto day = start_of_day(text);
  return day ? day : from_rfc3339(text);
}

std::optional<Timestamp> parse_modified_before(std::string_view text) {
  const auto day = start_of_day(text);
  if (!day) return from_rfc3339(text);
  return *day + std::chrono::days(1) - std::chrono::milliseconds(1);
}

std::optional<std::string> parse_mime_filter(std::string_view text) {
  if (text.find('/') == std::string_view::npos) return std::nullopt;
  return to_lower_ascii(text);
}

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
