#include "queue/redis_queue_scripts.hpp"

namespace imgimport::redis_queue {

// An index entry whose stream entry is gone (trimmed, or the stream was deleted by hand) does not count. XADD's own
// MAXLEN is a second fence: waiting entries are bounded by the capacity, leased ones by what the workers hold.
const RedisScript kPush{R"lua(
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if pending.err then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
  pending = {0}
end
redis.call('SET', KEYS[3], ARGV[4], 'NX')
local room = tonumber(ARGV[2]) - math.max(0, redis.call('XLEN', KEYS[1]) - pending[1])
local fitted = 0
for i = 5, #ARGV, 2 do
  local member = ARGV[i] .. '/' .. ARGV[i + 1]
  local id = redis.call('HGET', KEYS[2], member)
  -- A stream that was lost and begun anew within a millisecond gives the same ids to other batches.
  local entry = id and redis.call('XRANGE', KEYS[1], id, id)[1]
  if not entry or entry[2][2] ~= ARGV[i] or entry[2][4] ~= ARGV[i + 1] then
    if room <= 0 then break end
    id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'job', ARGV[i], 'batch', ARGV[i + 1])
    redis.call('HSET', KEYS[2], member, id)
    room = room - 1
  end
  fitted = fitted + 1
end
return fitted
)lua"};

// What was abandoned comes before what is new. XAUTOCLAIM answers {next cursor, entries} and, from Redis 7, the ids
// that it dropped because their entries are gone; before that it answers such an entry as nil.
const RedisScript kTake{R"lua(
local group, consumer, lease, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local aside = {}
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), consumer)
if redis.pcall('XPENDING', KEYS[1], group).err then
  redis.call('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM')
end
local cursor = ARGV[5] == '1' and '0-0' or false
while cursor do
  local claimed = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, lease, cursor, 'COUNT', 1)
  cursor = claimed[1]
  if cursor == '0-0' then cursor = false end
  local entry = claimed[2][1]
  if entry and entry[2] then
    local about = redis.call('XPENDING', KEYS[1], group, entry[1], entry[1], 1)[1]
    if not about or about[4] <= most then return {entry, aside, 1} end
    local job, batch = entry[2][2], entry[2][4]
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'job', job, 'batch', batch, 'deliveries', about[4] - 1)
    redis.call('XACK', KEYS[1], group, entry[1])
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HDEL', KEYS[2], job .. '/' .. batch)
    aside[#aside + 1] = {job, batch, about[4] - 1}
  end
end
local fresh = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', KEYS[1], '>')
return {fresh and fresh[1][2][1] or false, aside, 0}
)lua"};

// XCLAIM by itself would take the entry from whomever it was given to meanwhile.
const RedisScript kRenew{R"lua(
local kept = 0
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
for i = 3, #ARGV do
  local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if not mine.err and #mine > 0 then
    kept = kept + #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return kept
)lua"};

const RedisScript kAck{R"lua(
for i = 2, #ARGV, 3 do
  local member = ARGV[i + 1] .. '/' .. ARGV[i + 2]
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  redis.call('XDEL', KEYS[1], ARGV[i])
  if redis.call('HGET', KEYS[2], member) == ARGV[i] then redis.call('HDEL', KEYS[2], member) end
end
)lua"};

const RedisScript kFarewell{R"lua(
redis.call('ZREM', KEYS[3], ARGV[2])
for i = 3, #ARGV, 3 do
  local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if not mine.err and #mine > 0 then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
      local id = redis.call('XADD', KEYS[1], '*', 'job', ARGV[i + 1], 'batch', ARGV[i + 2])
      redis.call('HSET', KEYS[2], ARGV[i + 1] .. '/' .. ARGV[i + 2], id)
    end
  end
end
local left = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if not left.err and #left == 0 then redis.pcall('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
)lua"};

// Claimed from itself with a made-up idle time, for that keeps the count of deliveries.
const RedisScript kBury{R"lua(
redis.call('ZREM', KEYS[2], ARGV[2])
local left = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])
if left.err then return end
if #left == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
for _, one in ipairs(left) do
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, one[1], 'IDLE', ARGV[3], 'JUSTID')
end
)lua"};

const RedisScript kStats{R"lua(
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
local leased = pending.err and 0 or pending[1]
redis.call('SET', KEYS[2], ARGV[2], 'NX')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3])
return {math.max(0, redis.call('XLEN', KEYS[1]) - leased), leased, redis.call('GET', KEYS[2]), redis.call('ZCARD', KEYS[3])}
)lua"};

}  // namespace imgimport::redis_queue
