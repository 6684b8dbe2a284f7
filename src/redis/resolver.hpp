// A host's addresses.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// In the order in which they should be tried. An address as text is not looked up. Otherwise the system's resolver is
// asked in the background, so that a name server which does not answer holds nobody longer than the context allows.
// kUnavailable: there is no such host now, or the name servers are away.
Result<std::vector<SocketAddress>> resolve_host(const CallContext& context, const std::string& host,
                                                std::uint16_t port);

}  // namespace imgimport
