#!lua
-- Replaces an event's outcome, or removes it with what routes and sources gave. KEYS[1]: the outcomes of the event's id.
-- ARGV: the source, the field of what was given, the outcome as it was read, and the new one or '' for none.
-- Returns 1 when it is done, 0 when another outcome is there.
local outcomes = KEYS[1]
local source, given, read, rest = unpack(ARGV)
if redis.call('HGET', outcomes, source) ~= read then return 0 end
if rest == '' then
  redis.call('HDEL', outcomes, source, given)
else
  redis.call('HSET', outcomes, source, rest)
end
return 1
