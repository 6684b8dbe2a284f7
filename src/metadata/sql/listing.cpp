// Journal: what the listing writes.
#include <unordered_set>

#include "base/text.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sql/tally.hpp"
#include "metadata/values.hpp"

namespace imgimport {

using sql::Row;
using sql::Work;

namespace {

// Of these Drive ids, those that the job has in the table already.
std::unordered_set<std::string> known_ids(const Work& work, db::Sql text, std::int64_t job,
                                          const std::vector<std::string>& ids) {
  std::unordered_set<std::string> known;
  if (ids.empty()) return known;
  for (const Row row : work.select(text, {{"job", job}, {"rows", sql::words(ids)}})) known.insert(row.text("drive_id"));
  return known;
}

void add_item(JsonRows& rows, std::int64_t job, const NewItem& item, std::optional<std::int64_t> batch) {
  const SourceFile& file = item.file;
  rows.row()
      .add("n", rows.size())
      .add("job", job)
      .add("state", static_cast<std::int64_t>(item.state))
      .add("batch", batch)
      .add("reason", item.reason)
      .add("remedy", item.remedy)
      .add("drive_id", file.id.value())
      .add("name", file.name)
      .add("folder_path", item.folder_path)
      .add("mime_type", file.mime_type)
      .add("size_bytes", stored_size(file.size))
      .add("md5", hash_text(file.hashes.md5, 16))
      .add("sha1", hash_text(file.hashes.sha1, 20))
      .add("sha256", hash_text(file.hashes.sha256, 32))
      .add("head_revision", file.head_revision)
      .add("resource_key", file.resource_key)
      .add("modified_at", to_millis(file.modified_at))
      .add("width", file.image.width)
      .add("height", file.image.height)
      .add("taken_at", file.image.taken_at)
      .add("camera", file.image.camera)
      .add("latitude", file.image.latitude)
      .add("longitude", file.image.longitude)
      .add("object_key", item.key.value());
}

// The page's new items, once each. The job is locked, so that nobody adds any of them meanwhile.
std::vector<const NewItem*> new_items(const Work& work, std::int64_t job, const std::vector<NewItem>& items) {
  std::vector<std::string> ids;
  ids.reserve(items.size());
  for (const NewItem& item : items) ids.push_back(stored_text(item.file.id.value()));
  auto known = known_ids(work, work.dialect.known_items, job, ids);
  std::vector<const NewItem*> fresh;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (known.insert(ids[i]).second) fresh.push_back(&items[i]);
  }
  return fresh;
}

// Pending items are dealt into whole batches as they come; the rest gets none yet.
Tally write_items(const Work& work, const JobState& job, const std::vector<const NewItem*>& items,
                  std::size_t batch_size) {
  Tally tally;
  for (const NewItem* item : items) {
    tally.enter(item->state);
    if (item->state != ItemState::kIgnored) tally.total_bytes += stored_size(item->file.size).value_or(0);
  }
  const auto size = static_cast<std::int64_t>(batch_size);
  const std::int64_t whole = job.dry_run || size <= 0 ? 0 : tally.in(ItemState::kPending) / size;
  const std::int64_t first = whole > 0 ? sql::take_batches(work, whole) : 0;
  std::int64_t dealt = 0;
  JsonRows rows;
  for (const NewItem* item : items) {
    std::optional<std::int64_t> batch;
    if (item->state == ItemState::kPending && dealt < whole * size) batch = first + dealt++ / size;
    add_item(rows, job.row, *item, batch);
  }
  work.run_rows(work.dialect.insert_items, rows);
  return tally;
}

std::vector<PendingFolder> write_folders(const Work& work, std::int64_t job,
                                         const std::vector<PendingFolder>& folders) {
  std::vector<std::string> ids;
  for (const PendingFolder& folder : folders) ids.push_back(stored_text(folder.folder.id.value()));
  auto known = known_ids(work, work.dialect.known_folders, job, ids);
  std::vector<PendingFolder> added;
  JsonRows rows;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (!known.insert(ids[i]).second) continue;
    const PendingFolder& folder = folders[i];
    rows.row()
        .add("n", rows.size())
        .add("job", job)
        .add("depth", folder.depth)
        .add("drive_id", folder.folder.id.value())
        .add("name", folder.folder.name)
        .add("resource_key", folder.folder.resource_key)
        .add("shared_drive", folder.folder.shared_drive.value())
        .add("path", folder.path)
        .add("page_token", folder.page_token);
    added.push_back(folder);
  }
  work.run_rows(work.dialect.insert_folders, rows);
  return added;
}

