// SIGTERM and SIGINT as something to wait for.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

namespace imgimport {

// Before any thread is made: all inherit the mask. SIGPIPE is ignored: a peer that goes away is an error value.
void block_signals();

// Returns when SIGTERM or SIGINT has come.
void wait_for_signal();

// Whether SIGTERM or SIGINT came within `limit`.
bool signal_within(std::chrono::milliseconds limit);

// From now on a signal does what it does by default: it ends the process at once.
void let_signals_kill();

// Runs `work` on a thread of its own and returns when it has ended; true: SIGTERM or SIGINT asked it to stop. A second
// one ends the process. REQUIRES: block_signals() was called before any thread was made.
bool run_until_signal(const std::function<void(const std::stop_token&)>& work);

}  // namespace imgimport
