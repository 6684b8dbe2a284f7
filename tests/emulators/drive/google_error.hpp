// Errors as Drive v3 words them.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/http.hpp"

namespace imgimport::emulator {

struct GoogleError {
  int status = 403;
  std::string reason;
  std::string message;
  std::string domain = "global";
  std::string location_type;  // left out when empty
  std::string location;
};

// With the status, words and location that Google gives for this reason ("userRateLimitExceeded", "notFound"…). An
// unknown reason becomes a 403 of that reason.
GoogleError google_error(std::string_view reason);
GoogleError file_not_found(std::string_view id);
GoogleError shared_drive_not_found(std::string_view id);
GoogleError invalid_parameter(std::string_view name, std::string_view message);

// {"error":{"code":…,"message":…,"errors":[…]}}
std::string error_body(const GoogleError& error);
HttpResponse error_response(const GoogleError& error);
HttpResponse json_response(int status, std::string body);

}  // namespace imgimport::emulator
