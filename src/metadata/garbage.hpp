// How an object without a record comes to be removed, and why that never takes one that a record needs.
//
// A key on the list goes through three states: waiting → being removed (claim_garbage gave it out) → gone (forgotten by
// whoever removed it). A commit onto a waiting key takes it off the list; onto one being removed it is refused, and the
// item goes back. A key that is gone stays on the list for an hour, with the last batch id of that moment: an item of
// such an early batch may have uploaded its object before the removal, so that its commit is refused as well; an item
// of a later batch uploaded after it.
//
// A waiting key is given out from the time in `since` on (Discard says when that is). One that is to be removed once
// more (`again`) waits anew instead of being gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace imgimport {

enum class GarbageState : std::uint8_t { kWaiting = 0, kBeingRemoved = 1, kGone = 2 };

struct GarbageEntry {
  GarbageState state = GarbageState::kWaiting;
  std::int64_t after_batch = 0;
  // Whether a commit of an item of `batch` (nullopt: it was written back meanwhile) onto the key must be refused.
  bool refuses(std::optional<std::int64_t> batch) const {
    return state == GarbageState::kBeingRemoved || (after_batch > 0 && batch.value_or(0) <= after_batch);
  }
};

// How long a key that is gone stays on the list.
inline constexpr std::chrono::hours kRememberGone{1};
// How long an item waits whose key is being removed.
inline constexpr std::chrono::seconds kRemovalPause{2};

}  // namespace imgimport
