// libcurl's result codes in imgimport's words. Pure.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/error.hpp"

namespace imgimport {

// A transfer that failed: when, and what libcurl says of it.
struct CurlFailure {
  int code = 0;                // a CURLcode
  std::string_view detail;     // CURLOPT_ERRORBUFFER; may be empty
  std::string_view host_port;  // the other side
  bool connected = false;      // the request was on its way already
  int os_error = 0;            // of the last attempt to connect (CURLINFO_OS_ERRNO); 0 = none
};

Error translate(const CurlFailure& failure);

}  // namespace imgimport
