// The list of garbage (metadata/garbage.hpp says how it works) on a server. All of it is done with the place locked.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "imgimport/ids.hpp"
#include "metadata/discard.hpp"
#include "metadata/garbage.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport::sql {

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
