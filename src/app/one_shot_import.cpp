#include "app/one_shot_import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "app/assembly.hpp"
#include "app/follow_import.hpp"
#include "app/import_report.hpp"
#include "app/progress_display.hpp"
#include "app/refusal.hpp"
#include "app/signals.hpp"
#include "app/wiring.hpp"

namespace imgimport {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLineLength = 200;  // a terminal cuts it
constexpr std::size_t kProblemsListed = 20;
constexpr const char* kInterrupted =
    "Not done yet: the same command, or a server with the same DATA_DIR, goes on where this stopped.\n";
constexpr const char* kDryRunInterrupted = "Not done: the same command begins anew.\n";

Problems collect_problems(MetadataStore& metadata, const Job& job) {
  Problems problems;
  for (const ItemState state : {ItemState::kFailed, ItemState::kDeferred}) {
    const auto items = metadata.items(CallContext{}, {job.id, state, ItemId{0}, kProblemsListed});
    if (items.has_value()) problems.items.insert(problems.items.end(), items->begin(), items->end());
  }
  const std::int64_t all = job.counters.failed + job.counters.deferred;
  problems.more = std::max<std::int64_t>(0, all - static_cast<std::int64_t>(problems.items.size()));
  return problems;
}

class OneShot {
 public:
  explicit OneShot(const Config& config)
      : assembly_(config, {Role::kMetadata, Role::kStorage, Role::kImport, Role::kWorker}) {
    assembly_.one_shot = true;
  }

  Result<ImportService::Submitted> begin(const ImportRequest& request) {
    IMGIMPORT_RETURN_IF_ERROR(assemble(assembly_));
    for (ModuleInPlace& entry : assembly_.modules) IMGIMPORT_RETURN_IF_ERROR(entry.module->start());
    return assembly_.import->submit(CallContext{}, request);
  }

  // Until the job has ended, or a signal comes.
  Result<ImportProgress> follow(const ImportService::Submitted& submitted) {
    ProgressDisplay view;
    if (submitted.existed) view.note(fmt::format("Job {} was left unfinished: it goes on.", submitted.job.id.value()));
    return follow_import(*assembly_.import, submitted.job.id,
                         {.signal_within = signal_within,
                          .note = [&view](const std::string& text) { view.note(text); },
                          .show =
                              [&view](const ImportProgress& progress) {
                                view.show([&] { return progress_line(progress, kLineLength); });
                              }});
  }

  void end() {
    let_signals_kill();
    const auto deadline = steady_clock::now() + assembly_.config.server.drain;
    for (auto entry = assembly_.modules.rbegin(); entry != assembly_.modules.rend(); ++entry) entry->module->drain();
    for (auto entry = assembly_.modules.rbegin(); entry != assembly_.modules.rend(); ++entry) {
      entry->module->stop(deadline);
    }
  }

  MetadataStore& metadata() { return *assembly_.metadata; }
  ImportService& import() { return *assembly_.import; }

 private:
  Assembly assembly_;
};

}  // namespace

int one_shot_import(const Config& config, const ImportRequest& request, ReportFormat format) {
  const auto began = steady_clock::now();
  OneShot one_shot(config);
  const auto submitted = one_shot.begin(request);
  if (!submitted.has_value()) {
    one_shot.end();
    return refuse(submitted.error(), format);
  }
  const JobId& job = submitted->job.id;
  auto progress = one_shot.follow(*submitted);
  one_shot.end();
  // What the drain still finished belongs into the report.
  if (progress.has_value() && !has_ended(progress->job.status))
    progress = one_shot.import().progress(CallContext{}, job);
  if (!progress.has_value()) return refuse(progress.error(), format);
  const Problems problems = collect_problems(one_shot.metadata(), progress->job);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - began).count();
  const std::string report =
      format == ReportFormat::kJson ? report_json(*progress, problems) : report_text(*progress, problems, seconds);
  std::fputs(report.c_str(), stdout);
  const Job& ended = progress->job;
  if (!has_ended(ended.status) && format == ReportFormat::kText) {
    std::fputs(ended.dry_run ? kDryRunInterrupted : kInterrupted, stdout);
  }
  // A warning means that something was left out.
  const bool complete = ended.status == JobStatus::kCompleted && !ended.trouble &&
                        (ended.dry_run || (ended.counters.failed == 0 && ended.counters.deferred == 0));
  return complete ? 0 : 1;
}

}  // namespace imgimport
