// What every store decides alike. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "imgimport/job.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Whether a job, found by its idempotency key, is what is asked for once more.
bool is_same_request(const Job& job, const NewJob& wanted);

// kConflict: idempotency_key_reused (by another request), stale_epoch (somebody else drives the job now).
Error idempotency_key_reused();
Error stale_epoch(const JobLease& lease);

// Whether an outcome has what its state needs. kInvalidArgument.
Result<void> check_outcome(const Outcome& outcome);

// What the record of an item's own Drive id says of the version that it holds.
struct HeldVersion {
  bool verified = false;  // Drive's hashes were matched when it was stored
  std::string sha256;     // hex; empty: not known
  std::string md5;
  std::optional<std::int64_t> size_bytes;
  std::string revision;
  std::string key;
};

// Whether that is the version that is listed now. The hashes decide where Drive's were matched; else (no hashes, or
// Drive's did not fit the bytes) the revision or the key, which holds the version tag, does.
bool is_unchanged(const HeldVersion& held, const WorkItem& item);

}  // namespace imgimport
