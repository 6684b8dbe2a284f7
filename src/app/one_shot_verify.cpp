#include "app/one_shot_verify.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "app/assembly.hpp"
#include "app/database_location.hpp"
#include "app/progress_display.hpp"
#include "app/refusal.hpp"
#include "app/signals.hpp"
#include "app/verify_report.hpp"
#include "app/wiring.hpp"
#include "gateway/parameters.hpp"
#include "gateway/verify_json.hpp"

namespace imgimport {
namespace {

using std::chrono::steady_clock;

// Opening a database that is not there would make an empty one.
Result<void> expect_database(const Config& config) {
  if (names_database_server(config)) return {};
  IMGIMPORT_ASSIGN_OR_RETURN(const SqliteOptions options, sqlite_options(config));
  std::error_code failed;
  if (std::filesystem::exists(options.path, failed)) return {};
  return Error(ErrorCode::kMisconfigured, "there is no database at " + options.path)
      .with_reason("no_database")
      .with_remedy("Set DATA_DIR (or DATABASE_URL) to that of the import, or run this in the folder where it ran");
}

Result<VerificationReport> run(const Verification& verification, const JobId& job) {
  ProgressDisplay progress;
  std::optional<Result<VerificationReport>> report;
  run_until_signal([&](const std::stop_token& stop) {
    CallContext context;
    context.stop = stop;
    report = verification.run(context, job, [&](const auto& so_far, std::int64_t total) {
      progress.show([&] { return verify_progress_line(so_far, total); });
    });
  });
  return *std::move(report);
}

}  // namespace

int one_shot_verify(const Config& config, const std::string& job, ReportFormat format) {
  const auto id = job_id_from(job, "JOB");
  if (!id.has_value()) return refuse(id.error(), format);
  if (const auto there = expect_database(config); !there.has_value()) return refuse(there.error(), format);
  Assembly assembly(config, {Role::kMetadata, Role::kStorage});
  assembly.one_shot = true;
  if (const auto built = assemble(assembly); !built.has_value()) return refuse(built.error(), format);
  const auto began = steady_clock::now();
  const Verification verification({*assembly.metadata, *assembly.metadata, *assembly.store});
  const auto report = run(verification, *id);
  if (!report.has_value()) return refuse(report.error(), format);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - began).count();
  const std::string text =
      format == ReportFormat::kJson ? verification_json(*report) + "\n" : verify_report_text(*report, seconds);
  std::fputs(text.c_str(), stdout);
  if (report->trouble) print_refusal(*report->trouble, ReportFormat::kText);
  return report->clean() ? 0 : 1;
}

}  // namespace imgimport
