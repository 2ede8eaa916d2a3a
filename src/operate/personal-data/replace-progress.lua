#!lua
-- Replaces how far an erasure has come, unless somebody else has done so meanwhile. KEYS[1]: the erasure.
-- ARGV: what it was or '' for nothing, what it is or '' for nothing, and ms that it is kept. Returns 1 when it is done.
local erasure = KEYS[1]
local before, after, kept = unpack(ARGV)
if (redis.call('GET', erasure) or '') ~= before then return 0 end
if after == '' then
  redis.call('DEL', erasure)
else
  redis.call('SET', erasure, after, 'PX', kept)
end
return 1
