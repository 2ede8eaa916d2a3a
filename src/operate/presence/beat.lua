#!lua
-- Records that a node is alive, and what its rooms hold. Redis' clock counts, because those of the nodes may differ.
-- KEYS[1] the nodes' last beats, KEYS[2] the node's rooms.
-- ARGV[1] node, ARGV[2] ms of silence after which it is dead, ARGV[3] ms for which a dead node stays known, ARGV[4] '1'
-- when all of its rooms follow; then audience and occupancy in turn, '' for a room that nobody is in.
-- Returns 1, or 0 when the node was not known to be alive or its rooms were not there.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) or 0
local is_known = now - last <= tonumber(ARGV[2]) and redis.call('EXISTS', KEYS[2]) == 1

redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
if ARGV[4] == '1' or not is_known then
  redis.call('DEL', KEYS[2])
end
-- No audience has this name: it keeps the hash of a node that hosts no room.
redis.call('HSET', KEYS[2], '#', '')
for i = 5, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return is_known and 1 or 0
