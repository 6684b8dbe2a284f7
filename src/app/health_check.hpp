// --health: asks a service how it is, for a container's HEALTHCHECK.
#pragma once

#include <string>

#include "config/config.hpp"

namespace imgimport {

// `url` as it is, with a scheme and without a slash at its end; empty = the one service of `roles`, or the gateway
// among several, on this host by the settings.
std::string service_url(const Config& config, const RoleSet& roles, std::string url);

// `url` of a service (with or without /health); empty: as service_url() says, and with all of `roles`, which is what
// holds when none was named, the first port of them on this host that somebody listens on. Prints one line. 0: it
// answered "healthy" or "degraded"; 1: anything else.
int check_health(const Config& config, const RoleSet& roles, const std::string& url);

}  // namespace imgimport
