#include "emulators/drive/faults.hpp"

#include <algorithm>
#include <array>

#include "base/glob.hpp"
#include "base/text.hpp"
#include "emulators/drive/fault_names.hpp"

namespace imgimport::emulator {
namespace {

double chance(std::uint64_t seed, std::uint64_t rule, std::string_view file, std::uint64_t count) {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + rule * 0xC2B2AE3D27D4EB4Fu + count;
  for (const char c : file) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  for (int round = 0; round < 2; ++round) {
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
    state ^= state >> 31;
  }
  return static_cast<double>(state >> 11) * 0x1.0p-53;
}

bool concerns(const FaultRule& rule, RequestKind kind, std::string_view file_id, std::string_view name) {
  return (!rule.match || *rule.match == kind) && (rule.file_id.empty() || rule.file_id == file_id) &&
         (rule.name_glob.empty() || glob_match(rule.name_glob, name));
}

}  // namespace

std::string_view to_string(RequestKind kind) noexcept {
  switch (kind) {
    case RequestKind::kList:
      return "list";
    case RequestKind::kGet:
      return "get";
    case RequestKind::kDownload:
      return "download";
    case RequestKind::kToken:
      return "token";
    case RequestKind::kOther:
      return "other";
  }
  return "other";
}

std::string action_name(const FaultRule& rule) {
  if (rule.action == FaultAction::kReason) return rule.reason;
  for (const ActionName& known : kActionNames) {
    if (known.action == rule.action) return std::string(known.name);
  }
  return "none";
}

FaultBook::FaultBook(std::uint64_t seed) : seed_(seed) {}

void FaultBook::add(FaultRule rule) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({.rule = std::move(rule)});
  rule_count_ = entries_.size();
}

void FaultBook::fail(RequestKind kind, std::string reason, double probability) {
  add({.match = kind, .probability = probability, .action = FaultAction::kReason, .reason = std::move(reason)});
}

void FaultBook::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  rule_count_ = 0;
  quota_ = 0;
}

std::size_t FaultBook::rules() const {
  return rule_count_;
}

bool FaultBook::hits(Entry& entry, std::size_t number, std::string_view file_id) const {
  const FaultRule& rule = entry.rule;
  std::uint64_t count = 0;
  if (rule.per_file) {
    auto found = entry.seen_by_file.find(file_id);
    if (found == entry.seen_by_file.end()) found = entry.seen_by_file.emplace(std::string(file_id), 0).first;
    count = ++found->second;
  } else {
    count = ++entry.seen;
  }
  if (count <= rule.skip) return false;
  count -= rule.skip;
  if (rule.first > 0 && count > rule.first) return false;
  if (rule.every > 0 && count % rule.every != 0) return false;
  return rule.probability >= 1.0 ||
         chance(seed_, number, rule.per_file ? file_id : std::string_view(), count) < rule.probability;
}

Fault FaultBook::decide(RequestKind kind, std::string_view file_id, std::string_view name) {
  Fault fault;
  if (rule_count_ == 0) return fault;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (!concerns(entry.rule, kind, file_id, name) || !hits(entry, i, file_id)) continue;
    fault.latency += entry.rule.latency;
    if (entry.rule.bytes_per_second > 0) fault.bytes_per_second = entry.rule.bytes_per_second;
    ++taken_[action_name(entry.rule)];
    if (entry.rule.action == FaultAction::kNone) continue;
    fault.action = entry.rule.action;
    fault.rule = entry.rule;
    break;
  }
  return fault;
}

std::map<std::string, std::uint64_t> FaultBook::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

void FaultBook::set_quota_per_minute(std::uint64_t units) {
  const std::lock_guard lock(mutex_);
  quota_ = units;
  minute_begin_ = {};
}

bool FaultBook::spend(std::uint64_t units) {
  if (quota_ == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - minute_begin_ >= std::chrono::minutes(1)) {
    minute_begin_ = now;
    spent_ = 0;
  }
  if (spent_ + units > quota_) {
    ++taken_["quota"];
    return false;
  }
  spent_ += units;
  return true;
}

}  // namespace imgimport::emulator
