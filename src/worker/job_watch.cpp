#include "worker/job_watch.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kAskEvery{500};
constexpr std::size_t kMostJobs = 1'000;

}  // namespace

bool JobWatch::goes_on(const CallContext& context, const JobId& job) {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.steady_now();
    if (last_words_.size() > kMostJobs) last_words_.clear();  // of jobs long done
    LastWord& last = last_words_[job];
    if (now < last.ask_again_at) return last.goes_on;
    last.ask_again_at = now + kAskEvery;
  }
  const auto found = jobs_.job(context, job);
  const std::scoped_lock lock(mutex_);
  LastWord& last = last_words_[job];
  if (found.has_value()) {
    last.goes_on = found->status == JobStatus::kListing || found->status == JobStatus::kProcessing;
  }
  return last.goes_on;
}

void JobWatch::doubt(const JobId& job) {
  const std::scoped_lock lock(mutex_);
  last_words_[job].ask_again_at = {};
}

}  // namespace imgimport
