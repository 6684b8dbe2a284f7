// What goes wrong, where and how often: rules that a test or a scenario file lays down.
//
// Thread-safe. Chance is seeded: the n-th request that a rule looks at always fares the same.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulators/drive/google_error.hpp"

namespace imgimport::emulator {

enum class RequestKind : std::uint8_t { kList = 1, kGet, kDownload, kToken, kOther };
std::string_view to_string(RequestKind kind) noexcept;

enum class FaultAction : std::uint8_t {
  kNone = 1,            // only the delays of the rule
  kReason,              // Google's error of this `reason`
  kStatus,              // `status` with an HTML page
  kHtml200,             // a page of Google's ("automated queries") with status 200
  kJson200,             // a quota error's JSON with status 200
  kTruncate,            // the connection closes after `at` bytes of the body
  kShortBody,           // a well-formed answer of only `at` bytes
  kReset,               // as kTruncate, broken off rudely
  kStall,               // nothing more after `at` bytes, while the connection stays
  kFlipByte,            // the file's byte at `at` is another one
  kWrongContent,        // other bytes of the same length, the same ones each time
  kDrop,                // the connection ends before an answer
  kExpirePageTokens,    // all page tokens given out so far are refused from now on
  kExpireAccessTokens,  // all access tokens given out so far are refused from now on, with this request
};

struct FaultRule {
  // Which requests. For a listing, id and name are those of the folder.
  std::optional<RequestKind> match;  // nullopt: any but the emulator's own
  std::string file_id;               // empty: any
  std::string name_glob;             // empty: any
  // When. All that is given must hold; counts are of matching requests, or of those per file.
  double probability = 1.0;
  std::uint64_t every = 0;  // each N-th
  std::uint64_t first = 0;  // only the first N (after `skip`)
  std::uint64_t skip = 0;
  bool per_file = false;
  // What.
  FaultAction action = FaultAction::kNone;
  std::string reason;
  int status = 0;  // instead of the reason's usual one
  std::optional<int> retry_after_seconds;
  std::uint64_t at = 0;
  std::chrono::milliseconds latency{0};
  std::uint64_t bytes_per_second = 0;  // of a download's body; 0 = as fast as it goes
};

// What befalls one request: at most one action; delays of all rules that hit add up.
struct Fault {
  FaultAction action = FaultAction::kNone;
  FaultRule rule;  // of the action
  std::chrono::milliseconds latency{0};
  std::uint64_t bytes_per_second = 0;
};

class FaultBook {
 public:
  explicit FaultBook(std::uint64_t seed = 1);

  void add(FaultRule rule);
  // Shorthand for the commonest rule: a share of these requests fails for this reason.
  void fail(RequestKind kind, std::string reason, double probability);
  void clear();
  std::size_t rules() const;

  Fault decide(RequestKind kind, std::string_view file_id, std::string_view name);
  // How often each action was taken, by its name ("userRateLimitExceeded", "truncate", …).
  std::map<std::string, std::uint64_t> taken() const;

  // Beyond this many units in a minute, requests get 403 userRateLimitExceeded. 0 = no limit.
  void set_quota_per_minute(std::uint64_t units);
  // false: the minute's quota is used up.
  bool spend(std::uint64_t units);

 private:
  struct Entry {
    FaultRule rule;
    std::uint64_t seen = 0;
    std::map<std::string, std::uint64_t, std::less<>> seen_by_file;
  };
  bool hits(Entry& entry, std::size_t number, std::string_view file_id) const;

  const std::uint64_t seed_;
  std::atomic<std::size_t> rule_count_{0};
  std::atomic<std::uint64_t> quota_{0};
  mutable std::mutex mutex_;  // guards everything below
  std::vector<Entry> entries_;
  std::map<std::string, std::uint64_t> taken_;
  std::chrono::steady_clock::time_point minute_begin_{};
  std::uint64_t spent_ = 0;
};

// The name by which scenarios and counters call an action; the reason itself for kReason.
std::string action_name(const FaultRule& rule);

}  // namespace imgimport::emulator
