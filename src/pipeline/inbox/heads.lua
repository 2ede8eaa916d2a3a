#!lua flags=no-writes
-- The last place of each log, in one call: a gateway asks for those of all its rooms every few seconds.
-- KEYS the meta keys. Returns epoch and head in turn, or '0' and 0 for a log never written.

local reply = {}
for i = 1, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 'epoch', 'head')
  local epoch, head = state[1] or '0', tonumber(state[2])
  if not head then
    -- Never written, or its counter is gone: then the next append goes on behind the log's end.
    local newest = redis.call('XREVRANGE', string.gsub(KEYS[i], 'meta$', 'log'), '+', '-', 'COUNT', 1)[1]
    head = newest and tonumber(string.match(newest[1], '^%d+')) or 0
    epoch = state[1] or newest and newest[2][4] or '0'
  end
  reply[#reply + 1] = epoch
  reply[#reply + 1] = head
end
return reply
