// THE WIRING TABLE: whether a neighbour is in this process or behind REST is decided here and nowhere else.
#pragma once

#include <string>
#include <vector>

#include "app/assembly.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// The order in which modules are built and started.
std::vector<Role> in_wiring_order(const RoleSet& roles);

// Builds what the roles need, in the table's order. kMisconfigured: one sentence, the setting and the remedy.
Result<void> assemble(Assembly& assembly);

// What a start would refuse that can be seen without opening, making or asking anything: a module's URL that is
// missing, no broker, files of certificates and credentials, connection strings.
Result<void> check_start(const Config& config, const RoleSet& roles);

// The same decisions in words, one line a module; nothing is built.
Result<std::string> plan_text(const Config& config, const RoleSet& roles);

}  // namespace imgimport
