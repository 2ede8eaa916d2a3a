#!lua flags=no-writes
-- The newest entries of a log without their data or bytes, so that counting does not carry megabytes: see envelopeIn.
-- KEYS[1] the log; ARGV the ids of the first and the last, and how many at most. Returns rows as XREVRANGE does.

local rows = redis.call('XREVRANGE', KEYS[1], ARGV[2], ARGV[1], 'COUNT', ARGV[3])
for _, row in ipairs(rows) do
  local json = row[2][2]
  local data = string.find(json, ',"data', 1, true)
  if data then row[2][2] = string.sub(json, 1, data - 1) .. '}' end
end
return rows
