// What `imgimport import` prints: progress and report as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "imgimport/import_service.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

// "12.3 MB"
std::string format_bytes(std::int64_t bytes);
// "1:02:03", "2:03"
std::string format_duration(std::int64_t seconds);

// One line without a line break, at most `width` characters: bar, counts, rate, ETA.
std::string progress_line(const ImportProgress& progress, std::size_t width);

// Some items that did not arrive, for the report; `more` further ones are not listed.
struct Problems {
  std::vector<Item> items;
  std::int64_t more = 0;
};
std::string report_text(const ImportProgress& progress, const Problems& problems, std::int64_t seconds);
std::string report_json(const ImportProgress& progress, const Problems& problems);

}  // namespace imgimport
