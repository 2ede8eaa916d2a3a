#!lua flags=no-writes
-- The newest entries of a log without their data or bytes, so that counting does not carry megabytes: see envelopeIn.
-- KEYS[1] the log; ARGV the ids of the first and the last, and how many at most. Returns one JSON array with five values
-- per entry, newest first: offset, epoch, when it was appended, when it expires or 0, and the envelope. One text,
-- because a client takes longer over the number of replies than over their bytes.

local rows = redis.call('XREVRANGE', KEYS[1], ARGV[2], ARGV[1], 'COUNT', ARGV[3])
local values = {}
for i, row in ipairs(rows) do
  local fields = row[2]
  local json, expires = fields[2], fields[8]
  local data = string.find(json, ',"data', 1, true)
  if data then json = string.sub(json, 1, data - 1) .. '}' end
  if not expires or expires == '' then expires = '0' end
  values[i] = string.match(row[1], '^%d+') .. ',"' .. fields[4] .. '",' .. fields[6] .. ',' .. expires .. ',' .. json
end
return '[' .. table.concat(values, ',') .. ']'
