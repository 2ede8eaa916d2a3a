#!lua
-- Saves a user's marks unless they were saved by somebody else meanwhile, and tells the user's devices, in one step.
-- KEYS[1] the marks: a hash of one field per audience, and the version in field '#'.
-- ARGV[1] the version that was loaded, ARGV[2] ms that marks are kept, ARGV[3] channel of the user's room,
-- ARGV[4] message or '', then field and value in turn.
-- Returns 1 when saved, 0 when another version is there.

local marks = KEYS[1]
if (redis.call('HGET', marks, '#') or '0') ~= ARGV[1] then
  return 0
end
for i = 5, #ARGV, 2 do
  redis.call('HSET', marks, ARGV[i], ARGV[i + 1])
end
redis.call('HINCRBY', marks, '#', 1)
redis.call('PEXPIRE', marks, ARGV[2])
if ARGV[4] ~= '' then
  redis.call('SPUBLISH', ARGV[3], ARGV[4])
end
return 1
