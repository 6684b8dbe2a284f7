#include "gateway/submit_reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_writer.hpp"
#include "base/sentence.hpp"
#include "gateway/api_router.hpp"

namespace imgimport {
namespace {

// A job's trouble has no code any more; its reason tells which class it was.
ErrorCode code_of(const JobTrouble& trouble) {
  constexpr std::array<std::string_view, 6> kNotFound = {"not_found",
                                                         "trashed",
                                                         "permission_denied",
                                                         "forbidden",
                                                         "insufficient_file_permissions",
                                                         "app_not_authorized_to_file"};
  constexpr std::array<std::string_view, 5> kInvalid = {"invalid_argument", "bad_request", "bad_url", "not_a_folder",
                                                        "not_a_folder_url"};
  const auto is_in = [&trouble](const auto& reasons) {
    return std::find(reasons.begin(), reasons.end(), trouble.reason) != reasons.end();
  };
  if (is_in(kNotFound)) return ErrorCode::kNotFound;
  if (is_in(kInvalid)) return ErrorCode::kInvalidArgument;
  if (trouble.reason == "internal") return ErrorCode::kInternal;
  return ErrorCode::kUnavailable;
}

// The contract's words where there is nothing to import.
std::string message_of(const Job& job) {
  const std::int64_t images = job.counters.total;
  if (images == 0 && is_countable(job)) return "No images found in the folder";
  const std::string_view noun = images == 1 ? "image" : "images";
  return job.dry_run ? fmt::format("{} {} would be imported", images, noun)
                     : fmt::format("Import job started for {} images", images);
}

HttpResponse dry_run_response(const ImportProgress& progress) {
  const Job& job = progress.job;
  JsonWriter json;
  json.begin_object();
  json.field("dry_run", true);
  json.field("job_id", job.id.value());
  json.field("message", message_of(job));
  json.field("total_images", job.counters.total);
  json.field("total_bytes", job.counters.total_bytes);
  json.field("ignored", job.counters.ignored);
  json.field("drive_units", progress.drive_units);
  const bool listing = !is_countable(job);
  if (listing) json.field("listing", true);
  json.end_object();
  HttpResponse response = json_response(json.take());
  response.status = listing ? 202 : 200;
  return response;
}

}  // namespace

bool is_countable(const Job& job) noexcept {
  return job.listed || job.status != JobStatus::kListing;
}

Result<HttpResponse> submit_response(const ImportProgress& progress) {
  const Job& job = progress.job;
  if (job.status == JobStatus::kFailed && !job.listed) {
    const JobTrouble trouble = job.trouble.value_or(JobTrouble{"", "The listing of the folder failed", ""});
    const std::string retry = fmt::format("Then POST /api/import/{}/retry, or send the request again", job.id.value());
    return Error(code_of(trouble), trouble.message)
        .with_reason(trouble.reason)
        .with_remedy(sentences(trouble.remedy, retry));
  }
  if (job.dry_run) return dry_run_response(progress);
  const bool empty = is_countable(job) && job.counters.total == 0;
  JsonWriter json;
  json.begin_object();
  json.field("job_id", job.id.value());
  json.field("message", message_of(job));
  json.field("total_images", job.counters.total);
  if (!is_countable(job)) json.field("listing", true);
  json.end_object();
  HttpResponse response = json_response(json.take());
  response.status = empty ? 200 : 202;
  return response;
}

SubmitReply::SubmitReply(const GatewayOptions& options, const Clock& clock, Waiting waiting)
    : options_(options),
      clock_(clock),
      gone_(std::move(waiting.gone)),
      deadline_(waiting.until),
      interval_(options.first_poll),
      last_(std::move(waiting.progress)),
      send_(std::move(waiting.send)) {}

SubmitReply::~SubmitReply() {
  if (send_) send_(Error(ErrorCode::kCancelled, "The client went away before its answer"));
}

std::optional<std::chrono::milliseconds> SubmitReply::on_progress(const Result<ImportProgress>& progress) {
  const std::lock_guard lock(mutex_);
  if (!send_) return std::nullopt;
  // A poll that failed changes nothing: the job is written down, and the next poll may succeed.
  if (progress) last_ = *progress;
  const auto now = clock_.steady_now();
  if (is_countable(last_.job) || now >= deadline_) {
    std::exchange(send_, {})(submit_response(last_));
    return std::nullopt;
  }
  interval_ = std::min(interval_ * 3 / 2, options_.last_poll);
  return std::min(interval_, std::chrono::ceil<std::chrono::milliseconds>(deadline_ - now));
}

void SubmitReply::on_shutdown() {
  const std::lock_guard lock(mutex_);
  if (send_) std::exchange(send_, {})(submit_response(last_));
}

}  // namespace imgimport
