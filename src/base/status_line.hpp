// A line that stays below all others on standard error, a terminal: whatever is logged goes above it.
//
// Thread-safe.
#pragma once

#include <functional>
#include <string_view>

namespace imgimport {

// Draws it at once, in place of the one before; without a line break; empty: none (any more).
void set_status_line(std::string_view line);

// `print` writes whole lines to standard error, above the status line where there is one.
void print_above_status_line(const std::function<void()>& print);
// One line, without its break.
void print_above_status_line(std::string_view line);

}  // namespace imgimport
