#include "metadata/sqlite/tally.hpp"

#include "metadata/values.hpp"

namespace imgimport {
namespace {

// All right-hand sides see the row as it was. A dry run stays completed although its items stay pending.
constexpr db::Sql kSettle =
    "UPDATE jobs SET total = total + ?2, imported = imported + ?3, skipped = skipped + ?4,"
    " deduplicated = deduplicated + ?5, failed = failed + ?6, deferred = deferred + ?7, cancelled = cancelled + ?8,"
    " pending = pending + ?9, ignored = ignored + ?10, bytes = bytes + ?11, total_bytes = total_bytes + ?12,"
    " status = CASE WHEN status NOT IN (2, 3) OR dry_run THEN status WHEN pending + ?9 = 0 THEN 3 ELSE 2 END,"
    " finished_at = CASE WHEN status NOT IN (2, 3) OR dry_run THEN finished_at"
    "  WHEN pending + ?9 = 0 THEN coalesce(finished_at, ?13) END "
    "WHERE id = ?1";

}  // namespace

void settle(db::Connection& connection, std::int64_t job, const Tally& tally, Timestamp now) {
  std::int64_t total = 0;
  for (const std::int64_t items : tally.states) total += items;
  total -= tally.in(ItemState::kIgnored);
  connection.query(kSettle)
      .bind(job, total, tally.in(ItemState::kImported), tally.in(ItemState::kSkipped),
            tally.in(ItemState::kDeduplicated), tally.in(ItemState::kFailed), tally.in(ItemState::kDeferred),
            tally.in(ItemState::kCancelled), tally.in(ItemState::kPending), tally.in(ItemState::kIgnored), tally.bytes,
            tally.total_bytes, to_millis(now))
      .run();
}

}  // namespace imgimport
