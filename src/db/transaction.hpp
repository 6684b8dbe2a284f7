// Work inside one transaction, as a Result: success commits, an Error or an exception rolls back and changed nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>

#include "db/connection.hpp"
#include "imgimport/result.hpp"

namespace imgimport::db {

enum class TransactionKind : std::uint8_t {
  kRead = 1,   // all queries see one state of the file; never waits for a writer
  kImmediate,  // takes the write lock first, so that it cannot fail half-way for want of it
};

class Transaction {
 public:
  Transaction(Connection& connection, TransactionKind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
};

// The exception being handled, seen in the light of whose call it broke: a wait that ended because the caller had asked
// to stop is kCancelled, a query that ran into the deadline kDeadlineExceeded. REQUIRES: inside a catch block
Error error_of_call(const Connection& connection);

// `work` takes the connection and returns a Result.
template <class Work>
std::invoke_result_t<Work, Connection&> transact(Connection& connection, TransactionKind kind, Work&& work) {
  try {
    Transaction transaction(connection, kind);
    auto result = std::invoke(std::forward<Work>(work), connection);
    if (result.has_value()) transaction.commit();
    return result;
  } catch (...) {
    return error_of_call(connection);
  }
}

}  // namespace imgimport::db
