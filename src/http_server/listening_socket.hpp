// A bound, listening TCP socket, or a sentence that says why not.
#pragma once

#include <cstdint>
#include <string>

#include "imgimport/result.hpp"

namespace imgimport {

struct ListeningSocket {
  int fd = -1;  // the caller's to close
  bool is_v6 = false;
  std::uint16_t port = 0;
};

// `address` is an IPv4 or IPv6 literal (also in brackets). Errors are kMisconfigured with the reason port_in_use,
// address_not_available or permission; `name` (of the module) is put into the sentence.
Result<ListeningSocket> open_listening_socket(const std::string& name, const std::string& address, std::uint16_t port);

}  // namespace imgimport
