#include "emulators/drive/fault_json.hpp"

#include <boost/json.hpp>
#include <map>
#include <string>

#include "emulators/drive/fault_names.hpp"

namespace imgimport::emulator {
namespace {

using boost::json::value;

Error wrong(std::string_view field) {
  return {ErrorCode::kInvalidArgument, "fault rule: \"" + std::string(field) + "\" is unknown or of a wrong type"};
}

std::optional<std::uint64_t> count_of(const value& from) {
  boost::system::error_code failed;
  if (!from.is_number()) return std::nullopt;
  const auto number = from.to_number<std::uint64_t>(failed);
  if (failed) return std::nullopt;
  return number;
}

bool set_match(FaultRule& rule, std::string_view name) {
  if (name == "any") return true;
  for (const RequestKind kind :
       {RequestKind::kList, RequestKind::kGet, RequestKind::kDownload, RequestKind::kToken, RequestKind::kOther}) {
    if (to_string(kind) != name) continue;
    rule.match = kind;
    return true;
  }
  return false;
}

void set_action(FaultRule& rule, std::string_view name) {
  for (const ActionName& known : kActionNames) {
    if (known.name != name) continue;
    rule.action = known.action;
    return;
  }
  rule.action = FaultAction::kReason;
  rule.reason = name;
}

bool set_text(FaultRule& rule, std::string_view field, std::string_view text) {
  if (field == "match") return set_match(rule, text);
  if (field == "file") {
    rule.file_id = text;
  } else if (field == "name") {
    rule.name_glob = text;
  } else if (field == "action") {
    set_action(rule, text);
  } else {
    return false;
  }
  return true;
}

bool set_count(FaultRule& rule, std::string_view field, std::uint64_t count) {
  if (field == "every") {
    rule.every = count;
  } else if (field == "first") {
    rule.first = count;
  } else if (field == "skip") {
    rule.skip = count;
  } else if (field == "status") {
    rule.status = static_cast<int>(count);
  } else if (field == "retry_after") {
    rule.retry_after_seconds = static_cast<int>(count);
  } else if (field == "at") {
    rule.at = count;
  } else if (field == "latency_ms") {
    rule.latency = std::chrono::milliseconds(count);
  } else if (field == "bytes_per_second") {
    rule.bytes_per_second = count;
  } else {
    return false;
  }
  return true;
}

bool set_field(FaultRule& rule, std::string_view field, const value& from) {
  if (field == "probability" && from.is_number()) {
    rule.probability = from.to_number<double>();
    return true;
  }
  if (field == "per_file" && from.is_bool()) {
    rule.per_file = from.get_bool();
    return true;
  }
  if (from.is_string()) return set_text(rule, field, from.get_string());
  const auto count = count_of(from);
  return count && set_count(rule, field, *count);
}

}  // namespace

Result<std::vector<FaultRule>> faults_from_json(const value& value) {
  std::vector<FaultRule> rules;
  if (value.is_array()) {
    for (const auto& one : value.get_array()) {
      IMGIMPORT_ASSIGN_OR_RETURN(auto more, faults_from_json(one));
      rules.insert(rules.end(), more.begin(), more.end());
    }
    return rules;
  }
  if (!value.is_object()) return Error(ErrorCode::kInvalidArgument, "a fault rule is an object");
  FaultRule rule;
  for (const auto& [field, content] : value.get_object()) {
    if (!set_field(rule, field, content)) return wrong(field);
  }
  rules.push_back(std::move(rule));
  return rules;
}

}  // namespace imgimport::emulator
