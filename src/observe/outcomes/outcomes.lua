-- Keeps outcomes of events. KEYS: one hash per event id, by source. ARGV[1]: how long to keep them, in ms. ARGV[2]:
-- for each key a line '<source> <outcome>'. Neither contains a newline, and the source contains no space.
local at = 0
for line in string.gmatch(ARGV[2], '[^\n]+') do
  at = at + 1
  local source, settled = string.match(line, '^([^ ]+) (.*)$')
  redis.call('HSET', KEYS[at], source, settled)
  redis.call('PEXPIRE', KEYS[at], ARGV[1])
end
return at
