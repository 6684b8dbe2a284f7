// The report of a verification as JSON; the same for the REST API and the command line.
#pragma once

#include <string>

#include "gateway/verification.hpp"

namespace imgimport {

std::string verification_json(const VerificationReport& report);

}  // namespace imgimport
