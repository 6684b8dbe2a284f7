#include "app/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/import_report.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kFindingsShown = 20;

std::string line_of(const char* what, const VerificationFinding& finding) {
  const std::string path = finding.folder_path.empty() ? finding.name : finding.folder_path + "/" + finding.name;
  if (!finding.image) return fmt::format("  {} {} (found by an earlier verification)\n", what, printable(path, kUncut));
  std::string line = fmt::format("  {} {} (image {}, object {})", what, printable(path, kUncut), finding.image->value(),
                                 printable(finding.key.value(), kUncut));
  if (!finding.found_size) return line + "\n";
  if (finding.found_size != finding.expected_size) {
    return line +
           fmt::format(": {} bytes where {} were stored\n", *finding.found_size, finding.expected_size.value_or(0));
  }
  return line + fmt::format(": {} where {} was stored\n", finding.found_hash, finding.expected_hash);
}

std::string lines_of(const char* what, const std::vector<VerificationFinding>& findings, std::int64_t count) {
  std::string text;
  const std::size_t shown = std::min(findings.size(), kFindingsShown);
  for (std::size_t i = 0; i < shown; ++i) text += line_of(what, findings[i]);
  const std::int64_t more = count - static_cast<std::int64_t>(shown);
  return more > 0 ? text + fmt::format("  … and {} more {}\n", more, what) : text;
}

}  // namespace

std::string verify_progress_line(const VerificationReport& report, std::int64_t total) {
  const std::int64_t done = report.checked + report.elsewhere;
  const std::int64_t share = total > 0 ? std::min<std::int64_t>(100, done * 100 / total) : 0;
  std::string line = fmt::format("{:>3}% {}/{} objects", share, done, total);
  if (report.missing_count > 0) line += fmt::format("  {} missing", report.missing_count);
  if (report.different_count > 0) line += fmt::format("  {} different", report.different_count);
  return line;
}

std::string verify_report_text(const VerificationReport& report, std::int64_t seconds) {
  std::string text = fmt::format(
      "Job {}: {} objects checked in {}.\n"
      "  right         {:>9}\n"
      "  missing       {:>9}\n"
      "  different     {:>9}\n"
      "  size only     {:>9}   the size is right, and there is no checksum to compare by\n",
      report.job.value(), report.checked, format_duration(seconds), report.ok, report.missing_count,
      report.different_count, report.unverifiable_count);
  if (report.elsewhere > 0) {
    text += fmt::format("  elsewhere     {:>9}   with another provider or bucket than the settings name\n",
                        report.elsewhere);
  }
  if (report.not_checked > 0) text += fmt::format("  not checked   {:>9}\n", report.not_checked);
  text += lines_of("missing", report.missing, report.missing_count);
  text += lines_of("different", report.different, report.different_count);
  if (report.failed_items > 0) {
    text += fmt::format(
        "{} failed, and stored afresh by the same import, run again, or by a retry of the job: "
        "POST /api/import/{}/retry\n",
        report.failed_items == 1 ? "1 item is" : fmt::format("{} items are", report.failed_items), report.job.value());
  }
  return text;
}

}  // namespace imgimport
