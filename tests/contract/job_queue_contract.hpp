// What every JobQueue must do; run on each implementation by a test of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "imgimport/job_queue.hpp"

namespace imgimport::contract {

// A fresh, empty queue that holds at least `capacity` batches.
using MakeJobQueue = std::function<std::unique_ptr<JobQueue>(std::size_t capacity)>;

// Call from one TEST_CASE: each rule is a SECTION.
void check_job_queue(const MakeJobQueue& make);

}  // namespace imgimport::contract
