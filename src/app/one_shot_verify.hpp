// `imgimport verify JOB`: holds a job's objects against the journal, beside a running server or without one.
#pragma once

#include <string>

#include "app/one_shot_import.hpp"
#include "config/config.hpp"

namespace imgimport {

// The exit code: 0 = every object is there and right; 1 = something is missing or different, or could not be checked;
// 2 = it could not begin (no such job, a wrong setting).
int one_shot_verify(const Config& config, const std::string& job, ReportFormat format);

}  // namespace imgimport
