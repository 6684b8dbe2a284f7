#include "app/status_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "app/health_text.hpp"
#include "app/import_report.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kBarWidth = 20;
// What a gateway has for neighbours, by the names that its /health gives them.
constexpr std::array<std::string_view, 3> kNeighbours = {"import", "metadata", "storage"};
constexpr std::string_view kWorker = "worker";

bool is_service(std::string_view part) {
  return part == kWorker || std::find(kNeighbours.begin(), kNeighbours.end(), part) != kNeighbours.end();
}

std::string trouble_of(const DeploymentStatus& status, std::string_view part) {
  for (const auto& [name, trouble] : status.troubles) {
    if (name == part) return trouble;
  }
  return "";
}

std::string service_line(std::string_view name, std::string_view state) {
  return fmt::format("  {:<18} {}\n", name, state);
}

std::string not_known(std::string_view why) {
  return "not known: " + printable(why, kUncut);
}

std::string neighbour_state(const std::string& trouble) {
  if (trouble.empty()) return "healthy";
  return (is_state_text(trouble) ? "" : "away: ") + printable(trouble, kUncut);
}

std::string worker_state(const DeploymentStatus& status) {
  // Only one that runs in the gateway's process is known to it by its state.
  const std::string trouble = trouble_of(status, kWorker);
  const std::string state = trouble.empty() ? "" : printable(trouble, kUncut) + "; ";
  if (!status.queue) return state + not_known(status.queue_trouble);
  const auto& queue = *status.queue;
  return state + fmt::format("{} {}, batches: {} under way, {} waiting; {:.1f} images/s",
                             queue.workers == 0 ? std::string("no") : std::to_string(queue.workers),
                             queue.workers == 1 ? "worker" : "workers", queue.leased, queue.waiting, queue.rate);
}

std::string job_line(const DeploymentStatus::Job& job) {
  const std::size_t full =
      job.total > 0 ? static_cast<std::size_t>(job.ended) * kBarWidth / static_cast<std::size_t>(job.total) : 0;
  return fmt::format("  {}  [{:<{}}] {}/{}  {:.1f}/s  {}{}{}\n", job.id, std::string(full, '#'), kBarWidth, job.ended,
                     job.total, job.rate, job.eta_seconds ? "ETA " + format_duration(*job.eta_seconds) : job.status,
                     job.failed > 0 ? fmt::format("  {} failed", job.failed) : "",
                     job.folder.empty() ? "" : "  " + printable(job.folder, kUncut));
}

// nullopt, which JSON writes as null, where the whole is not known.
template <class Whole, class Number>
std::optional<Number> known(const std::optional<Whole>& whole, Number Whole::*number) {
  if (!whole) return std::nullopt;
  return (*whole).*number;
}

void write_job(JsonWriter& json, const DeploymentStatus::Job& job) {
  json.begin_object();
  json.field("job_id", job.id);
  json.field("folder_name", job.folder);
  json.field("status", job.status);
  json.field("total", job.total);
  json.field("ended", job.ended);
  json.field("failed", job.failed);
  json.field("rate", job.rate);
  json.field("eta_seconds", job.eta_seconds);
  json.end_object();
}

}  // namespace

bool DeploymentStatus::is_healthy() const {
  return health == "healthy" && queue && queue->workers > 0 && images && jobs;
}

std::string status_text(const DeploymentStatus& status) {
  std::string text = fmt::format("{}\n", status.url);
  text += service_line("api-gateway", status.health);
  for (const std::string_view name : kNeighbours) {
    text += service_line(fmt::format("{}-service", name), neighbour_state(trouble_of(status, name)));
  }
  text += service_line("worker-service", worker_state(status));
  for (const auto& [part, trouble] : status.troubles) {
    if (!is_service(part)) text += service_line(printable(part, kUncut), "trouble: " + printable(trouble, kUncut));
  }
  text += service_line("images", status.images
                                     ? fmt::format("{}, {}", status.images->count, format_bytes(status.images->bytes))
                                     : not_known(status.images_trouble));
  if (!status.jobs) return text + service_line("imports", not_known(status.jobs_trouble));
  if (status.jobs->empty()) return text + service_line("imports", "none is running");
  text += "imports that run\n";
  for (const auto& job : *status.jobs) text += job_line(job);
  if (status.more_jobs > 0) text += fmt::format("  and {} more\n", status.more_jobs);
  return text;
}

std::string status_json(const DeploymentStatus& status) {
  JsonWriter json;
  json.begin_object();
  json.field("url", status.url);
  json.field("status", status.is_healthy() ? "healthy" : status.health == "healthy" ? "degraded" : status.health);
  json.key("parts");
  json.begin_object();
  for (const auto& [part, trouble] : status.troubles) {
    json.text_key(part);
    json.string(trouble);
  }
  if (!status.queue) json.field("queue", status.queue_trouble);
  if (!status.images) json.field("images", status.images_trouble);
  if (!status.jobs) json.field("jobs", status.jobs_trouble);
  json.end_object();
  using Queue = DeploymentStatus::Queue;
  json.field("batches_waiting", known(status.queue, &Queue::waiting));
  json.field("batches_leased", known(status.queue, &Queue::leased));
  json.field("workers", known(status.queue, &Queue::workers));
  json.field("rate", known(status.queue, &Queue::rate));
  json.field("total_images", known(status.images, &DeploymentStatus::Images::count));
  json.field("total_size_bytes", known(status.images, &DeploymentStatus::Images::bytes));
  json.key("jobs");
  if (status.jobs) {
    json.begin_array();
    for (const auto& job : *status.jobs) write_job(json, job);
    json.end_array();
  } else {
    json.null();
  }
  json.end_object();
  return json.take() + "\n";
}

}  // namespace imgimport
