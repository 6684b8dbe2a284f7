// Whom a URL talks to.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

struct Origin {
  std::string key;        // "https://host:port": what connections are shared by
  std::string host_port;  // "host:port": what error texts show
  bool tls = false;
};

// kInvalidArgument (bad_url): not an absolute http or https URL.
Result<Origin> origin_of(std::string_view url);

}  // namespace imgimport
