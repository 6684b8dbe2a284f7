#include "gateway/job_json.hpp"

#include <cmath>

namespace imgimport {
namespace {

void write_identity(JsonWriter& json, const Job& job) {
  json.field("job_id", job.id.value());
  json.field("status", to_string(job.status));
  json.field("folder_url", job.folder_url);
  json.known_field("folder_name", job.root.name);
}

void write_counters(JsonWriter& json, const JobCounters& counters) {
  json.field("total", counters.total);
  json.field("processed", counters.processed());
  json.field("failed", counters.failed);
  json.field("imported_count", counters.imported);
  json.field("skipped", counters.skipped);
  json.field("deduplicated", counters.deduplicated);
  json.field("deferred", counters.deferred);
  json.field("cancelled", counters.cancelled);
  json.field("pending", counters.pending);
  json.field("ignored", counters.ignored);
  json.field("bytes", counters.bytes);
  json.field("total_bytes", counters.total_bytes);
}

void write_course(JsonWriter& json, const Job& job) {
  json.field("created_at", job.created_at);
  json.field("finished_at", job.finished_at);
  json.field("recursive", job.recursive);
  json.field("dry_run", job.dry_run);
  if (!job.trouble) return;
  json.field("error", job.trouble->message);
  json.known_field("reason", job.trouble->reason);
  json.known_field("remedy", job.trouble->remedy);
}

double rounded(double value) noexcept {
  return std::round(value * 100) / 100;
}

}  // namespace

void write_progress_fields(JsonWriter& json, const ImportProgress& progress) {
  write_identity(json, progress.job);
  write_counters(json, progress.job.counters);
  json.field("rate", rounded(progress.images_per_second));
  json.field("eta_seconds", progress.eta_seconds);
  json.field("drive_units", progress.drive_units);
  write_course(json, progress.job);
  if (!progress.hindrance) return;
  json.key("hindrance");
  json.begin_object();
  json.field("error", progress.hindrance->message);
  json.known_field("reason", progress.hindrance->reason);
  json.known_field("remedy", progress.hindrance->remedy);
  json.end_object();
}

std::string progress_json(const ImportProgress& progress) {
  JsonWriter json;
  json.begin_object();
  write_progress_fields(json, progress);
  json.end_object();
  return json.take();
}

void write_job(JsonWriter& json, const Job& job) {
  json.begin_object();
  write_identity(json, job);
  write_counters(json, job.counters);
  write_course(json, job);
  json.end_object();
}

std::string queue_json(const QueueState& state) {
  JsonWriter json;
  json.begin_object();
  json.field("batches_waiting", state.waiting);
  json.field("batches_leased", state.leased);
  json.field("workers", state.workers);
  json.field("rate", rounded(state.images_per_second));
  json.end_object();
  return json.take();
}

void write_item(JsonWriter& json, const Item& item) {
  json.begin_object();
  json.field("google_drive_id", item.drive_id.value());
  json.field("name", item.name);
  json.field("folder_path", item.folder_path);
  json.field("size", item.size);
  json.known_field("mime_type", item.mime_type);
  json.field("state", to_string(item.state));
  json.known_field("reason", item.reason);
  json.known_field("remedy", item.remedy);
  json.field("attempts", item.attempts);
  json.field("next_try_at", item.next_try_at);
  if (item.image) {
    json.field("image_id", item.image->value());
  } else {
    json.null_field("image_id");
  }
  json.end_object();
}

}  // namespace imgimport
