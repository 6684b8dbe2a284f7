#include "gateway/journal_progress.hpp"

#include <utility>

namespace imgimport {

Result<ImportProgress> JournalProgress::progress(const CallContext& context, const JobId& job) {
  auto progress = imports_.progress(context, job);
  if (progress.has_value() || progress.error().code() != ErrorCode::kUnavailable) return progress;
  // The import service is there, and has asked the journal.
  if (progress.error().reason() == "database_unavailable") return progress;
  auto written = jobs_.job(context, job);
  // With the journal away too, what the import service said is what there is to say.
  if (!written.has_value() && written.error().code() == ErrorCode::kUnavailable) return progress;
  if (!written.has_value()) return std::move(written).error();
  ImportProgress from_journal;
  from_journal.job = *std::move(written);
  return from_journal;
}

}  // namespace imgimport
