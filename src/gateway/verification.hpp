// Holds a job's objects against what the journal says of them: each is asked for its size and checksum, none is
// downloaded. What is missing or different is written down as damage (JobStore::report_damage), so that a retry of the
// job stores it afresh. Until then its items are failed and rely on no object; each later run goes on reporting them.
//
// Memory does not grow with the job: records are read page by page, an object that several of a page's records share
// is asked for once, and the report holds the first findings and counts the rest.
//
// Threading: run() from any thread; it uses threads of its own for as long as it lasts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

struct VerificationOptions {
  std::size_t threads = 32;          // objects asked for at once
  std::size_t page_size = 500;       // records read, and findings written down, at once
  std::size_t findings_kept = 1000;  // of each kind
  // The store or the database is away for a moment: so many tries in all, with these pauses.
  std::int32_t tries = 5;
  BackoffPolicy backoff{.base_delay = std::chrono::milliseconds(250), .max_delay = std::chrono::milliseconds(5'000)};
};

// An object that is not there, or not what its record says.
struct VerificationFinding {
  ItemId item;
  std::string name;
  std::string folder_path;
  // The record and its object; unknown (and an empty key) where an earlier run found the damage.
  std::optional<ImageId> image;
  ObjectKey key;
  std::optional<std::uint64_t> expected_size;
  std::optional<std::uint64_t> found_size;
  // "sha256:…", "md5:…" or "etag:…": what was compared; empty where nothing was.
  std::string expected_hash;
  std::string found_hash;
};

// All counts are of items; checked = ok + missing + different + unverifiable.
struct VerificationReport {
  JobId job;
  std::int64_t checked = 0;
  std::int64_t ok = 0;
  std::int64_t missing_count = 0;
  std::int64_t different_count = 0;
  std::int64_t unverifiable_count = 0;  // of the right size, and there is nothing else to compare by
  std::int64_t elsewhere = 0;           // stored with another provider or bucket than this one: not asked for
  std::int64_t not_checked = 0;         // what the run did not come to, because of `trouble`
  std::int64_t failed_items = 0;        // that retry stores afresh: of this run and of earlier ones
  std::vector<VerificationFinding> missing;
  std::vector<VerificationFinding> different;
  std::optional<Error> trouble;  // why the run ended early: says how far it came
  bool complete() const noexcept { return !trouble.has_value(); }
  bool clean() const noexcept { return complete() && missing_count == 0 && different_count == 0 && elsewhere == 0; }
};

class Verification {
 public:
  struct Parts {
    JobStore& jobs;
    ImageStore& images;
    ObjectStore& objects;
  };
  // Now and then from the thread of run(): the report so far, and how many items there are in all.
  using OnProgress = std::function<void(const VerificationReport&, std::int64_t total)>;

  // REQUIRES: all parts outlive it.
  explicit Verification(const Parts& parts, const VerificationOptions& options = {})
      : parts_(parts), options_(options) {}

  // kNotFound: no such job. kConflict (dry_run): a dry run has stored nothing.
  Result<Job> check_job(const CallContext& context, const JobId& id) const;

  // Blocks until all is checked, or trouble or the context ends it: what was found by then has been written down, and
  // is in the report. A job that is still running is checked as far as it has come. Errors as check_job.
  Result<VerificationReport> run(const CallContext& context, const JobId& id, const OnProgress& on_progress = {}) const;

 private:
  const Parts parts_;
  const VerificationOptions options_;
};

}  // namespace imgimport
