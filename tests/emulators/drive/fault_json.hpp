// Fault rules as JSON: {"match":"download","name":"*.jpg","probability":0.4,"action":"userRateLimitExceeded",…}.
//
// Fields: match (list|get|download|token|any), file (an id), name (a glob), probability, every, first, skip, per_file,
// action (see kActionNames, or any reason of Google's), status, retry_after (seconds), at (bytes), latency_ms,
// bytes_per_second.
#pragma once

#include <boost/json/value.hpp>
#include <vector>

#include "emulators/drive/faults.hpp"
#include "imgimport/result.hpp"

namespace imgimport::emulator {

// One rule or an array of them. kInvalidArgument names the field that is wrong.
Result<std::vector<FaultRule>> faults_from_json(const boost::json::value& value);

}  // namespace imgimport::emulator
