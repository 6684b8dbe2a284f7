// The durable truth: jobs, the journal of their items, image records. Three contracts, one store behind them, since one
// transaction spans all three when outcomes are committed.
//
// Threading: every method from any thread. All block on the database. Readers do not wait for the writer.
// Errors common to all: kUnavailable (database away or busy beyond the deadline: transient), kOutOfSpace, kInternal,
// kCancelled, kDeadlineExceeded. On any error the call changed nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/call_context.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/image.hpp"
#include "imgimport/job.hpp"
#include "imgimport/job_queue.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Jobs as their users see them, and who drives each.
class JobStore {
 public:
  virtual ~JobStore() = default;

  struct Created {
    Job job;
    bool existed = false;  // a job with this idempotency key was there already, and is returned unchanged
  };
  // Writes the job, with its root as the one pending folder, and leases it to `owner` for `ttl`.
  // kConflict (idempotency_key_reused): the key belongs to a job of another folder or other options.
  virtual Result<Created> create_job(const CallContext& context, const NewJob& job, std::string_view owner,
                                     std::chrono::milliseconds ttl) = 0;

  // kNotFound.
  virtual Result<Job> job(const CallContext& context, const JobId& id) = 0;

  // The job that was made with this idempotency key. kNotFound.
  virtual Result<Job> job_by_key(const CallContext& context, std::string_view idempotency_key) = 0;

  // Newest first; `before` empty = from the newest, else those created before that job. At most `limit`.
  virtual Result<std::vector<Job>> jobs(const CallContext& context, const JobId& before, std::size_t limit) = 0;

  struct ItemQuery {
    JobId job;
    std::optional<ItemState> state;
    ItemId after;  // those with a greater id; ItemId{0} = from the first
    std::size_t limit = 100;
  };
  // Ascending by id. kNotFound: no such job.
  virtual Result<std::vector<Item>> items(const CallContext& context, const ItemQuery& query) = 0;

  // Jobs with work left: listing, processing, or with deferred items. Not dry runs that are listed.
  virtual Result<std::vector<Job>> unfinished_jobs(const CallContext& context) = 0;

  // Takes the lease if the job's epoch still is `seen_epoch` (compare-and-set): the new epoch is one higher.
  // kConflict: somebody was faster.
  virtual Result<JobLease> claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                                     std::string_view owner, std::chrono::milliseconds ttl) = 0;

  // Prolongs the leases; returns those that were still ours. The rest must be dropped at once.
  virtual Result<std::vector<JobLease>> renew_leases(const CallContext& context, std::span<const JobLease> leases,
                                                     std::chrono::milliseconds ttl) = 0;

  // Pending and deferred items become cancelled; status kCancelled. Repeating it changes nothing. A completed job
  // without deferred items stays completed. Objects may have been stored for items in a batch that was opened, by a
  // process that was killed before it could commit: their keys go onto the list of garbage of that place. kNotFound.
  virtual Result<Job> cancel_job(const CallContext& context, const JobId& id) = 0;

  // Failed, deferred and cancelled items become pending again, attempts and back-offs at zero, but for those without an
  // object key, which have nothing to be stored; folders that were left out are listed again; a failed or cancelled job
  // goes on (with its listing, where that is not complete); returns how many items. kNotFound. kConflict (dry_run): a
  // dry run has nothing to retry.
  virtual Result<std::int64_t> retry_job(const CallContext& context, const JobId& id) = 0;

  // An item whose object is not what its record says.
  struct Damage {
    ItemId item;
    ImageId image;       // the record it relies on
    ObjectKey key;       // the object that was looked at
    std::string reason;  // of the failed item
    std::string remedy;
  };
  // In one transaction: items of this job that are imported, skipped or deduplicated by that record become failed
  // (their bytes no longer count), and every record of its place with that key is marked as damaged. From then on no
  // skipped or deduplicated item relies on it, so that an import or a retry stores the content anew; storing the key
  // again clears the mark. A record that points to another object by now is left alone, and so is its item. Returns how
  // many items failed; repeating it changes nothing. kNotFound: no such job.
  virtual Result<std::int64_t> report_damage(const CallContext& context, const JobId& job,
                                             std::span<const Damage> damages) = 0;
};

// The journal of a job's items: written by import as it lists, read and ticked off by workers.
class Journal {
 public:
  virtual ~Journal() = default;

  // Folders not listed to their end, shallowest first. Used after a restart, and as the listing's own work list.
  virtual Result<std::vector<PendingFolder>> pending_folders(const CallContext& context, const JobId& job,
                                                             std::size_t limit) = 0;

  struct Added {
    std::int64_t items = 0;              // new ones; known Drive ids are left as they are
    std::vector<PendingFolder> folders;  // those not seen before in this job: the seen-set
  };
  // One page, in one transaction: items (idempotent by Drive id), folders, cursor. Whole batches of `batch_size`
  // pending items get their batch id here; the remainder is grouped by group_due. kConflict: stale lease, or job not
  // listing.
  virtual Result<Added> add_page(const CallContext& context, const JobLease& lease, const ListedPage& page,
                                 std::size_t batch_size) = 0;

  // The folder is listed again from its first page (its token was rejected).
  virtual Result<void> restart_folder(const CallContext& context, const JobLease& lease, const DriveId& folder) = 0;

