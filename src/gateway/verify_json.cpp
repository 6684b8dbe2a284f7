#include "gateway/verify_json.hpp"

#include "base/json_writer.hpp"

namespace imgimport {
namespace {

void write_findings(JsonWriter& json, std::string_view name, const std::vector<VerificationFinding>& findings) {
  json.key(name);
  json.begin_array();
  for (const VerificationFinding& finding : findings) {
    json.begin_object();
    json.field("item_id", finding.item.value());
    finding.image ? json.field("image_id", finding.image->value()) : json.null_field("image_id");
    json.field("name", finding.name);
    json.field("folder_path", finding.folder_path);
    json.known_field("object_key", finding.key.value());
    json.field("expected_size", finding.expected_size);
    json.field("found_size", finding.found_size);
    json.known_field("expected_hash", finding.expected_hash);
    json.known_field("found_hash", finding.found_hash);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string verification_json(const VerificationReport& report) {
  JsonWriter json;
  json.begin_object();
  json.field("job_id", report.job.value());
  json.field("complete", report.complete());
  json.field("checked", report.checked);
  json.field("ok", report.ok);
  json.field("missing_count", report.missing_count);
  json.field("different_count", report.different_count);
  json.field("unverifiable_count", report.unverifiable_count);
  json.field("elsewhere", report.elsewhere);
  json.field("not_checked", report.not_checked);
  json.field("failed_items", report.failed_items);
  if (report.trouble) {
    json.field("error", report.trouble->message());
    json.field("code", report.trouble->reason_or_code());
    json.known_field("remedy", report.trouble->remedy());
  }
  write_findings(json, "missing", report.missing);
  write_findings(json, "different", report.different);
  json.end_object();
  return json.take();
}

}  // namespace imgimport
