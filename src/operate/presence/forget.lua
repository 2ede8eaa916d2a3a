#!lua
-- Moves the sessions of dead nodes to the user's devices, except those that were written again meanwhile.
-- KEYS[1] the user's sessions, KEYS[2] the user's devices.
-- ARGV[1] ms for which both are kept, then for each session: its name, its JSON as it was read, the device's field and JSON.

for i = 2, #ARGV, 4 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i + 2], ARGV[i + 3])
    redis.call('PEXPIRE', KEYS[2], ARGV[1])
  end
end
