// Journal::commit.
#include "metadata/rules.hpp"
#include "metadata/sql/committer.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::Work;

namespace {

std::vector<JobId> jobs_of(std::span<const Outcome> outcomes) {
  std::vector<JobId> jobs;
  for (const Outcome& outcome : outcomes) {
    if (std::find(jobs.begin(), jobs.end(), outcome.job) == jobs.end()) jobs.push_back(outcome.job);
  }
  return jobs;
}

// Where keys go onto the list of garbage when outcomes stop their jobs.
std::set<std::int64_t> places_of_stopping(const Work& work, std::span<const JobState> jobs,
                                          std::span<const Outcome> outcomes) {
  std::set<std::int64_t> places;
  for (const JobState& job : jobs) {
    const bool stops = std::any_of(outcomes.begin(), outcomes.end(), [&](const Outcome& outcome) {
      return outcome.stops_job && stored_text(outcome.job.value()) == job.uuid;
    });
    if (stops) places.merge(sql::begun_places(work, job.row));
  }
  return places;
}

}  // namespace

Result<std::vector<CommitEffect>> SqlMetadataStore::commit(const CallContext& context,
                                                           std::span<const Outcome> outcomes, const StorePlace& place) {
  for (const Outcome& outcome : outcomes) IMGIMPORT_RETURN_IF_ERROR(check_outcome(outcome));
  if (outcomes.empty()) return std::vector<CommitEffect>();
  IMGIMPORT_ASSIGN_OR_RETURN(const PlaceRow place_row, find_or_add_place(context, place));
  const bool writes_records = std::any_of(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) {
    return outcome.stored || outcome.perhaps_stored || outcome.same_as;
  });
  return write(context, [&](const Work& work) -> Result<std::vector<CommitEffect>> {
    auto jobs = sql::lock_jobs(work, jobs_of(outcomes));
    std::set<std::int64_t> places = places_of_stopping(work, jobs, outcomes);
    if (writes_records) places.insert(place_row.place);
    for (const std::int64_t locked : places) sql::lock_place(work, locked);
    return sql::Committer(work, place_row, std::move(jobs), outcomes).run();
  });
}

}  // namespace imgimport
