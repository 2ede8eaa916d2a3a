-- What became of events: KEYS one hash per event id, by source; ARGV[1] how long to keep them in ms, and then for each key
-- source and JSON.
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[2 * i], ARGV[2 * i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return #KEYS
