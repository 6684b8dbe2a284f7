// The roles of a process: which of the five modules run in it.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

enum class Role : std::uint8_t { kGateway = 1, kImport, kMetadata, kStorage, kWorker };
using RoleSet = std::set<Role>;

// "gateway", "import", "metadata", "storage", "worker".
std::string_view to_string(Role role) noexcept;
// The name that /health answers with: "api-gateway", "import-service", …
std::string_view service_name(Role role) noexcept;

RoleSet all_roles();
// "all", one role, or a list with commas; naming a role twice is harmless. kInvalidArgument names the word that is no
// role and lists those there are.
Result<RoleSet> parse_roles(std::string_view text);
// "all", or the names with commas.
std::string to_string(const RoleSet& roles);

}  // namespace imgimport
