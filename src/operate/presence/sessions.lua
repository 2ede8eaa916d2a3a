#!lua
-- Writes changes of sessions in order: each is there, or has left and becomes a device, or has left without a trace.
-- KEYS: for each change the user's sessions and the user's devices.
-- ARGV[1] ms for which both are kept, ARGV[2] the most devices of a user, then for each change: the session, its JSON or '' when
-- it is gone, and then the device's field and JSON; both are '' when it leaves no trace.
-- Returns for each change how many sessions the user then has.

local kept, most = ARGV[1], tonumber(ARGV[2])

-- Keeps the newest half of what is allowed. If it kept all that is allowed, every later departure would run it again.
local function forget(devices)
  local left = {}
  local all = redis.call('HGETALL', devices)
  for i = 1, #all, 2 do
    left[#left + 1] = { all[i], cjson.decode(all[i + 1]).disconnectedAt }
  end
  table.sort(left, function(a, b) return a[2] < b[2] end)
  for i = 1, #left - most / 2 do
    redis.call('HDEL', devices, left[i][1])
  end
end

local reply = {}
for i = 1, #KEYS, 2 do
  local sessions, devices = KEYS[i], KEYS[i + 1]
  local at = 3 + (i - 1) * 2
  local session, present, field, device = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if present ~= '' then
    redis.call('HSET', sessions, session, present)
    redis.call('PEXPIRE', sessions, kept)
  else
    redis.call('HDEL', sessions, session)
    if field ~= '' then
      redis.call('HSET', devices, field, device)
      redis.call('PEXPIRE', devices, kept)
      if redis.call('HLEN', devices) > most then
        forget(devices)
      end
    end
  end
  reply[#reply + 1] = redis.call('HLEN', sessions)
end
return reply
