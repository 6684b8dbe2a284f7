// What a transaction knows of the job and the place that it works on.
#pragma once

#include <cstdint>
#include <string>

#include "imgimport/job.hpp"

namespace imgimport {

struct JobState {
  std::int64_t row = 0;
  std::string uuid;
  JobStatus status = JobStatus::kListing;
  bool listed = false;
  bool dry_run = false;
  std::int64_t pending = 0;
  std::int64_t deferred = 0;
  std::int64_t epoch = 0;

  // Whether its pending items may be worked on.
  bool is_live() const { return !dry_run && status != JobStatus::kFailed && status != JobStatus::kCancelled; }
};

struct PlaceRow {
  std::int64_t place = 0;
  std::int64_t provider = 0;
};

}  // namespace imgimport
