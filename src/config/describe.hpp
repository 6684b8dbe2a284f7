// What the program says about itself and its settings. Pure; secrets never appear.
#pragma once

#include <string>

#include "config/load.hpp"

namespace imgimport {

// --help: the commands, then every setting by group with its default; at most 100 columns.
std::string help_text();

// --check-config: every setting with the value that holds and where it comes from.
std::string config_text(const LoadedConfig& loaded);

}  // namespace imgimport
