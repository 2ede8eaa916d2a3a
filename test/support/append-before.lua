#!lua
-- The append script of the version before this one, for a test in which consumers of both versions share a log.
--
-- The first line makes Redis refuse the whole script in advance when it is out of memory, read-only or cannot save.
-- Without it, the script may begin to write and then cannot be stopped.
--
-- Appends entries to audiences' logs and publishes each to its audience's room, in one atomic step: two consumers can
-- never publish offset 8 before 7, and a repeat is recognised where it would be written.
--
-- KEYS, per audience: log, meta, newest (place of the newest entry per collapse key), retracted (place of the
-- retraction per event), then one `once` key per entry. All keys of an audience share its hash tag.
-- ARGV[1]: run id of the node that runs this script. Then, per audience: the channel of the room, and '<most entries
-- kept> <longest age in ms> <dedupe window in ms> <number of entries>'. Then, per entry: head and tail of the
-- notification's JSON, flags, and one letter for each option that follows: x expiry in ms since 1970, c the collapse
-- key, t the identity of the event that this one retracts, r the route that gave the event this audience.
-- A `once` key holds '<offset> <route>', followed by ' <gateways reached>' if the notification was published.
-- Returns one line per audience: '<epoch>', then per entry ' <offset> <1 for a repeat or else 0> <gateways reached>'.
-- There are few arguments, and the answer is one text, because the caller's library takes longer over the number of
-- values than over their bytes.

local run_id = ARGV[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

-- `key` is the index in KEYS at which the audience's keys begin, `arg` the index in ARGV of its values. Returns the
-- audience's line, and both indexes for the next audience.
local function append(key, arg)
  local log, meta, newest, retracted = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local channel = ARGV[arg]
  local limits = {}
  for number in string.gmatch(ARGV[arg + 1], '%d+') do
    limits[#limits + 1] = tonumber(number)
  end
  local max_length, max_age_ms, dedupe_ms, count = unpack(limits)
  arg = arg + 2

  local state = redis.call('HMGET', meta, 'run', 'epoch', 'head', 'epochs')
  local epoch, head, epochs = state[2], tonumber(state[3]), state[4]
  if not head then
    -- The counter is gone. A log that was left behind would refuse the offsets, which start again at 1.
    redis.call('DEL', log, newest, retracted)
    head = 0
  end

  -- Maps names to places. The set is sorted by place, so that everything older than the log can be cut off with it.
  local function remember(places, name, place)
    redis.call('ZADD', places, place, name)
    redis.call('ZREMRANGEBYSCORE', places, '-inf', place - max_length)
    redis.call('PEXPIRE', places, max_age_ms)
  end

  local line = {}
  local is_known = state[1] == run_id
  for i = 1, count do
    local json_head, json_tail, flags, given = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3]
    arg = arg + 4
    local option = {}
    for letter in string.gmatch(given, '.') do
      option[letter] = ARGV[arg]
      arg = arg + 1
    end
    local once = KEYS[key + 3 + i]
    local first = redis.call('GET', once)
    if first then
      line[#line + 1] = string.match(first, '^%d+') .. ' 1 0'
    else
      head = head + 1
      local offset = string.format('%d', head)
      if not is_known then
        -- Another process serves the log, or the log is new: writes may have been lost, and offsets may come again. The
        -- new epoch is a hash of the run id, the last epoch and the time, so that it never returns, even when a node
        -- becomes primary again. `epochs` keeps where each epoch began, newest first.
        is_known = true
        epoch = string.sub(redis.sha1hex(run_id .. (epoch or '') .. time[1] .. time[2]), 1, 8)
        epochs = string.sub(epoch .. ':' .. offset .. (epochs and ',' .. epochs or ''), 1, 400)
        redis.call('HSET', meta, 'run', run_id, 'epoch', epoch, 'epochs', epochs)
      end
      local json = json_head .. epoch .. '","offset":' .. offset .. json_tail
      redis.call('XADD', log, 'MAXLEN', '=', max_length, offset .. '-0',
        'n', json, 'e', epoch, 'at', now_ms, 'x', option.x or '')
      redis.call('SET', once, offset .. ' ' .. (option.r or ''), 'PX', dedupe_ms)
      if option.c then remember(newest, option.c, head) end
      if option.t then remember(retracted, option.t, head) end
      local header = 'C1 ' .. epoch .. ' ' .. offset .. ' ' .. flags .. '\n'
      local gateways = redis.call('SPUBLISH', channel, header .. '42["notification",' .. json .. ']')
      redis.call('APPEND', once, ' ' .. gateways)
      line[#line + 1] = offset .. ' 0 ' .. gateways
    end
  end

  redis.call('HSET', meta, 'head', head)
  redis.call('PEXPIRE', log, max_age_ms)
  -- The counter outlives the log by the dedupe window, so that a repeat is never answered from another incarnation.
  redis.call('PEXPIRE', meta, max_age_ms + dedupe_ms)

  -- Removes entries past their age from the old end. The number is bounded, so that no single append pays for a long
  -- silence.
  for _ = 1, 100 do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if not oldest or now_ms - tonumber(oldest[2][6]) < max_age_ms then
      break
    end
    redis.call('XDEL', log, oldest[1])
  end
  return (epoch or '0') .. ' ' .. table.concat(line, ' '), key + 4 + count, arg
end

local lines = {}
local key, arg = 1, 2
while ARGV[arg] do
  lines[#lines + 1], key, arg = append(key, arg)
end
return table.concat(lines, '\n')
