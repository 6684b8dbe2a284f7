// --health: asks a service how it is, for a container's HEALTHCHECK.
#pragma once

#include <string>

#include "config/config.hpp"

namespace imgimport {

// `url` of a service (with or without /health); empty = the one service of `roles`, or the gateway among several, on
// this host by the settings. Prints one line. 0: it answered "healthy" or "degraded"; 1: anything else.
int check_health(const Config& config, const RoleSet& roles, const std::string& url);

}  // namespace imgimport
