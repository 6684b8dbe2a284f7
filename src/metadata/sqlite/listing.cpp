// Journal: what the listing writes.
#include "metadata/sqlite/lookup.hpp"
#include "metadata/sqlite/rows.hpp"
#include "metadata/sqlite/store.hpp"
#include "metadata/sqlite/tally.hpp"
#include "metadata/sqlite/trouble.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr auto kPendingFolders = "SELECT " + rows::kFolderColumns +
                                 "FROM folders f INDEXED BY folders_pending "
                                 "WHERE f.job_id = ?1 AND f.done = 0 ORDER BY f.depth, f.id LIMIT ?2";
constexpr db::Sql kInsertItem =
    "INSERT INTO items (job_id, state, batch_id, reason, remedy, drive_id, name, folder_path, mime_type, size_bytes,"
    " md5, sha1, sha256, head_revision, resource_key, modified_at, width, height, taken_at, camera, latitude,"
    " longitude, object_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
    " ?19, ?20, ?21, ?22, ?23) ON CONFLICT (job_id, drive_id) DO NOTHING";

// A hash on its way into a BLOB column.
class HashColumn {
 public:
  HashColumn(std::string_view hex, std::size_t bytes) : bytes_(hash_bytes(hex, bytes)) {}
  std::optional<db::BlobValue> value() const {
    if (!bytes_) return std::nullopt;
    return db::BlobValue{*bytes_};
  }

 private:
  std::optional<std::string> bytes_;
};

bool insert_item(db::Query& query, std::int64_t job, const NewItem& item, std::optional<std::int64_t> batch) {
  const SourceFile& file = item.file;
  const HashColumn md5(file.hashes.md5, 16);
  const HashColumn sha1(file.hashes.sha1, 20);
  const HashColumn sha256(file.hashes.sha256, 32);
  return query
             .bind(job, item.state, batch, stored_text(item.reason), stored_text(item.remedy), file.id.value(),
                   stored_text(file.name), stored_text(item.folder_path), stored_text(file.mime_type),
                   stored_size(file.size), md5.value(), sha1.value(), sha256.value(), file.head_revision,
                   file.resource_key, to_millis(file.modified_at), file.image.width, file.image.height,
                   stored_text(file.image.taken_at), stored_text(file.image.camera), file.image.latitude,
                   file.image.longitude, item.key.value())
             .run() == 1;
}

// The page's items on their way into the table. Pending items are dealt into batches as they come; how many whole
// batches there will be is known for sure only at the end, when known items have been left out.
class PageWriter {
 public:
  PageWriter(db::Connection& connection, const JobState& job, std::size_t batch_size)
      : connection_(connection), job_(job), batch_size_(static_cast<std::int64_t>(batch_size)) {}

  void write(const std::vector<NewItem>& items) {
    std::int64_t candidates = 0;
    for (const NewItem& item : items) candidates += item.state == ItemState::kPending ? 1 : 0;
    const std::int64_t possible = job_.dry_run || batch_size_ <= 0 ? 0 : candidates / batch_size_;
    const std::int64_t first = possible > 0 ? last_batch(connection_) + 1 : 0;
    {
      auto query = connection_.query(kInsertItem);
      for (const NewItem& item : items) write(query, item, possible, first);
    }
    if (possible > 0) close_batches(possible, first);
  }

  const Tally& tally() const { return tally_; }
  std::int64_t added() const { return added_; }

 private:
  void write(db::Query& query, const NewItem& item, std::int64_t possible, std::int64_t first) {
    std::optional<std::int64_t> batch;
    const bool pending = item.state == ItemState::kPending;
    if (pending && dealt_ < possible * batch_size_) batch = first + dealt_ / batch_size_;
    if (!insert_item(query, job_.row, item, batch)) return;
    ++added_;
    if (batch) ++dealt_;
    tally_.enter(item.state);
    if (item.state != ItemState::kIgnored) tally_.total_bytes += stored_size(item.file.size).value_or(0);
  }

  void close_batches(std::int64_t possible, std::int64_t first) {
    const std::int64_t whole = dealt_ / batch_size_;
    if (whole < possible && dealt_ % batch_size_ != 0) {
      connection_.query("UPDATE items SET batch_id = NULL WHERE job_id = ?1 AND batch_id = ?2 AND state = 1")
          .bind(job_.row, first + whole)
          .run();
    }
    if (whole > 0) take_batches(connection_, whole);
  }

  db::Connection& connection_;
  const JobState& job_;
  const std::int64_t batch_size_;
  std::int64_t dealt_ = 0;  // new pending items that got a batch
  std::int64_t added_ = 0;
  Tally tally_;
};

std::vector<PendingFolder> insert_folders(db::Connection& connection, std::int64_t job,
                                          const std::vector<PendingFolder>& folders) {
  std::vector<PendingFolder> added;
  auto query = connection.query(
      "INSERT INTO folders (job_id, depth, drive_id, name, resource_key, shared_drive, path, page_token)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (job_id, drive_id) DO NOTHING");
  for (const PendingFolder& folder : folders) {
    const bool fresh = query
                           .bind(job, folder.depth, folder.folder.id.value(), stored_text(folder.folder.name),
                                 folder.folder.resource_key, folder.folder.shared_drive.value(),
                                 stored_text(folder.path), folder.page_token)
                           .run() == 1;
    if (fresh) added.push_back(folder);
  }
  return added;
}

