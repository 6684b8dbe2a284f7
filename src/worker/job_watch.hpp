// Whether a job goes on: one that was cancelled, or has failed, starts no further item.
#pragma once

#include <chrono>
#include <mutex>
#include <unordered_map>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

// Thread-safe. Asked before each item, it asks the journal now and then, one thread at a time; the others go by its
// last word meanwhile.
class JobWatch {
 public:
  JobWatch(JobStore& jobs, const Clock& clock) : jobs_(jobs), clock_(clock) {}

  // Blocks on the journal where its last word is too old. While the journal is away, that word stands.
  bool goes_on(const CallContext& context, const JobId& job);
  // There is a sign that the job has ended: the journal is asked at the next question.
  void doubt(const JobId& job);

 private:
  struct LastWord {
    bool goes_on = true;
    std::chrono::steady_clock::time_point ask_again_at;
  };

  JobStore& jobs_;
  const Clock& clock_;
  std::mutex mutex_;                                // never held across a call of the journal
  std::unordered_map<JobId, LastWord> last_words_;  // guarded by mutex_
};

}  // namespace imgimport
