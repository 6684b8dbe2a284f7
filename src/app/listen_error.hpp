// Why a port cannot be opened, with the setting that mends it: the HTTP server knows no settings.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "imgimport/error.hpp"

namespace imgimport {

// The setting that holds the port of `role` in a process that runs `roles`: GATEWAY_PORT…, or PORT where that rules.
std::string port_variable(const ServerConfig& server, Role role, const RoleSet& roles);

// `port_variable`: the setting of the port, GATEWAY_PORT or another. An error of another kind stays as it is.
Error naming_the_setting(const Error& error, std::string_view port_variable);

}  // namespace imgimport
