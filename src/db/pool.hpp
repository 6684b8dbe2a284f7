// A fixed set of connections, lent to one thread each. With one connection in it, it is that connection's mutex.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "db/connection.hpp"
#include "imgimport/result.hpp"

namespace imgimport::db {

class Pool {
 public:
  // A connection on loan; goes back at the end of its scope. Serves the context it was borrowed with.
  class Loan {
   public:
    Loan(Pool& pool, Connection& connection) : pool_(&pool), connection_(&connection) {}
    Loan(Loan&& other) noexcept : pool_(other.pool_), connection_(std::exchange(other.connection_, nullptr)) {}
    Loan& operator=(Loan&&) = delete;
    ~Loan();
    Connection& operator*() const noexcept { return *connection_; }

   private:
    Pool* pool_;
    Connection* connection_;
  };

  // REQUIRES: at least one connection
  explicit Pool(std::vector<std::unique_ptr<Connection>> connections);

  // Waits for a free connection as long as the context allows. `context` must outlive the loan.
  // kCancelled, kDeadlineExceeded (too late already), kUnavailable (none became free in time).
  Result<Loan> borrow(const CallContext& context);

 private:
  void put_back(Connection& connection);

  const std::vector<std::unique_ptr<Connection>> connections_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::vector<Connection*> free_;  // guarded by mutex_
};

}  // namespace imgimport::db
