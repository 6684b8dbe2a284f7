// Batches on their way from import to the workers. A queue may lose everything at any moment: the journal is the truth,
// and import puts unfinished batches in again. It may also hand a batch out twice: commits are compare-and-set.
//
// Threading: all methods from any thread. lease() alone waits for work. The others answer at once in process, and where
// there is a broker take a round trip to it within the context's deadline, stats() up to a second more for
// acknowledgements that are on their way; while the broker is known to be away none of them waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct BatchRef {
  JobId job;
  BatchId batch;
  friend bool operator==(const BatchRef&, const BatchRef&) = default;
};

struct BatchLease {
  BatchRef batch;
  std::string token;  // the broker's own mark of this delivery; empty in process
};

struct QueueStats {
  std::size_t waiting = 0;   // pushed and not leased
  std::size_t leased = 0;    // leased and not acknowledged
  std::size_t capacity = 0;  // how many may wait
  std::size_t workers = 0;   // processes that ask for batches or work on some, as far as the broker has seen lately
  // Another one than before: the queue may have lost what it held (the broker was emptied or restarted), and unfinished
  // batches must be put in again. Empty where that cannot happen to one process and not to the other.
  std::string epoch;
};

class JobQueue {
 public:
  virtual ~JobQueue() = default;

  // Appends in order as many as fit and returns how many that were. Never waits for room. A batch that a broker still
  // holds, waiting or leased, counts as one that fitted, and is not put in twice. While the broker is away, none fits.
  virtual Result<std::size_t> push(const CallContext& context, std::span<const BatchRef> batches) = 0;

  // Waits for a batch. nullopt: the context's deadline passed with none. kCancelled: stopped. Where there is a broker,
  // kUnavailable while it is away and kMisconfigured when it refuses us, after a moment's wait: ask again.
  virtual Result<std::optional<BatchLease>> lease(const CallContext& context) = 0;

  // Says that the batch is still being worked on. kConflict: it was given to somebody else meanwhile. kUnavailable: the
  // broker is away.
  virtual Result<void> renew(const CallContext& context, const BatchLease& lease) = 0;

  // Every item of the batch has an outcome or was written back: the batch is done with. A broker is told in the
  // background.
  virtual Result<void> ack(const CallContext& context, const BatchLease& lease) = 0;

  // kUnavailable: the broker is away.
  virtual Result<QueueStats> stats(const CallContext& context) = 0;
};

}  // namespace imgimport
