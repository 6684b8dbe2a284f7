// THE WIRING TABLE: whether a neighbour is in this process or behind REST is decided here and nowhere else.
#pragma once

#include <string>

#include "app/assembly.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Builds what the roles need, in the table's order. kMisconfigured: one sentence, the setting and the remedy.
Result<void> assemble(Assembly& assembly);

// The same decisions in words, one line a module; nothing is built.
Result<std::string> plan_text(const Config& config, const RoleSet& roles);

}  // namespace imgimport
