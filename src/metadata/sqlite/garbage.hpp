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

#include <cstdint>
#include <optional>

#include "db/connection.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "metadata/discard.hpp"

namespace imgimport {

enum class GarbageState : std::uint8_t { kWaiting = 0, kBeingRemoved = 1, kGone = 2 };

// Whether a live record that shares its object, other than `except` (its row, 0 = none), needs this one. Records that
// share nothing are not looked at: the only one that could need the key is that of the Drive id it was uploaded for.
bool is_key_shared(db::Connection& connection, std::int64_t place, const ObjectKey& key, std::int64_t except);

// Puts the key on the list unless a live record shares it. REQUIRES: the record of the Drive id that the key was
// uploaded for does not hold it (any more)
void discard_key(db::Connection& connection, std::int64_t place, const ObjectKey& key, Discard why, Timestamp now);

// The same for all pending items in batches of the job that have been begun, each at the place where it was; from now
// on they count as not begun. Those whose record holds the key are left alone, and those that share it as they are
// claimed.
void discard_begun(db::Connection& connection, std::int64_t job, Discard why, Timestamp now);

// Whether a commit of an item of `batch` (nullopt: it was written back meanwhile) onto the key must be refused.
struct GarbageEntry {
  GarbageState state = GarbageState::kWaiting;
  std::int64_t after_batch = 0;
  bool refuses(std::optional<std::int64_t> batch) const {
    return state == GarbageState::kBeingRemoved || (after_batch > 0 && batch.value_or(0) <= after_batch);
  }
};

void take_off_list(db::Connection& connection, std::int64_t place, const ObjectKey& key);

// Writes down that the object was removed just now.
void remember_gone(db::Connection& connection, std::int64_t place, const ObjectKey& key, Timestamp now);

}  // namespace imgimport
