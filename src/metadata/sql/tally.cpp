#include "metadata/sql/tally.hpp"

#include "metadata/values.hpp"

namespace imgimport::sql {

void settle(const Work& work, const std::map<std::int64_t, Tally>& tallies) {
  JsonRows rows;
  for (const auto& [job, tally] : tallies) {
    std::int64_t total = 0;
    for (const std::int64_t items : tally.states) total += items;
    total -= tally.in(ItemState::kIgnored);
    rows.row()
        .add("id", job)
        .add("total", total)
        .add("imported", tally.in(ItemState::kImported))
        .add("skipped", tally.in(ItemState::kSkipped))
        .add("deduplicated", tally.in(ItemState::kDeduplicated))
        .add("failed", tally.in(ItemState::kFailed))
        .add("deferred", tally.in(ItemState::kDeferred))
        .add("cancelled", tally.in(ItemState::kCancelled))
        .add("pending", tally.in(ItemState::kPending))
        .add("ignored", tally.in(ItemState::kIgnored))
        .add("bytes", tally.bytes)
        .add("total_bytes", tally.total_bytes)
        .add("now", to_millis(work.now));
  }
  work.run_rows(work.dialect.settle, rows);
}

void settle(const Work& work, std::int64_t job, const Tally& tally) {
  settle(work, {{job, tally}});
}

}  // namespace imgimport::sql
