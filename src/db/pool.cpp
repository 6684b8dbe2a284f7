#include "db/pool.hpp"

namespace imgimport::db {

Pool::Loan::~Loan() {
  if (connection_ != nullptr) pool_->put_back(*connection_);
}

Pool::Pool(std::vector<std::unique_ptr<Connection>> connections) : connections_(std::move(connections)) {
  for (const auto& connection : connections_) free_.push_back(connection.get());
}

Result<Pool::Loan> Pool::borrow(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  std::unique_lock lock(mutex_);
  const auto any_free = [this] { return !free_.empty(); };
  const bool got = context.deadline == std::chrono::steady_clock::time_point::max()
                       ? freed_.wait(lock, context.stop, any_free)
                       : freed_.wait_until(lock, context.stop, context.deadline, any_free);
  if (!got) {
    if (context.stop.stop_requested()) return Error(ErrorCode::kCancelled, "the call was cancelled");
    return Error(ErrorCode::kUnavailable, "every connection to the database was busy for the time this call had")
        .with_reason("database_busy");
  }
  // The one used last: its cache is warm.
  Connection* connection = free_.back();
  free_.pop_back();
  connection->serve(&context);
  return Loan(*this, *connection);
}

void Pool::put_back(Connection& connection) {
  connection.serve(nullptr);
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(&connection);
  }
  freed_.notify_one();
}

}  // namespace imgimport::db