Result<void> move_cursor(db::Connection& connection, std::int64_t job, const ListedPage& page) {
  const int moved =
      page.next_page_token
          ? connection.query("UPDATE folders SET page_token = ?3 WHERE job_id = ?1 AND drive_id = ?2")
                .bind(job, page.folder.value(), *page.next_page_token)
                .run()
          : connection.query("UPDATE folders SET done = ?3, page_token = '' WHERE job_id = ?1 AND drive_id = ?2")
                .bind(job, page.folder.value(), page.left_out ? kFolderLeftOut : kFolderDone)
                .run();
  if (moved == 1) return {};
  return Error(ErrorCode::kNotFound, "folder " + page.folder.value() + " is none of this job's")
      .with_reason("no_such_folder");
}

Result<JobState> find_listing_job(db::Connection& connection, const JobLease& lease) {
  IMGIMPORT_ASSIGN_OR_RETURN(JobState job, find_leased_job(connection, lease));
  if (job.status == JobStatus::kListing) return job;
  return Error(ErrorCode::kConflict, "job " + lease.job.value() + " is not being listed").with_reason("not_listing");
}

}  // namespace

Result<std::vector<PendingFolder>> SqliteMetadataStore::pending_folders(const CallContext& context, const JobId& job,
                                                                        std::size_t limit) {
  return read(context, [&](db::Connection& connection) -> Result<std::vector<PendingFolder>> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState state, find_job(connection, job));
    auto query = connection.query(kPendingFolders);
    query.bind(state.row, limit);
    std::vector<PendingFolder> folders;
    while (query.next()) folders.push_back(rows::folder(query));
    return folders;
  });
}

Result<Journal::Added> SqliteMetadataStore::add_page(const CallContext& context, const JobLease& lease,
                                                     const ListedPage& page, std::size_t batch_size) {
  for (const NewItem& item : page.items) {
    const bool allowed =
        item.state == ItemState::kPending || item.state == ItemState::kIgnored || item.state == ItemState::kFailed;
    if (!allowed) return Error(ErrorCode::kInvalidArgument, "a listed item is pending, ignored or failed");
  }
  return write(context, [&](db::Connection& connection) -> Result<Added> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_listing_job(connection, lease));
    IMGIMPORT_RETURN_IF_ERROR(move_cursor(connection, job.row, page));
    PageWriter writer(connection, job, batch_size);
    writer.write(page.items);
    Added added;
    added.items = writer.added();
    added.folders = insert_folders(connection, job.row, page.subfolders);
    settle(connection, job.row, writer.tally(), clock_.now());
    if (page.left_out) add_warning(connection, job.row, *page.left_out);
    return added;
  });
}

Result<void> SqliteMetadataStore::restart_folder(const CallContext& context, const JobLease& lease,
                                                 const DriveId& folder) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_listing_job(connection, lease));
    const int restarted =
        connection.query("UPDATE folders SET page_token = '', done = 0 WHERE job_id = ?1 AND drive_id = ?2")
            .bind(job.row, folder.value())
            .run();
    if (restarted == 1) return {};
    return Error(ErrorCode::kNotFound, "folder " + folder.value() + " is none of this job's")
        .with_reason("no_such_folder");
  });
}

Result<void> SqliteMetadataStore::finish_listing(const CallContext& context, const JobLease& lease) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, lease));
    const bool stopped = job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled;
    if (job.listed && !stopped) return {};
    IMGIMPORT_RETURN_IF_ERROR(find_listing_job(connection, lease));
    auto open_folder = connection.query("SELECT 1 FROM folders WHERE job_id = ?1 AND done = 0 LIMIT 1");
    if (open_folder.bind(job.row).next()) {
      return Error(ErrorCode::kConflict, "job " + lease.job.value() + " has folders that are not listed to their end")
          .with_reason("listing_incomplete");
    }
    const Timestamp now = clock_.now();
    if (job.dry_run) {
      connection.query("UPDATE jobs SET listed = 1, status = 3, finished_at = ?2 WHERE id = ?1")
          .bind(job.row, to_millis(now))
          .run();
    } else {
      connection.query("UPDATE jobs SET listed = 1, status = 2 WHERE id = ?1").bind(job.row).run();
      settle(connection, job.row, Tally{}, now);
    }
    return {};
  });
}

Result<void> SqliteMetadataStore::fail_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, lease));
    if (job.status == JobStatus::kCancelled) {
      return Error(ErrorCode::kConflict, "job " + lease.job.value() + " was cancelled").with_reason("cancelled");
    }
    stop_job(connection, job.row, trouble, clock_.now());
    return {};
  });
}

Result<void> SqliteMetadataStore::warn_job(const CallContext& context, const JobLease& lease,
                                           const JobTrouble& trouble) {
  return write(context, [&](db::Connection& connection) -> Result<void> {
    IMGIMPORT_ASSIGN_OR_RETURN(const JobState job, find_leased_job(connection, lease));
    add_warning(connection, job.row, trouble);
    return {};
  });
}

}  // namespace imgimport
