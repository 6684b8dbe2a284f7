// When a key on the list of garbage is removed, for all stores. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "metadata/values.hpp"

namespace imgimport {

// Why a key comes onto the list.
enum class Discard : std::uint8_t {
  kOrphaned = 1,  // its object is there, and no record needs it: at once
  // An upload may have been begun for an item that has ended, and nobody may be left to tell how it ended: the process
  // was killed, or gave up a request that the store carries out all the same. Removed after kAbandonedGrace, and once
  // more after kUploadLimit.
  kAbandoned,
  kInDoubt,  // the same of an item that goes on, and will take the key off the list: after kUploadLimit
};

// How long a store may still be at a request that nobody waits for any more. What a worker stores later than that is
// reported by it; should it be killed before, the second removal takes that.
inline constexpr std::chrono::minutes kAbandonedGrace{2};
// No upload of one object lasts so long: five gigabytes, the most that S3 takes in one, at 60 KB/s.
inline constexpr std::chrono::hours kUploadLimit{24};

// Column `again` of the list, as bits: what follows when a key's removal is over. 0: it is gone.
inline constexpr std::int64_t kAgainAtOnce = 1;
inline constexpr std::int64_t kAgainLater = 2;  // after kUploadLimit

// What a discard writes. A key that is being removed keeps its time, and is removed again: nobody knows whether the
// object came before or after.
struct DiscardColumns {
  std::int64_t since = 0;              // from when on a waiting key may be removed
  std::int64_t again = 0;              // added to those of a waiting key
  std::int64_t again_if_removing = 0;  // to those of one that is being removed
};
inline DiscardColumns discard_columns(Discard why, Timestamp now) noexcept {
  switch (why) {
    case Discard::kOrphaned:
      return {to_millis(now), 0, kAgainAtOnce};
    case Discard::kAbandoned:
      return {to_millis(now + kAbandonedGrace), kAgainLater, kAgainLater};
    case Discard::kInDoubt:
      break;
  }
  return {to_millis(now + kUploadLimit), 0, kAgainLater};
}

}  // namespace imgimport