  // Every folder is done: the job is kProcessing, or kCompleted when nothing is pending (or it is a dry run).
  virtual Result<void> finish_listing(const CallContext& context, const JobLease& lease) = 0;

  // The job as a whole cannot go on: kFailed; its items stay as they are, and retry_job takes it up again. Should
  // nobody do so within a day, what may have been stored for items in opened batches is garbage, as in cancel_job.
  virtual Result<void> fail_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) = 0;

  // A warning that does not stop the job, joined to what it carries already.
  virtual Result<void> warn_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) = 0;

  // Puts pending or deferred items that are due and in no batch into batches of up to `batch_size`; deferred ones
  // become pending. At most `limit` batches. Returns their ids.
  virtual Result<std::vector<BatchId>> group_due(const CallContext& context, const JobLease& lease, Timestamp now,
                                                 std::size_t batch_size, std::size_t limit) = 0;

  // Batches of this job that still hold pending items, with ids above `after`, ascending.
  virtual Result<std::vector<BatchId>> ready_batches(const CallContext& context, const JobLease& lease, BatchId after,
                                                     std::size_t limit) = 0;

  // When the next item that is in no batch falls due: Timestamp{} for one that was never put off; nullopt = none waits.
  virtual Result<std::optional<Timestamp>> next_due(const CallContext& context, const JobId& job) = 0;

  // The pending items of a batch, each with the record of `place` that has its content already, if any. One query or
  // two for the whole batch. Items of a job that was cancelled or failed are not given. That the batch was opened for
  // this place is written down first, once.
  virtual Result<Batch> open_batch(const CallContext& context, const BatchRef& batch, const StorePlace& place) = 0;

  // Writes many outcomes in one transaction: compare-and-set on each item's state (kPending, or kFailed when the
  // outcome is kImported), counters moved by the rows that changed, records inserted or updated (unique per place and
  // Drive id), objects that no record needs (any more) put on the list of garbage. A job whose last pending item this
  // was becomes kCompleted. One effect per outcome, in order. Safe to repeat.
  virtual Result<std::vector<CommitEffect>> commit(const CallContext& context, std::span<const Outcome> outcomes,
                                                   const StorePlace& place) = 0;
};

// Image records.
class ImageStore {
 public:
  virtual ~ImageStore() = default;

  // kNotFound; a record that is being deleted is not found either.
  virtual Result<Image> image(const CallContext& context, ImageId id) = 0;

  // Newest first. Page numbers from 1; a page behind the last is empty, with the right total. kInvalidArgument
  // (page_too_deep): the page begins behind a total that is capped; walk() goes there.
  virtual Result<ImagePage> page(const CallContext& context, const ImageQuery& query, std::int64_t page,
                                 std::int64_t per_page) = 0;

  // Keyset walk, newest first: those with ids below `before` (ImageId{0} = from the newest).
  virtual Result<std::vector<Image>> walk(const CallContext& context, const ImageQuery& query, ImageId before,
                                          std::size_t limit) = 0;

  struct JobImage {
    ItemId item;  // the walk's cursor
    Image image;
  };
  // The records behind a job's imported, skipped and deduplicated items, by item id above `after`.
  virtual Result<std::vector<JobImage>> job_images(const CallContext& context, const JobId& job, ItemId after,
                                                   std::size_t limit) = 0;

  struct Deletion {
    StorePlace place;  // that the key is of: not always the one this process stores into
    ObjectKey key;
    bool last = false;  // no other record needs the object: remove it
  };
  // Marks the record as being deleted: from now on it is not found, and no commit relies on it. Repeating it on a
  // record so marked gives the same answer. kNotFound.
  virtual Result<Deletion> begin_delete(const CallContext& context, ImageId id) = 0;
  // Drops the marked record. Repeating it succeeds.
  virtual Result<void> finish_delete(const CallContext& context, ImageId id) = 0;

  // Objects without a record: replaced versions, uploads of cancelled items, deletions cut short. They are marked as
  // being removed, so that a commit onto such a key is kRequeued; the caller removes them, then forgets them. An object
  // that is known to be there is given out at once; one that may be there after two minutes, and once more after a day,
  // since its upload may still have been under way (where the item goes on, after a day only).
  virtual Result<std::vector<ObjectKey>> claim_garbage(const CallContext& context, const StorePlace& place,
                                                       std::size_t limit) = 0;
  virtual Result<void> forget_garbage(const CallContext& context, const StorePlace& place,
                                      std::span<const ObjectKey> keys) = 0;

  virtual Result<ImageStats> stats(const CallContext& context) = 0;

  struct GroupQuery {
    std::string parent;  // of folders(): a folder's path, "" = the topmost folders
    std::string after;   // those behind that name; "" = from the first
    std::size_t limit = 100;
  };
  // The folders right below `parent` that hold images, by name (its bytes; from the 64th character on in any order).
  // None below a folder that does not exist.
  virtual Result<std::vector<ImageGroup>> folders(const CallContext& context, const GroupQuery& query) = 0;
  // The cameras that images were taken with, in the same order. `parent` says nothing.
  virtual Result<std::vector<ImageGroup>> cameras(const CallContext& context, const GroupQuery& query) = 0;
};

class MetadataStore : public JobStore, public Journal, public ImageStore {
 public:
  // Whether the store answers now; cheap.
  virtual Result<void> ping(const CallContext& context) = 0;
};

}  // namespace imgimport
