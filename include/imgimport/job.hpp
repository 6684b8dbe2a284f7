// The journal's values: jobs, their items, and what became of each. Shared by importer, worker, metadata and gateway.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// Stored by number: never renumber.
enum class JobStatus : std::uint8_t { kListing = 1, kProcessing, kCompleted, kFailed, kCancelled };
enum class ItemState : std::uint8_t {
  kPending = 1,   // to do: waiting, under way, or put off until not_before
  kImported,      // stored by this job
  kSkipped,       // unchanged since an earlier import
  kDeduplicated,  // the same content was stored already under another Drive id
  kFailed,        // given up, with reason and remedy; retry puts it back
  kDeferred,      // Drive refuses it for hours; goes on by itself at not_before
  kCancelled,
  kIgnored,  // listed, but not an image; not part of the total
};
std::string_view to_string(JobStatus status) noexcept;
// Completed, failed or cancelled: nothing happens any more unless a person asks for it, or deferred items fall due.
bool has_ended(JobStatus status) noexcept;
std::string_view to_string(ItemState state) noexcept;
std::optional<ItemState> item_state_from_string(std::string_view name) noexcept;

// Which of the listed images are wanted; decided from the listing, before any download. An image whose listing does not
// hold the filtered property passes a size or type filter by what is known, and fails a filter on dimensions or dates.
struct ImportFilters {
  std::optional<std::uint64_t> min_size;  // bytes
  std::optional<std::uint64_t> max_size;
  std::vector<std::string> mime_types;    // exact, or "image/*"
  std::string name_glob;                  // base/glob.hpp says what it may hold; empty = all
  std::optional<std::int32_t> min_width;  // pixels
  std::optional<std::int32_t> min_height;
  // Bounds are included. "YYYY-MM-DD[THH:MM:SS]", compared with taken_at as text; a date alone means the whole day.
  std::string taken_after;
  std::string taken_before;
  std::optional<Timestamp> modified_after;
  std::optional<Timestamp> modified_before;

  bool operator==(const ImportFilters&) const = default;
};

// At every moment: imported + skipped + deduplicated + failed + deferred + cancelled + pending == total.
struct JobCounters {
  std::int64_t total = 0;
  std::int64_t imported = 0;
  std::int64_t skipped = 0;
  std::int64_t deduplicated = 0;
  std::int64_t failed = 0;
  std::int64_t deferred = 0;
  std::int64_t cancelled = 0;
  std::int64_t pending = 0;
  std::int64_t ignored = 0;      // outside total
  std::int64_t bytes = 0;        // of the imported items
  std::int64_t total_bytes = 0;  // of all candidates, as far as the listing knows sizes
  std::int64_t processed() const noexcept { return imported + skipped + deduplicated; }
};

// Why a whole job stopped, or what is odd about it.
struct JobTrouble {
  std::string reason;
  std::string message;
  std::string remedy;
};

struct NewJob {
  JobId id;
  std::string folder_url;
  FolderRef root;
  bool recursive = true;
  bool dry_run = false;
  ImportFilters filters;
  std::string idempotency_key;  // empty = none
};

struct Job {
  JobId id;
  std::string folder_url;
  FolderRef root;
  bool recursive = true;
  bool dry_run = false;
  ImportFilters filters;
  JobStatus status = JobStatus::kListing;
  bool listed = false;  // the listing is complete
  JobCounters counters;
  std::optional<JobTrouble> trouble;  // set when status is kFailed, or as a warning
  Timestamp created_at;
  std::optional<Timestamp> finished_at;
  // The fenced lease: who drives the job now, and until when unless renewed.
  std::string owner;
  std::int64_t epoch = 0;
  std::optional<Timestamp> leased_until;
};

// The right to drive a job: list it, top its queue up, fail it. Writes with a stale epoch are refused with kConflict.
struct JobLease {
  JobId job;
  std::int64_t epoch = 0;
};

