// The server: assemble, mount, bind, start; wait for a signal; drain, stop.
#pragma once

#include "config/config.hpp"
#include "config/roles.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Runs until SIGTERM or SIGINT, then drains for DRAIN_SECONDS; a second signal ends the process at once. An error is a
// start that could not work: one sentence and its remedy.
// REQUIRES: block_signals() was called before any thread was made.
Result<void> serve(const Config& config, const RoleSet& roles);

}  // namespace imgimport
