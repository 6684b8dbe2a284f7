// Connections to a database server: some are kept, more are opened under load and closed again after use. A dead one is
// noticed before it is lent, or replaced when it breaks.
//
// Threading: from any thread. One thread of its own ends calls whose context ends.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "db/sql_error.hpp"
#include "db/sql_session.hpp"
#include "db/sql_target.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport::db {

struct SqlPoolOptions {
  std::size_t keep = 20;
  std::size_t overflow = 40;
  // A connection that was idle for so long is asked whether it still lives before it is lent.
  std::chrono::milliseconds ping_after{15'000};
  // How long a call may take whose context sets no deadline: nothing else ends one on a server that hangs.
  std::chrono::milliseconds call_limit{300'000};
  // How long a transaction is tried again for transient errors when the context sets no deadline.
  std::chrono::milliseconds retry_limit{10'000};
};

class SqlPool {
 public:
  // A connection on loan; goes back at the end of its scope. What it runs is interrupted when the context ends.
  class Loan {
   public:
    Loan(Loan&& other) noexcept;
    Loan& operator=(Loan&&) = delete;
    ~Loan();
    SqlSession& operator*() const noexcept { return *session_; }
    SqlSession* operator->() const noexcept { return session_.get(); }
    // The connection must not be used again. `kLost`: others may have died with it.
    enum class Fate : std::uint8_t { kGood = 1, kLost };
    void discard() noexcept { fate_ = Fate::kLost; }

   private:
    friend class SqlPool;
    struct Watched;
    Loan(SqlPool& pool, std::unique_ptr<SqlSession> session, const CallContext& context);

    SqlPool* pool_;
    std::unique_ptr<SqlSession> session_;
    Fate fate_ = Fate::kGood;
    std::unique_ptr<Watched> watched_;
  };

  SqlPool(SqlTarget target, const SqlPoolOptions& options);
  // REQUIRES: no loan is out
  ~SqlPool();
  SqlPool(const SqlPool&) = delete;
  SqlPool& operator=(const SqlPool&) = delete;

  // Waits for a free connection as long as the context allows. `context` must outlive the loan.
  // kCancelled, kDeadlineExceeded; a verdict (judge) when no connection can be made or none became free in time.
  std::pair<std::optional<Loan>, SqlVerdict> borrow(const CallContext& context);

  const SqlTarget& target() const noexcept { return target_; }
  const SqlPoolOptions& options() const noexcept { return options_; }
  // Connections that are open now, lent or not.
  std::size_t open_connections() const;

  // What calls tell when they end: that the server answered, or what they gave up with, which is logged in full (while
  // it is away, once).
  void answered();
  void failed(const SqlVerdict& verdict);
  // The last call that ended could not connect, and none has been answered since.
  bool is_away() const noexcept { return away_.load(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    std::unique_ptr<SqlSession> session;
    Clock::time_point since;
    std::uint64_t generation = 0;
  };
  // A call under way, to be interrupted at its end.
  struct Call {
    SqlSession* session;
    Clock::time_point deadline;
    std::stop_token stop;
    bool interrupted = false;
  };

  Result<std::optional<Idle>> take(const CallContext& context);
  bool is_usable(const Idle& idle, const CallContext& context);
  void give_up_slot();
  void put_back(std::unique_ptr<SqlSession> session, Loan::Fate fate);
  std::list<Call>::iterator watch(SqlSession& session, const CallContext& context);
  void unwatch(std::list<Call>::iterator call);
  void run_watch(const std::stop_token& stop);

  const SqlTarget target_;
  const SqlPoolOptions options_;
  std::atomic<bool> away_ = false;
  std::atomic<bool> was_reached_ = false;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  // Guarded by mutex_:
  std::vector<Idle> idle_;
  std::size_t open_ = 0;
  std::size_t waiting_ = 0;
  std::uint64_t generation_ = 0;  // counts lost connections: those of an earlier one are asked before they are lent

  std::mutex watch_mutex_;  // never held together with mutex_
  std::condition_variable_any watch_changed_;
  std::list<Call> calls_;  // guarded by watch_mutex_
  bool wake_ = false;      // guarded by watch_mutex_
  std::jthread watcher_;
};

}  // namespace imgimport::db
