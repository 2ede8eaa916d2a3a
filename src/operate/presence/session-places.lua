#!lua
-- Lets sessions in while fewer of their users' are connected to all nodes than may be. One that was let in counts until
-- it is among the user's sessions, from where presence removes it, or until its lease ends.
-- KEYS: for each session the user's sessions, and the sorted set of those that were let in, by when.
-- ARGV[1] the most sessions of a user, ARGV[2] ms of a lease, then the id of each session.
-- Returns for each 1, or 0 when there is no place for it.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, lease = tonumber(ARGV[1]), tonumber(ARGV[2])

local reply = {}
for i = 1, #KEYS, 2 do
  local sessions, admitted = KEYS[i], KEYS[i + 1]
  local session = ARGV[2 + (i + 1) / 2]
  redis.call('ZREMRANGEBYSCORE', admitted, '-inf', now - lease)
  local count = redis.call('HLEN', sessions)
  -- Each is looked at until it has begun, and then never again.
  if count < most then
    for _, other in ipairs(redis.call('ZRANGE', admitted, 0, -1)) do
      if redis.call('HEXISTS', sessions, other) == 1 then
        redis.call('ZREM', admitted, other)
      elseif other ~= session then
        count = count + 1
      end
    end
  end
  if count < most then
    redis.call('ZADD', admitted, now, session)
    redis.call('PEXPIRE', admitted, lease)
    reply[#reply + 1] = 1
  else
    reply[#reply + 1] = 0
  end
end
return reply
