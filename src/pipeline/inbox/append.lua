-- Appends entries to audiences' logs and publishes each to its audience's room, in one atomic step: two consumers can
-- never publish offset 8 before 7, and a repeat is recognised where it would be written. log-state.lua stands before this.
--
-- KEYS per audience: log, meta, newest (place of the newest entry per collapse key), retracted (place of the
-- retraction per event), then one `once` key per entry; all of an audience share its hash tag.
-- ARGV[1] run id of the node that serves this; then per audience: channel of the room, and
-- '<most entries kept> <longest age in ms> <dedupe window in ms> <number of entries>'; per entry: head and tail of the
-- notification's JSON, flags, and which of these follow, a letter each: x expiry in ms since 1970, c the collapse key,
-- t the identity of the event that this one takes back, r the route that led here.
-- A `once` key holds '<offset> <route>' and, when it was published, behind that ' <gateways reached> <epoch>'.
-- Returns a line per audience: '<epoch>', then per entry ' <offset> <1 for a repeat or else 0> <gateways reached>'.
-- Few arguments and one text as the answer, because the caller's library takes longer over their number than over
-- their bytes.

-- The offset in a `once` key, if the log went on from there. A place behind where any later epoch began was lost: its
-- event is none that the log has.
local function kept_place(once, log, head, epochs)
  local offset = string.match(once, '^%d+')
  local last = head
  -- Those of the version before tell no epoch.
  local epoch = string.match(once, ' %d+ (%x%x%x%x%x%x%x%x)$')
  if epoch then
    local at = string.find(epochs or '', epoch .. ':', 1, true)
    if not at then
      -- Too long ago to be told, or the record is gone.
      local entry = redis.call('XRANGE', log, offset .. '-0', offset .. '-0')[1]
      return entry and entry[2][4] == epoch and offset or nil
    end
    for first in string.gmatch(string.sub(epochs, 1, at - 1), ':(%d+),') do
      last = math.min(last, first - 1)
    end
  end
  return tonumber(offset) <= last and offset or nil
end

-- `key` is where the audience's keys begin in KEYS, `arg` where its values begin in ARGV. Returns its line, and where
-- those of the next audience begin.
local function append(key, arg)
  local log, meta, newest, retracted = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local channel = ARGV[arg]
  local limits = {}
  for number in string.gmatch(ARGV[arg + 1], '%d+') do
    limits[#limits + 1] = tonumber(number)
  end
  local max_length, max_age_ms, dedupe_ms, count = unpack(limits)
  arg = arg + 2

  local is_known, epoch, head, epochs = state_of(log, meta)

  -- Places by name: `place` sorts, so that what is older than the log can be cut off with it.
  local function remember(places, name, place)
    redis.call('ZADD', places, place, name)
    redis.call('ZREMRANGEBYSCORE', places, '-inf', place - max_length)
    redis.call('PEXPIRE', places, max_age_ms)
  end

  local at = string.format(',"at":%d', now_ms)

  -- The JSON as it is published; nothing when the log came further than its counter knows.
  local function write(json_head, json_tail, expires)
    local offset = string.format('%d', head + 1)
    local json = json_head .. epoch .. '","offset":' .. offset .. at .. json_tail
    local written = redis.pcall('XADD', log, 'MAXLEN', '=', max_length, offset .. '-0',
      'n', json, 'e', epoch, 'at', now_ms, 'x', expires)
    if written.err == nil then return json end
    if head >= last_in(log) then error(written) end
    return nil
  end

  local line = {}
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
    local place = first and kept_place(first, log, head, epochs)
    if place then
      line[#line + 1] = place .. ' 1 0'
    else
      -- Another reign, or a new log: writes may have been lost, and offsets may come again.
      if not is_known then
        head, epoch, epochs = begin_epoch(log, meta, newest, retracted, epoch, head, epochs)
        is_known = true
      end
      local json = write(json_head, json_tail, option.x or '')
      if not json then
        head, epoch, epochs = begin_epoch(log, meta, newest, retracted, epoch, head, epochs)
        json = write(json_head, json_tail, option.x or '')
      end
      head = head + 1
      local offset = string.format('%d', head)
      redis.call('SET', once, offset .. ' ' .. (option.r or ''), 'PX', dedupe_ms)
      if option.c then remember(newest, option.c, head) end
      if option.t then remember(retracted, option.t, head) end
      local header = 'C1 ' .. epoch .. ' ' .. offset .. ' ' .. flags .. '\n'
      local gateways = redis.call('SPUBLISH', channel, header .. '42["notification",' .. json .. ']')
      redis.call('APPEND', once, ' ' .. gateways .. ' ' .. epoch)
      line[#line + 1] = offset .. ' 0 ' .. gateways
    end
  end

  redis.call('HSET', meta, 'head', head)
  redis.call('PEXPIRE', log, max_age_ms)
  -- The counter outlives the log by the dedupe window, so that a repeat is never answered from another incarnation.
  redis.call('PEXPIRE', meta, max_age_ms + dedupe_ms)

  -- Entries past their age go from the old end; bounded, so that one append never pays for a long silence.
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
