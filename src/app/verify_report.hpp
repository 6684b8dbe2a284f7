// What `imgimport verify` prints. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/verification.hpp"

namespace imgimport {

// One line without a line break.
std::string verify_progress_line(const VerificationReport& report, std::int64_t total);
std::string verify_report_text(const VerificationReport& report, std::int64_t seconds);

}  // namespace imgimport
