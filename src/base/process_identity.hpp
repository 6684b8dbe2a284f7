// Which process this is, in a word that another process can check: so that the lease of a process that died on this
// very machine is taken over at once, without waiting until it runs out.
#pragma once

#include <string>
#include <string_view>

namespace imgimport {

// "<boot id>/<pid namespace>/<pid>/<start time>"; unique over machines, reboots and recycled pids.
std::string process_identity();

// Whether the process of that identity has certainly ended. false where that cannot be told: another machine, another
// container, not an identity at all.
bool has_certainly_ended(std::string_view identity);

}  // namespace imgimport
