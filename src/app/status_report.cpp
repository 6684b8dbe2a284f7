#include "app/status_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "app/import_report.hpp"
#include "base/json_writer.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kBarWidth = 20;
// What a gateway has for neighbours, by the names that its /health gives them.
constexpr std::array<std::string_view, 3> kNeighbours = {"import", "metadata", "storage"};

bool is_neighbour(std::string_view part) {
  return std::find(kNeighbours.begin(), kNeighbours.end(), part) != kNeighbours.end();
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

std::string worker_state(const DeploymentStatus& status) {
  if (!status.queue) return "not known: " + printable(status.queue_trouble);
  const auto& queue = *status.queue;
  return fmt::format("{} {}, batches: {} under way, {} waiting; {:.1f} images/s",
                     queue.workers == 0 ? std::string("no") : std::to_string(queue.workers),
                     queue.workers == 1 ? "worker" : "workers", queue.leased, queue.waiting, queue.rate);
}

std::string job_line(const DeploymentStatus::Job& job) {
  const std::size_t full =
      job.total > 0 ? static_cast<std::size_t>(job.ended) * kBarWidth / static_cast<std::size_t>(job.total) : 0;
  return fmt::format("  {}  [{:<{}}] {}/{}  {:.1f}/s  {}{}{}\n", job.id, std::string(full, '#'), kBarWidth, job.ended,
                     job.total, job.rate, job.eta_seconds ? "ETA " + format_duration(*job.eta_seconds) : job.status,
                     job.failed > 0 ? fmt::format("  {} failed", job.failed) : "",
                     job.folder.empty() ? "" : "  " + printable(job.folder));
}

}  // namespace

bool DeploymentStatus::is_healthy() const {
  return health == "healthy" && queue && queue->workers > 0;
}

std::string status_text(const DeploymentStatus& status) {
  std::string text = fmt::format("{}\n", status.url);
  text += service_line("api-gateway", status.health);
  for (const std::string_view name : kNeighbours) {
    const std::string trouble = trouble_of(status, name);
    text += service_line(fmt::format("{}-service", name), trouble.empty() ? "healthy" : "away: " + printable(trouble));
  }
  text += service_line("worker-service", worker_state(status));
  for (const auto& [part, trouble] : status.troubles) {
    if (!is_neighbour(part)) text += service_line(printable(part), "trouble: " + printable(trouble));
  }
  if (status.images) {
    text += service_line("images", fmt::format("{}, {}", status.images->count, format_bytes(status.images->bytes)));
  }
  if (status.jobs.empty()) return text + service_line("imports", "none is running");
  text += "imports that run\n";
  for (const auto& job : status.jobs) text += job_line(job);
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
  json.end_object();
  if (status.queue) {
    json.field("batches_waiting", status.queue->waiting);
    json.field("batches_leased", status.queue->leased);
    json.field("workers", status.queue->workers);
    json.field("rate", status.queue->rate);
  }
  if (status.images) {
    json.field("total_images", status.images->count);
    json.field("total_size_bytes", status.images->bytes);
  }
  json.key("jobs");
  json.begin_array();
  for (const auto& job : status.jobs) {
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
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

}  // namespace imgimport
