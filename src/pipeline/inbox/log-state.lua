#!lua
-- The line above makes Redis refuse the whole script beforehand when it is out of memory, read-only or cannot save;
-- without it, it may begin to write and then cannot be stopped.
--
-- What append.lua and fence.lua have in common; it stands before each of them. ARGV[1] is the run id of the process that
-- serves this.
--
-- An epoch is one reign of one process over a log: nobody else ever gives out its offsets, so that epoch and offset
-- name one notification and no other. `run` tells the process. `replid` tells its reign, since a process that is followed
-- and promoted again keeps its run id: Redis takes another replication id with every promotion. It is read here and not
-- when the connection is made, because demotion and promotion leave connections as they are.

local run_id = ARGV[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

-- A part of it tells as much, in less memory. Where a service hides it, the run id alone has to do.
local info = redis.call('INFO', 'replication')
local replid_at = string.find(info, 'master_replid:', 1, true)
local replid = replid_at and string.sub(info, replid_at + 14, replid_at + 29) or ''

-- The last offset that the log itself knows of, also when its newest entries are gone; 0 without a log.
local function last_in(log)
  local reply = redis.pcall('XINFO', 'STREAM', log)
  for i = 1, #reply, 2 do
    if reply[i] == 'last-generated-id' then return tonumber(string.match(reply[i + 1], '^%d+')) end
  end
  return 0
end

-- Whether this reign began the log's epoch, the epoch, the head, and where each epoch began: `b:16,a:1`, newest first.
local function state_of(log, meta)
  local state = redis.call('HMGET', meta, 'run', 'replid', 'epoch', 'head', 'epochs')
  local epoch, head, epochs = state[3] or nil, tonumber(state[4]), state[5] or nil
  if head then return state[1] == run_id and state[2] == replid, epoch, head, epochs end
  -- The counter is gone, or there was none: the log tells how far it came, and an epoch before it, what its last is of.
  head = last_in(log)
  local newest = not epoch and redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if newest then
    epoch = newest[2][4]
    epochs = epoch .. ':' .. string.match(newest[1], '^%d+')
    redis.call('HSET', meta, 'epoch', epoch, 'epochs', epochs)
  end
  return false, epoch, head, epochs
end

-- Begins an epoch behind the head; gives the head, the epoch, and where each began. The epoch before and the time go into
-- its name, so that it never returns.
local function begin_epoch(log, meta, newest, retracted, epoch, head, epochs)
  -- Of a counter and a log that do not fit the one that came further is right.
  head = math.max(head, last_in(log))
  local first = string.format('%d', head + 1)
  epoch = string.sub(redis.sha1hex(run_id .. replid .. (epoch or '') .. time[1] .. time[2]), 1, 8)
  epochs = string.sub(epoch .. ':' .. first .. (epochs and ',' .. epochs or ''), 1, 400)
  redis.call('HSET', meta, 'run', run_id, 'replid', replid, 'epoch', epoch, 'epochs', epochs)
  -- Places that no entry has any more would hide those that come to stand there.
  redis.call('ZREMRANGEBYSCORE', newest, first, '+inf')
  redis.call('ZREMRANGEBYSCORE', retracted, first, '+inf')
  return head, epoch, epochs
end
