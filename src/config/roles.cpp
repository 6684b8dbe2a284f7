#include "config/roles.hpp"

#include <array>

#include "base/text.hpp"
#include "config/suggest.hpp"

namespace imgimport {
namespace {

struct RoleNames {
  Role role;
  std::string_view name;
  std::string_view service;
};

constexpr std::array kRoles = {
    RoleNames{Role::kGateway, "gateway", "api-gateway"},        RoleNames{Role::kImport, "import", "import-service"},
    RoleNames{Role::kMetadata, "metadata", "metadata-service"}, RoleNames{Role::kStorage, "storage", "storage-service"},
    RoleNames{Role::kWorker, "worker", "worker-service"},
};

Error unknown_role(std::string_view word) {
  std::vector<std::string_view> names = {"all"};
  for (const RoleNames& row : kRoles) names.push_back(row.name);
  std::string list;
  for (std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return Error(ErrorCode::kInvalidArgument,
               "--role: \"" + printable(word, kQuoted) + "\" is not a role" + did_you_mean(word, names))
      .with_reason("unknown_role")
      .with_remedy("Use one of " + list + ", or several with commas");
}

}  // namespace

std::string_view to_string(Role role) noexcept {
  for (const RoleNames& row : kRoles) {
    if (row.role == role) return row.name;
  }
  return "unknown";
}

std::string_view service_name(Role role) noexcept {
  for (const RoleNames& row : kRoles) {
    if (row.role == role) return row.service;
  }
  return "unknown";
}

RoleSet all_roles() {
  RoleSet roles;
  for (const RoleNames& row : kRoles) roles.insert(row.role);
  return roles;
}

Result<RoleSet> parse_roles(std::string_view text) {
  RoleSet roles;
  for (std::string_view part : split_list(text)) {
    const std::string word = to_lower_ascii(part);
    if (word == "all") {
      roles.merge(all_roles());
      continue;
    }
    bool known = false;
    for (const RoleNames& row : kRoles) {
      if (row.name != word) continue;
      roles.insert(row.role);
      known = true;
    }
    if (!known) return unknown_role(part);
  }
  if (roles.empty()) return unknown_role(text);
  return roles;
}

std::string to_string(const RoleSet& roles) {
  if (roles == all_roles()) return "all";
  std::string list;
  for (Role role : roles) list.append(list.empty() ? "" : ",").append(to_string(role));
  return list;
}

}  // namespace imgimport
