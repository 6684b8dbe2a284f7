// The list of garbage (metadata/garbage.hpp says how it works) in SQLite.
#pragma once

#include <cstdint>
#include <optional>

#include "db/connection.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "metadata/discard.hpp"
#include "metadata/garbage.hpp"

namespace imgimport {

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

void take_off_list(db::Connection& connection, std::int64_t place, const ObjectKey& key);

// Writes down that the object was removed just now.
void remember_gone(db::Connection& connection, std::int64_t place, const ObjectKey& key, Timestamp now);

}  // namespace imgimport
