// Rules between settings. Each breach is kMisconfigured with a sentence that names the settings, and the remedy.
#pragma once

#include "config/config.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// What holds for every command: a provider with what it needs, a database named whole, TLS files in pairs.
Result<void> validate_settings(const Config& config);

// What holds for a process that listens as `roles`: nobody listens beyond loopback without a token, unless told so.
Result<void> validate_listening(const Config& config, const RoleSet& roles);

}  // namespace imgimport
