// A command line taken apart as a POSIX shell would, without running one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imgimport {

// Words between blanks; 'single quotes' are literal, in "double quotes" and outside a backslash takes the next
// character as it is. No variables, no ~, no wildcards: AWS's tools expand none in credential_process either. nullopt:
// a quote without its end. Empty: there is no word.
std::optional<std::vector<std::string>> split_command_line(std::string_view line);

}  // namespace imgimport
