#include "app/follow_import.hpp"

#include <algorithm>

#include "base/sentence.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;

// A short import must not wait for its own progress bar, and nobody reads a long one's more often than this.
constexpr milliseconds kFirstLook{20};
constexpr milliseconds kLastLook{200};

}  // namespace

Result<ImportProgress> follow_import(ImportService& imports, const JobId& job, const ImportFollower& follower) {
  for (milliseconds pause = kFirstLook;; pause = std::min(pause * 5 / 4, kLastLook)) {
    const bool interrupted = follower.signal_within(pause);
    auto progress = imports.progress(CallContext{}, job);
    if (!progress.has_value()) {
      if (interrupted || !progress.error().is_transient()) return progress;
      follower.note(sentences(progress.error().message(), progress.error().remedy()));
      continue;
    }
    if (interrupted || has_ended(progress->job.status)) return progress;
    const auto& hindrance = progress->hindrance;
    follower.note(hindrance ? sentences(hindrance->message, hindrance->remedy) : "");
    follower.show(*progress);
  }
}

}  // namespace imgimport
