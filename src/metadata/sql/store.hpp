// The metadata store in a database server, shared by any number of threads, processes and machines: PostgreSQL,
// natively or over ODBC, and SQL Server.
//
// Threading: as MetadataStore. Connections are lent from a pool; transactions that the server breaks off (deadlocks, a
// failover) are repeated until the caller's deadline.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "db/sql_pool.hpp"
#include "db/sql_transaction.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"
#include "metadata/sql/dialect.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport {

struct SqlStoreOptions {
  db::SqlTarget target;
  db::SqlPoolOptions pool;
  // How long open() waits for a server that does not answer yet.
  std::chrono::milliseconds open_limit{15'000};
  std::stop_token open_stop;  // calls that waiting off
  // A removal that was begun (begin_delete, claim_garbage) and not reported done after this long is given out again:
  // longer than any store takes to remove an object.
  std::chrono::milliseconds removal_grace{120'000};
  // For copy_metadata() alone: a database that a copy has been begun into is refused otherwise.
  enum class Copying : std::uint8_t { kRefuse = 1, kGoOn } half_copied = Copying::kRefuse;
};

class SqlMetadataStore : public MetadataStore {
 public:
  // Connects, and creates the tables or brings older ones to this program's form; several processes may do so at once.
  // `clock` must outlive the store. kMisconfigured: a refused login, no such database or host, another application's
  // tables, those of a newer program, a copy that has not ended: one sentence each, with the remedy. kUnavailable,
  // kOutOfSpace.
  static Result<std::unique_ptr<SqlMetadataStore>> open(const SqlStoreOptions& options, const Clock& clock);

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
  SqlMetadataStore(const SqlStoreOptions& options, const Clock& clock)
      : clock_(clock),
        removal_grace_(options.removal_grace),
        dialect_(dialect_of(options.target.product)),
        pool_(options.target, options.pool) {}

  // `work` takes a const sql::Work& and returns a Result.
  // Statements one by one, each of which sees what is committed by then.
  template <class Body>
  std::invoke_result_t<Body, const sql::Work&> read(const CallContext& context, Body&& body) {
    return transact(context, db::SqlScope::kStatements, body, nullptr);
  }
  // One transaction, which may happen twice when the connection breaks while it is committed.
  template <class Body>
  std::invoke_result_t<Body, const sql::Work&> write(const CallContext& context, Body&& body) {
    return transact(context, db::SqlScope::kTransaction, body, nullptr);
  }
  // One transaction, which happens once.
  template <class Body>
  std::invoke_result_t<Body, const sql::Work&> write_once(const CallContext& context, Body&& body) {
    const db::SqlToken token = new_token();
    return transact(context, db::SqlScope::kTransaction, body, &token);
  }
  template <class Body>
  std::invoke_result_t<Body, const sql::Work&> transact(const CallContext& context, db::SqlScope scope, Body& body,
                                                        const db::SqlToken* token) {
    auto outcome = db::transact_sql(
        pool_, context, scope,
        [&](db::SqlSession& session) {
          return body(sql::Work{session, dialect_, clock_.now()});
        },
        token);
    if (opened_ && !outcome.has_value()) {
      if (auto told = db::for_callers(outcome.error())) return *std::move(told);
    }
    return outcome;
  }

  Result<void> begin_batch(const CallContext& context, const BatchRef& batch, std::int64_t place);
  db::SqlToken new_token() const;
  Result<void> migrate(const CallContext& context);
  Result<void> check_copied(const CallContext& context);
  // nullopt: nothing was ever stored there.
  Result<std::optional<PlaceRow>> find_place(const CallContext& context, const StorePlace& place);
  // Writes it down when it is new.
  Result<PlaceRow> find_or_add_place(const CallContext& context, const StorePlace& place);

  const Clock& clock_;
  const std::chrono::milliseconds removal_grace_;
  const Dialect& dialect_;
  db::SqlPool pool_;
  bool opened_ = false;  // constant once open() has returned: what fails before is for whoever starts the program
  std::mutex places_mutex_;
  std::map<StorePlace, PlaceRow> places_;  // guarded by places_mutex_; places are never removed
};

}  // namespace imgimport
