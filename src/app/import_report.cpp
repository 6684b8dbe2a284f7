#include "app/import_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>

#include "base/sentence.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kBarWidth = 24;

std::string note_of(const Job& job) {
  if (!job.trouble) return "";
  return fmt::format("{}: {}\n", job.status == JobStatus::kFailed ? "The job stopped" : "Note",
                     sentences(job.trouble->message, job.trouble->remedy));
}

std::string dry_run_text(const Job& job, std::int64_t drive_units) {
  const JobCounters& counters = job.counters;
  return fmt::format(
             "Dry run: nothing was downloaded.\n"
             "  images to import   {:>10}   {}\n"
             "  left out           {:>10}   no images, or not what the filters ask for\n"
             "  not downloadable   {:>10}\n"
             "  Drive quota        {:>10}   units for the downloads, 200 each\n",
             counters.pending, format_bytes(counters.total_bytes), counters.ignored, counters.failed, drive_units) +
         note_of(job);
}

}  // namespace

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1'000 && unit + 1 < kUnits.size()) {
    value /= 1'000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_duration(std::int64_t seconds) {
  if (seconds < 3'600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3'600, seconds / 60 % 60, seconds % 60);
}

std::string progress_line(const ImportProgress& progress, std::size_t width) {
  const JobCounters& counters = progress.job.counters;
  const std::int64_t settled = counters.total - counters.pending;
  const double share = counters.total == 0 ? 0 : static_cast<double>(settled) / static_cast<double>(counters.total);
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  std::string line =
      fmt::format("[{}{}] {:>3.0f}% {}/{}{}", std::string(filled, '#'), std::string(kBarWidth - filled, '.'),
                  share * 100, settled, counters.total, progress.job.listed ? "" : "+");
  if (progress.images_per_second > 0) line += fmt::format("  {:.0f}/s", progress.images_per_second);
  line += "  " + format_bytes(counters.bytes);
  if (progress.eta_seconds) line += "  ETA " + format_duration(*progress.eta_seconds);
  if (counters.failed > 0) line += fmt::format("  {} failed", counters.failed);
  if (!progress.job.listed) line += "  listing";
  return line.substr(0, width);
}

std::string report_text(const ImportProgress& progress, const Problems& problems, std::int64_t seconds) {
  const Job& job = progress.job;
  const JobCounters& counters = job.counters;
  if (job.dry_run && job.status == JobStatus::kCompleted) return dry_run_text(job, progress.drive_units);
  std::string text = fmt::format(
      "Job {} {} after {}.\n"
      "  imported      {:>9}   {}\n"
      "  skipped       {:>9}   unchanged since an earlier import\n"
      "  deduplicated  {:>9}   the same picture was stored already\n"
      "  failed        {:>9}\n"
      "  deferred      {:>9}   Drive refuses them for some hours\n"
      "  cancelled     {:>9}\n"
      "  pending       {:>9}\n"
      "  total         {:>9}\n"
      "  left out      {:>9}   no images, or not what the filters ask for\n",
      job.id.value(), to_string(job.status), format_duration(seconds), counters.imported, format_bytes(counters.bytes),
      counters.skipped, counters.deduplicated, counters.failed, counters.deferred, counters.cancelled, counters.pending,
      counters.total, counters.ignored);
  text += note_of(job);
  for (const Item& item : problems.items) {
    const std::string path = item.folder_path.empty() ? item.name : item.folder_path + "/" + item.name;
    text += fmt::format("  {} {}: {}. {}\n", to_string(item.state), printable(path, kUncut), item.reason,
                        sentence(item.remedy));
  }
  if (problems.more > 0) text += fmt::format("  … and {} more\n", problems.more);
  return text;
}

std::string report_json(const ImportProgress& progress, const Problems& problems) {
  const Job& job = progress.job;
  const JobCounters& counters = job.counters;
  boost::json::object report{
      {"job_id", job.id.value()},
      {"status", to_string(job.status)},
      {"dry_run", job.dry_run},
      {"total", counters.total},
      {"processed", counters.processed()},
      {"imported_count", counters.imported},
      {"skipped", counters.skipped},
      {"deduplicated", counters.deduplicated},
      {"failed", counters.failed},
      {"deferred", counters.deferred},
      {"cancelled", counters.cancelled},
      {"pending", counters.pending},
      {"ignored", counters.ignored},
      {"bytes", counters.bytes},
      {"total_bytes", counters.total_bytes},
      {"drive_units", progress.drive_units},
  };
  if (job.trouble) {
    report["reason"] = job.trouble->reason;
    report["error"] = job.trouble->message;
    report["remedy"] = job.trouble->remedy;
  }
  boost::json::array items;
  for (const Item& item : problems.items) {
    items.push_back(boost::json::object{{"google_drive_id", item.drive_id.value()},
                                        {"name", to_valid_utf8(item.name)},
                                        {"folder_path", to_valid_utf8(item.folder_path)},
                                        {"state", to_string(item.state)},
                                        {"reason", item.reason},
                                        {"remedy", item.remedy}});
  }
  report["problems"] = std::move(items);
  report["more_problems"] = problems.more;
  return boost::json::serialize(report) + "\n";
}

}  // namespace imgimport
