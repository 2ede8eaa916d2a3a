#!lua flags=no-writes
-- The last place of each log, in one call: a gateway asks for those of all its rooms every few seconds.
-- KEYS the meta keys. Returns epoch and head in turn, or '0' and 0 for a log never written.

local reply = {}
for i = 1, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 'epoch', 'head')
  reply[#reply + 1] = state[1] or '0'
  reply[#reply + 1] = tonumber(state[2]) or 0
end
return reply
