// The metadata store in one SQLite file (WAL), shared by any number of threads and by other processes on this machine.
//
// Threading: as MetadataStore. One connection writes, under a lock that the caller's context times; a few others read,
// each a state of the file of its own, and never wait for the writer. Memory: the connections' caches, nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "db/pool.hpp"
#include "db/transaction.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

struct SqliteOptions {
  std::string path;
  std::size_t readers = 4;
  db::Durability durability = db::Durability::kPowerCut;
  // How long to wait for another process's transaction when the caller sets no deadline.
  std::chrono::milliseconds busy_limit{30'000};
  // A removal that was begun (begin_delete, claim_garbage) and not reported done after this long is given out again:
  // longer than any store takes to remove an object.
  std::chrono::milliseconds removal_grace{120'000};
  std::int64_t writer_cache_kib = 8192;
  std::int64_t reader_cache_kib = 2'048;
};

class SqliteMetadataStore : public MetadataStore {
 public:
  // Opens or creates the file, and brings an older one to this program's form. `clock` must outlive the store.
  // kMisconfigured: a directory, a damaged file, another application's database, one of a newer program, no right to
  // write: one sentence each, with the remedy; the file is left as it was. kUnavailable, kOutOfSpace.
  static Result<std::unique_ptr<SqliteMetadataStore>> open(const SqliteOptions& options, const Clock& clock);

  // JobStore
  Result<Created> create_job(const CallContext& context, const NewJob& job, std::string_view owner,
                             std::chrono::milliseconds ttl) override;
  Result<Job> job(const CallContext& context, const JobId& id) override;
  Result<Job> job_by_key(const CallContext& context, std::string_view idempotency_key) override;
  Result<std::vector<Job>> jobs(const CallContext& context, const JobId& before, std::size_t limit) override;
  Result<std::vector<Item>> items(const CallContext& context, const ItemQuery& query) override;
  Result<std::vector<Job>> unfinished_jobs(const CallContext& context) override;
  Result<JobLease> claim_job(const CallContext& context, const JobId& id, std::int64_t seen_epoch,
                             std::string_view owner, std::chrono::milliseconds ttl) override;
  Result<std::vector<JobLease>> renew_leases(const CallContext& context, std::span<const JobLease> leases,
                                             std::chrono::milliseconds ttl) override;
  Result<Job> cancel_job(const CallContext& context, const JobId& id) override;
  Result<std::int64_t> retry_job(const CallContext& context, const JobId& id) override;
  Result<std::int64_t> report_damage(const CallContext& context, const JobId& id,
                                     std::span<const Damage> damages) override;

  // Journal
  Result<std::vector<PendingFolder>> pending_folders(const CallContext& context, const JobId& job,
                                                     std::size_t limit) override;
  Result<Added> add_page(const CallContext& context, const JobLease& lease, const ListedPage& page,
                         std::size_t batch_size) override;
  Result<void> restart_folder(const CallContext& context, const JobLease& lease, const DriveId& folder) override;
  Result<void> finish_listing(const CallContext& context, const JobLease& lease) override;
  Result<void> fail_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) override;
  Result<void> warn_job(const CallContext& context, const JobLease& lease, const JobTrouble& trouble) override;
  Result<std::vector<BatchId>> group_due(const CallContext& context, const JobLease& lease, Timestamp now,
                                         std::size_t batch_size, std::size_t limit) override;
  Result<std::vector<BatchId>> ready_batches(const CallContext& context, const JobLease& lease, BatchId after,
                                             std::size_t limit) override;
  Result<std::optional<Timestamp>> next_due(const CallContext& context, const JobId& job) override;
  Result<Batch> open_batch(const CallContext& context, const BatchRef& batch, const StorePlace& place) override;
  Result<std::vector<CommitEffect>> commit(const CallContext& context, std::span<const Outcome> outcomes,
                                           const StorePlace& place) override;

  // ImageStore
  Result<Image> image(const CallContext& context, ImageId id) override;
  Result<ImagePage> page(const CallContext& context, const ImageQuery& query, std::int64_t page,
                         std::int64_t per_page) override;
  Result<std::vector<Image>> walk(const CallContext& context, const ImageQuery& query, ImageId before,
                                  std::size_t limit) override;
  Result<std::vector<JobImage>> job_images(const CallContext& context, const JobId& job, ItemId after,
                                           std::size_t limit) override;
  Result<Deletion> begin_delete(const CallContext& context, ImageId id) override;
  Result<void> finish_delete(const CallContext& context, ImageId id) override;
  Result<std::vector<ObjectKey>> claim_garbage(const CallContext& context, const StorePlace& place,
                                               std::size_t limit) override;
  Result<void> forget_garbage(const CallContext& context, const StorePlace& place,
                              std::span<const ObjectKey> keys) override;
  Result<ImageStats> stats(const CallContext& context) override;
  Result<std::vector<ImageGroup>> folders(const CallContext& context, const GroupQuery& query) override;
  Result<std::vector<ImageGroup>> cameras(const CallContext& context, const GroupQuery& query) override;

  Result<void> ping(const CallContext& context) override;

 private:
  using Connections = std::vector<std::unique_ptr<db::Connection>>;
  SqliteMetadataStore(const SqliteOptions& options, const Clock& clock, Connections writer, Connections readers)
      : clock_(clock),
        removal_grace_(options.removal_grace),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  // `work` takes the connection and returns a Result; one transaction around it.
  template <class Work>
  std::invoke_result_t<Work, db::Connection&> read(const CallContext& context, Work&& work) {
    IMGIMPORT_ASSIGN_OR_RETURN(const auto loan, readers_.borrow(context));
    return db::transact(*loan, db::TransactionKind::kRead, std::forward<Work>(work));
  }
  template <class Work>
  std::invoke_result_t<Work, db::Connection&> write(const CallContext& context, Work&& work) {
    IMGIMPORT_ASSIGN_OR_RETURN(const auto loan, writer_.borrow(context));
    return db::transact(*loan, db::TransactionKind::kImmediate, std::forward<Work>(work));
  }

  Result<void> begin_batch(const CallContext& context, const BatchRef& batch, const StorePlace& place);

  const Clock& clock_;
  const std::chrono::milliseconds removal_grace_;
  db::Pool writer_;  // of one
  db::Pool readers_;
};

}  // namespace imgimport
