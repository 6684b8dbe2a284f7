// The list of garbage: objects without a record, to be removed. A key goes through three states: waiting → being
// removed (claim_garbage gave it out) → gone (forgotten by whoever removed it). A commit onto a waiting key takes it
// off the list; onto one being removed it is refused, and the item goes back. A key that is gone stays on the list for
// an hour, with the last batch id of that moment: an item of such an early batch may have uploaded its object before
// the removal, so that its commit is refused as well; an item of a later batch uploaded after it.
//
// A waiting key is given out from the time in `since` on (Discard says when that is). One that is to be removed once
// more (`again`) waits anew instead of being gone.
//
// All of it is done with the place locked.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "imgimport/ids.hpp"
#include "metadata/discard.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport::sql {

enum class GarbageState : std::uint8_t { kWaiting = 0, kBeingRemoved = 1, kGone = 2 };

struct GarbageEntry {
  GarbageState state = GarbageState::kWaiting;
  std::int64_t after_batch = 0;
  // Whether a commit of an item of `batch` (nullopt: it was written back meanwhile) onto the key must be refused.
  bool refuses(std::optional<std::int64_t> batch) const {
    return state == GarbageState::kBeingRemoved || (after_batch > 0 && batch.value_or(0) <= after_batch);
  }
};

// Of these keys, those that a live record needs which shares its object, other than `except` (its row, 0 = none).
// Records that share nothing are not looked at: the only one that could need a key is that of the Drive id it was
// uploaded for.
std::set<ObjectKey> shared_keys(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys,
                                std::int64_t except = 0);

// Puts those keys on the list that no live record shares. REQUIRES: the record of the Drive id that a key was uploaded
// for does not hold it (any more)
void discard_keys(const Work& work, std::int64_t place, std::set<ObjectKey> keys, Discard why);

// Where batches of the job have been begun.
std::set<std::int64_t> begun_places(const Work& work, std::int64_t job);
// Puts the keys of all pending items in such batches on the list of that place, but those that their record holds; from
// now on they count as not begun. REQUIRES: the job is locked, and no place behind the first of begun_places(): this
// locks them
void discard_begun(const Work& work, std::int64_t job, Discard why);

void take_off_list(const Work& work, std::int64_t place, const std::set<ObjectKey>& keys);

// Documents of keys, for the statements that take them.
std::string key_rows(std::int64_t place, const std::set<ObjectKey>& keys);

}  // namespace imgimport::sql
