// Journal: items into batches, batches to workers.
#include "metadata/sql/store.hpp"
#include "metadata/sql/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::Row;
using sql::Rows;
using sql::Work;

namespace {

// So many items at most in one statement.
constexpr std::int64_t kMostItems = 1'000'000;

}  // namespace

Result<std::vector<BatchId>> SqlMetadataStore::group_due(const CallContext& context, const JobLease& lease,
                                                         Timestamp now, std::size_t batch_size, std::size_t limit) {
  return write_once(context, [&](const Work& work) -> Result<std::vector<BatchId>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_leased_job(work, lease));
    std::vector<BatchId> batches;
    if (!job.is_live() || batch_size == 0 || limit == 0) return batches;
    const auto size = static_cast<std::int64_t>(batch_size);
    const auto most = std::min(static_cast<std::int64_t>(limit), std::max<std::int64_t>(kMostItems / size, 1)) * size;
    const Rows counted = work.select(dialect_.count_due, {{"job", job.row}, {"now", to_millis(now)}, {"limit", most}});
    const std::int64_t items = counted.empty() ? 0 : counted[0].integer("items");
    if (items == 0) return batches;
    const std::int64_t count = (items + size - 1) / size;
    const std::int64_t first = sql::take_batches(work, count);
    work.run(dialect_.group_due,
             {{"first", first}, {"size", size}, {"job", job.row}, {"now", to_millis(now)}, {"limit", most}});
    for (std::int64_t n = 0; n < count; ++n) batches.emplace_back(first + n);
    Tally tally;
    tally.move(ItemState::kDeferred, ItemState::kPending, counted[0].integer("deferred"));
    if (tally.in(ItemState::kPending) != 0) sql::settle(work, job.row, tally);
    return batches;
  });
}

Result<std::vector<BatchId>> SqlMetadataStore::ready_batches(const CallContext& context, const JobLease& lease,
                                                             BatchId after, std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<BatchId>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_leased_job(work, lease));
    std::vector<BatchId> batches;
    if (!job.is_live()) return batches;
    for (const Row row :
         work.select(dialect_.ready_batches,
                     {{"job", job.row}, {"after", after.value()}, {"limit", static_cast<std::int64_t>(limit)}})) {
      batches.emplace_back(row.integer("batch"));
    }
    return batches;
  });
}

Result<std::optional<Timestamp>> SqlMetadataStore::next_due(const CallContext& context, const JobId& id) {
  return read(context, [&](const Work& work) -> Result<std::optional<Timestamp>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_job(work, id));
    if (!job.is_live()) return std::optional<Timestamp>();
    return from_millis(work.integer(dialect_.next_due, {{"job", job.row}}));
  });
}

// Before its items are given out: whoever cancels the job afterwards knows that objects may have been stored.
Result<void> SqlMetadataStore::begin_batch(const CallContext& context, const BatchRef& batch, std::int64_t place) {
  const auto is_needed = [&](const Work& work, const JobState& job) {
    if (!job.is_live()) return false;
    const auto items =
        work.integer(dialect_.not_begun, {{"job", job.row}, {"batch", batch.batch.value()}, {"place", place}});
    return items.value_or(0) > 0;
  };
  IMGIMPORT_ASSIGN_OR_RETURN(const bool needed, read(context, [&](const Work& work) -> Result<bool> {
                               IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_job(work, batch.job));
                               return is_needed(work, job);
                             }));
  if (!needed) return {};
  return write(context, [&](const Work& work) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_job(work, batch.job));
    if (!is_needed(work, job)) return {};
    work.run(dialect_.insert_begun, {{"job", job.row}, {"batch", batch.batch.value()}, {"place", place}});
    return {};
  });
}

Result<Batch> SqlMetadataStore::open_batch(const CallContext& context, const BatchRef& batch, const StorePlace& place) {
  IMGIMPORT_ASSIGN_OR_RETURN(const PlaceRow place_row, find_or_add_place(context, place));
  IMGIMPORT_RETURN_IF_ERROR(begin_batch(context, batch, place_row.place));
  return read(context, [&](const Work& work) -> Result<Batch> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::find_job(work, batch.job));
    Batch opened{batch.job, {}};
    if (!job.is_live()) return opened;
    for (const Row row : work.select(dialect_.open_batch,
                                     {{"place", place_row.place}, {"job", job.row}, {"batch", batch.batch.value()}})) {
      opened.items.push_back(sql::work_item(row));
    }
    return opened;
  });
}

}  // namespace imgimport
