#!lua flags=allow-oom
-- The marks of users, who are here: they are kept from now on. It runs when memory is full, too: nothing grows.
-- KEYS the marks; ARGV[1] ms that they are kept. Returns for each what HGETALL does.

local loaded = {}
for i, marks in ipairs(KEYS) do
  loaded[i] = redis.call('HGETALL', marks)
  if #loaded[i] > 0 then redis.call('PEXPIRE', marks, ARGV[1]) end
end
return loaded