// A folder still to be listed, or in the middle of it.
struct PendingFolder {
  FolderRef folder;
  std::string path;        // of names from the root, joined by "/", without the root's own name; "" for the root
  std::int32_t depth = 0;  // 0 for the root
  std::string page_token;  // where to go on; empty = from its first page
};

// A listed file on its way into the journal.
struct NewItem {
  SourceFile file;
  std::string folder_path;                // display path of the folder, names joined by "/"
  ObjectKey key;                          // fixed here; empty for items that will never be stored
  ItemState state = ItemState::kPending;  // or kIgnored, kFailed
  std::string reason;
  std::string remedy;
};

// One page of a listing, written in one transaction together with the cursor it moves.
struct ListedPage {
  DriveId folder;
  std::vector<NewItem> items;
  std::vector<PendingFolder> subfolders;
  std::optional<std::string> next_page_token;  // nullopt: the folder is done
  // With the last page: the folder could not be listed (to its end) and is left out of this job. The job carries this
  // as a warning, joined to what it carries already, and JobStore::retry_job lists the folder again.
  std::optional<JobTrouble> left_out;
};

// A row of GET …/items.
struct Item {
  ItemId id;
  DriveId drive_id;
  std::string name;
  std::string folder_path;
  std::optional<std::uint64_t> size;
  std::string mime_type;
  ItemState state = ItemState::kPending;
  std::string reason;
  std::string remedy;
  std::int32_t attempts = 0;
  std::optional<Timestamp> next_try_at;
  std::optional<ImageId> image;  // as long as that record is there
};

// A record that holds this very content already.
struct KnownImage {
  ImageId id;
  ObjectKey key;
  bool same_drive_id = false;  // the same file, unchanged: skip; else: another file of equal content
};

// An item as a worker gets it.
struct WorkItem {
  ItemId id;
  SourceFile file;
  std::string folder_path;
  ObjectKey key;
  std::int32_t attempts = 0;                // faults of the file so far
  std::int32_t backoffs = 0;                // times put off since it last got further
  std::optional<Timestamp> retrying_since;  // the first of those
  std::optional<KnownImage> known;
};

struct Batch {
  JobId job;
  std::vector<WorkItem> items;  // only those still pending; empty when nothing is left to do
};

// What was stored for an item.
struct StoredObject {
  ObjectKey key;
  std::uint64_t size_bytes = 0;
  ContentHashes hashes;
  std::string mime_type;  // as sniffed
  std::string etag;
  std::string version_id;
  bool checksum_verified = false;  // Drive's published hash was matched
};

// What became of an item. `state` kPending = not now: try again at not_before.
struct Outcome {
  JobId job;
  ItemId item;
  ItemState state = ItemState::kPending;
  std::optional<StoredObject> stored;  // REQUIRED with kImported
  std::optional<ImageId> same_as;      // REQUIRED with kSkipped, kDeduplicated: re-checked in the transaction
  // With kPending, kDeferred, kFailed: an object may lie under this key, or come to: its upload was begun, and nobody
  // knows how it ended.
  std::optional<ObjectKey> perhaps_stored;
  std::string reason;  // kFailed, kDeferred, kPending
  std::string remedy;
  std::int32_t attempts = 0;
  std::int32_t backoffs = 0;
  std::optional<Timestamp> retrying_since;
  std::optional<Timestamp> not_before;  // kPending, kDeferred
  // With kPending: nothing of this job can go on until a person mends it (a refused key, a full disk). The job becomes
  // kFailed with this trouble, as Journal::fail_job does, in the same transaction.
  std::optional<JobTrouble> stops_job;
};

enum class CommitEffect : std::uint8_t {
  kApplied = 1,
  kAlreadyDone,  // the item had its outcome before (a batch handed out twice): nothing changed
  kRequeued,     // the record it relied on is being deleted: the item is pending again
  kOrphaned,     // the item was cancelled meanwhile: the object has no record, and is on the list of garbage
};

}  // namespace imgimport
