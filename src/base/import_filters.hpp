// Bounds of a filter that no image can meet together. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "imgimport/job.hpp"

namespace imgimport {

// Two bounds of which the lower lies above the upper one; their names as in ImportFilters.
struct CrossedBounds {
  std::string_view lower;
  std::string_view upper;
  bool in_time = false;  // "later than" rather than "greater than"
};
// The first such pair; nullopt: there is none.
std::optional<CrossedBounds> crossed_bounds(const ImportFilters& filters);

}  // namespace imgimport
