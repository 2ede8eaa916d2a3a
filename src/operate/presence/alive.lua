#!lua flags=no-writes
-- Reads which nodes are alive, and when each last beat, by Redis' clock.
-- KEYS[1] the nodes' last beats. ARGV[1] ms of silence after which a node is dead, then the nodes in question.
-- Returns ms now, the living nodes, and the last beat of each node in question, 0 for one that is not known.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local beats = {}
for i = 2, #ARGV do
  beats[#beats + 1] = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i])) or 0
end
return { now, redis.call('ZRANGE', KEYS[1], now - tonumber(ARGV[1]), '+inf', 'BYSCORE'), beats }
