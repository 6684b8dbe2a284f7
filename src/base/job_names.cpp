#include <array>

#include "imgimport/job.hpp"

namespace imgimport {
namespace {

constexpr std::array<std::string_view, 6> kJobStatusNames = {"",          "listing", "processing",
                                                             "completed", "failed",  "cancelled"};
constexpr std::array<std::string_view, 9> kItemStateNames = {
    "", "pending", "imported", "skipped", "deduplicated", "failed", "deferred", "cancelled", "ignored"};

}  // namespace

bool has_ended(JobStatus status) noexcept {
  return status != JobStatus::kListing && status != JobStatus::kProcessing;
}

std::string_view to_string(JobStatus status) noexcept {
  return kJobStatusNames[static_cast<std::size_t>(status)];
}

std::string_view to_string(ItemState state) noexcept {
  return kItemStateNames[static_cast<std::size_t>(state)];
}

std::optional<ItemState> item_state_from_string(std::string_view name) noexcept {
  for (std::size_t i = 1; i < kItemStateNames.size(); ++i) {
    if (kItemStateNames[i] == name) return static_cast<ItemState>(i);
  }
  return std::nullopt;
}

}  // namespace imgimport
