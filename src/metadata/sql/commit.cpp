// Journal::commit.
#include "metadata/sql/committer.hpp"
#include "metadata/sql/store.hpp"

namespace imgimport {

using sql::PlaceRow;
using sql::Work;

namespace {

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

std::vector<JobId> jobs_of(std::span<const Outcome> outcomes) {
  std::vector<JobId> jobs;
  for (const Outcome& outcome : outcomes) {
    if (std::find(jobs.begin(), jobs.end(), outcome.job) == jobs.end()) jobs.push_back(outcome.job);
  }
  return jobs;
}

}  // namespace

Result<std::vector<CommitEffect>> SqlMetadataStore::commit(const CallContext& context,
                                                           std::span<const Outcome> outcomes, const StorePlace& place) {
  for (const Outcome& outcome : outcomes) IMGIMPORT_RETURN_IF_ERROR(check_outcome(outcome));
  if (outcomes.empty()) return std::vector<CommitEffect>();
  IMGIMPORT_ASSIGN_OR_RETURN(const PlaceRow place_row, find_or_add_place(context, place));
  const bool writes_records = std::any_of(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) {
    return outcome.stored.has_value() || outcome.same_as.has_value();
  });
  return write(context, [&](const Work& work) -> Result<std::vector<CommitEffect>> {
    auto jobs = sql::lock_jobs(work, jobs_of(outcomes));
    if (writes_records) sql::lock_place(work, place_row.place);
    return sql::Committer(work, place_row, std::move(jobs), outcomes).run();
  });
}

}  // namespace imgimport
