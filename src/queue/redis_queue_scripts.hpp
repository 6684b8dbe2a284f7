// What RedisQueue has Redis do in one step each. Pure text.
#pragma once

#include "redis/client.hpp"

namespace imgimport::redis_queue {

// KEYS stream index epoch; ARGV group capacity max_length new_epoch, then job and batch of each. → how many fitted.
extern const RedisScript kPush;
// KEYS stream index dead; ARGV group consumer lease_ms max_deliveries look_around ("1" or "0").
// → {entry or false, {{job, batch, deliveries} of each that was put aside}, 1 where the entry was left by another}
extern const RedisScript kTake;
// KEYS stream; ARGV group consumer, then ids. → how many of them are still the consumer's.
extern const RedisScript kRenew;
// KEYS stream index; ARGV group, then id, job and batch of each.
extern const RedisScript kAck;
// KEYS stream index; ARGV group consumer, then id, job and batch of each: they wait again, behind the others; the
// consumer is taken off the group.
extern const RedisScript kFarewell;
// KEYS stream; ARGV group consumer lease_ms: what that consumer has may be claimed now, and if it has nothing, it is
// taken off the group.
extern const RedisScript kBury;
// KEYS stream epoch; ARGV group new_epoch seen_ms. → {waiting, leased, epoch, consumers seen within seen_ms}
extern const RedisScript kStats;

}  // namespace imgimport::redis_queue
