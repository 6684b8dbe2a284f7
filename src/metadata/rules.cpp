#include "metadata/rules.hpp"

#include <utility>

#include "metadata/values.hpp"

namespace imgimport {

bool is_same_request(const Job& job, const NewJob& wanted) {
  return job.root.id == wanted.root.id && job.recursive == wanted.recursive && job.dry_run == wanted.dry_run &&
         filters_to_json(job.filters) == filters_to_json(wanted.filters);
}

Error idempotency_key_reused() {
  return Error(ErrorCode::kConflict,
               "the idempotency key was used for an import of another folder or with other options")
      .with_reason("idempotency_key_reused")
      .with_remedy("use a new key for a new import");
}

Error stale_epoch(const JobLease& lease) {
  return Error(ErrorCode::kConflict, "job " + lease.job.value() + " is driven by another process now")
      .with_reason("stale_epoch");
}

Result<void> check_outcome(const Outcome& outcome) {
  const auto refuse = [](std::string message) { return Error(ErrorCode::kInvalidArgument, std::move(message)); };
  switch (outcome.state) {
    case ItemState::kImported:
      if (!outcome.stored || outcome.stored->key.value().empty()) return refuse("an imported item needs its object");
      return {};
    case ItemState::kSkipped:
    case ItemState::kDeduplicated:
      if (!outcome.same_as) return refuse("a skipped or deduplicated item needs the record it relies on");
      return {};
    case ItemState::kPending:
    case ItemState::kFailed:
    case ItemState::kDeferred:
      return {};
    default:
      return refuse("no worker can make an item cancelled or ignored");
  }
}

bool is_unchanged(const HeldVersion& held, const WorkItem& item) {
  const ContentHashes& hashes = item.file.hashes;
  if (held.verified) {
    if (!held.sha256.empty() && !hashes.sha256.empty()) return held.sha256 == hashes.sha256;
    if (!held.md5.empty() && !hashes.md5.empty()) {
      return held.md5 == hashes.md5 && held.size_bytes == stored_size(item.file.size);
    }
  }
  if (!item.file.head_revision.empty() && held.revision == item.file.head_revision) return true;
  return !item.key.value().empty() && held.key == item.key.value();
}

}  // namespace imgimport
