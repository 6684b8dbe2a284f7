// Waits for the end of a one-shot command's import.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "imgimport/import_service.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct ImportFollower {
  std::function<bool(std::chrono::milliseconds)> signal_within;  // waits that long; true: a signal came
  std::function<void(const std::string&)> note;                  // what is odd now; empty = nothing
  std::function<void(const ImportProgress&)> show;
};

// Until the job has ended or a signal comes; blocks. While its progress cannot be read for a transient reason, that is
// noted and waited for: the import waits as well, and goes on by itself. Any other error, and one that a signal meets,
// is passed on.
Result<ImportProgress> follow_import(ImportService& imports, const JobId& job, const ImportFollower& follower);

}  // namespace imgimport
