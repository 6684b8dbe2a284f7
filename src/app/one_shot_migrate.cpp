#include "app/one_shot_migrate.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "app/database_location.hpp"
#include "app/import_report.hpp"
#include "app/progress_display.hpp"
#include "app/refusal.hpp"
#include "app/signals.hpp"
#include "base/system_clock.hpp"
#include "metadata/copy.hpp"

namespace imgimport {
namespace {

using std::chrono::steady_clock;

constexpr int kDone = 0;
constexpr int kBrokenOff = 1;

std::string progress_line(const CopyProgress& progress) {
  const std::int64_t share = progress.total > 0 ? progress.done * 100 / progress.total : 100;
  return fmt::format("{:>3}% {}/{} rows  {}", share, progress.done, progress.total, progress.what);
}

// Source and target, as the settings and the command line name them.
Result<MetadataCopy> copy_of(const Config& config, const std::string& to) {
  if (!db::is_sql_url(to)) {
    return Error(ErrorCode::kMisconfigured, "--to must name a database server: the metadata is in SQLite already")
        .with_remedy("give it as --to=postgresql://user:password@host/database or --to=mssql://…");
  }
  if (names_database_server(config)) {
    return Error(ErrorCode::kMisconfigured, "the settings name a database server: there is no SQLite file to copy")
        .with_remedy("run it with the settings of the deployment that is to be copied: without DATABASE_URL and DB_*");
  }
  MetadataCopy copy;
  IMGIMPORT_ASSIGN_OR_RETURN(const SqliteOptions from, sqlite_options(config));
  copy.from = from.path;
  Config target = config;
  target.metadata.url = to;
  IMGIMPORT_ASSIGN_OR_RETURN(copy.to, sql_store_options(target, "--to"));
  return copy;
}

std::string report_text(const CopyReport& report, const MetadataCopy& copy, std::int64_t seconds) {
  return fmt::format(
      "Copied {} to {} in {}{}.\n"
      "  jobs          {:>9}\n"
      "  items         {:>9}\n"
      "  images        {:>9}\n"
      "Both were counted and agree. Set DATABASE_URL to the new database and start the server; the objects stay where "
      "they are.\n",
      copy.from, copy.to.target.describe(), format_duration(seconds),
      report.resumed ? ", going on with a copy that was broken off" : "", report.jobs, report.items, report.images);
}

}  // namespace

int one_shot_migrate(const Config& config, const std::string& to) {
  const auto copy = copy_of(config, to);
  if (!copy.has_value()) return refuse(copy.error());
  const SystemClock clock;
  const auto began = steady_clock::now();
  ProgressDisplay progress;
  bool copying = false;
  std::optional<Result<CopyReport>> report;
  run_until_signal([&](const std::stop_token& stop) {
    CallContext context;
    context.stop = stop;
    report = copy_metadata(context, *copy, clock, [&](const CopyProgress& so_far) {
      copying = true;
      progress.show([&] { return progress_line(so_far); });
    });
  });
  progress.end();
  if (!report->has_value()) {
    const int code = refuse(report->error());
    if (!copying) return code;
    std::fputs("Run it again: it goes on where it stopped.\n", stderr);
    return kBrokenOff;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - began).count();
  std::fputs(report_text(**report, *copy, seconds).c_str(), stdout);
  return kDone;
}

}  // namespace imgimport