// `done` empty: as it was.
Result<void> move_cursor(const Work& work, std::int64_t job, const DriveId& folder, std::string_view token,
                         std::optional<std::int64_t> done) {
  JsonRows rows;
  rows.row().add("job", job).add("drive_id", folder.value()).add("page_token", token).add("done", done);
  if (work.run_rows(work.dialect.move_cursor, rows) == 1) return {};
  return Error(ErrorCode::kNotFound, "folder " + folder.value() + " is none of this job's")
      .with_reason("no_such_folder");
}

Result<JobState> lock_listing_job(const Work& work, const JobLease& lease) {
  IMGIMPORT_ASSIGN_OR_RETURN(JobState job, sql::lock_leased_job(work, lease));
  if (job.status == JobStatus::kListing) return job;
  return Error(ErrorCode::kConflict, "job " + lease.job.value() + " is not being listed").with_reason("not_listing");
}

}  // namespace

Result<std::vector<PendingFolder>> SqlMetadataStore::pending_folders(const CallContext& context, const JobId& job,
                                                                     std::size_t limit) {
  return read(context, [&](const Work& work) -> Result<std::vector<PendingFolder>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState state, sql::find_job(work, job));
    std::vector<PendingFolder> folders;
    for (const Row row :
         work.select(dialect_.pending_folders, {{"job", state.row}, {"limit", static_cast<std::int64_t>(limit)}})) {
      folders.push_back(sql::folder(row));
    }
    return folders;
  });
}

Result<Journal::Added> SqlMetadataStore::add_page(const CallContext& context, const JobLease& lease,
                                                  const ListedPage& page, std::size_t batch_size) {
  for (const NewItem& item : page.items) {
    const bool allowed =
        item.state == ItemState::kPending || item.state == ItemState::kIgnored || item.state == ItemState::kFailed;
    if (!allowed) return Error(ErrorCode::kInvalidArgument, "a listed item is pending, ignored or failed");
  }
  return write_once(context, [&](const Work& work) -> Result<Added> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, lock_listing_job(work, lease));
    const auto done = page.next_page_token ? std::optional<std::int64_t>()
                                           : std::optional(page.left_out ? kFolderLeftOut : kFolderDone);
    IMGIMPORT_RETURN_IF_ERROR(move_cursor(work, job.row, page.folder, page.next_page_token.value_or(""), done));
    Added added;
    added.folders = write_folders(work, job.row, page.subfolders);
    const auto items = new_items(work, job.row, page.items);
    added.items = static_cast<std::int64_t>(items.size());
    // Last, since it locks the row of batch ids.
    const Tally tally = write_items(work, job, items, batch_size);
    if (!items.empty()) sql::settle(work, job.row, tally);
    if (page.left_out) sql::add_warning(work, job, *page.left_out);
    return added;
  });
}

Result<void> SqlMetadataStore::restart_folder(const CallContext& context, const JobLease& lease,
                                              const DriveId& folder) {
  return write(context, [&](const Work& work) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, lock_listing_job(work, lease));
    return move_cursor(work, job.row, folder, "", 0);
  });
}

Result<void> SqlMetadataStore::finish_listing(const CallContext& context, const JobLease& lease) {
  return write(context, [&](const Work& work) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_leased_job(work, lease));
    const bool stopped = job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled;
    if (job.listed && !stopped) return {};
    if (job.status != JobStatus::kListing) {
      return Error(ErrorCode::kConflict, "job " + lease.job.value() + " is not being listed")
          .with_reason("not_listing");
    }
    if (work.integer(dialect_.open_folders, {{"job", job.row}}).value_or(0) != 0) {
      return Error(ErrorCode::kConflict, "job " + lease.job.value() + " has folders that are not listed to their end")
          .with_reason("listing_incomplete");
    }
    if (job.dry_run) {
      work.run(dialect_.list_done_dry, {{"now", to_millis(work.now)}, {"job", job.row}});
    } else {
      work.run(dialect_.list_done, {{"job", job.row}});
      sql::settle(work, job.row, Tally{});
    }
    return {};
  });
}

Result<void> SqlMetadataStore::fail_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) {
  return write(context, [&](const Work& work) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_leased_job(work, lease));
    if (job.status == JobStatus::kCancelled) {
      return Error(ErrorCode::kConflict, "job " + lease.job.value() + " was cancelled").with_reason("cancelled");
    }
    sql::stop_job(work, job.row, trouble);
    return {};
  });
}

Result<void> SqlMetadataStore::warn_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) {
  return write(context, [&](const Work& work) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, sql::lock_leased_job(work, lease));
    sql::add_warning(work, job, trouble);
    return {};
  });
}

}  // namespace imgimport
