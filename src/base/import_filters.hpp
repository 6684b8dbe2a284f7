// What the filters of an import are written like, for the command line and the API alike, and which of them no image
// can meet together. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

// ImportFilters::taken_after and taken_before: "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM:SS", without an offset, as EXIF has
// it.
bool is_local_time(std::string_view text);

// ImportFilters::modified_after and modified_before: RFC 3339, or "YYYY-MM-DD" alone, which means the whole of that day
// in UTC: from its first moment on, or up to its last. nullopt: neither.
std::optional<Timestamp> parse_modified_after(std::string_view text);
std::optional<Timestamp> parse_modified_before(std::string_view text);

// An element of ImportFilters::mime_types: "image/jpeg", "image/*"; in lower case. nullopt: no type.
std::optional<std::string> parse_mime_filter(std::string_view text);

// Two bounds of which the lower lies above the upper one; their names as in ImportFilters.
struct CrossedBounds {
  std::string_view lower;
  std::string_view upper;
  bool in_time = false;  // "later than" rather than "greater than"
};
// The first such pair; nullopt: there is none.
std::optional<CrossedBounds> crossed_bounds(const ImportFilters& filters);

}  // namespace imgimport
