-- Ends an epoch whose head went back behind a place that it has given out: a part of a backup was restored under a
-- running Redis, or somebody removed keys. Nothing of the epoch may be given out twice. log-state.lua stands before this.
--
-- Redis refuses it on a replica, which may only lag: what this answers is what the log really has.
-- KEYS log, meta, newest and retracted of the audience. ARGV[1] run id, ARGV[2] and ARGV[3] the place: epoch and offset.
-- Returns epoch and head, or '0' and 0 for a log never written.

local log, meta, newest, retracted = unpack(KEYS)
local _, epoch, head, epochs = state_of(log, meta)
head = math.max(head, last_in(log))
if epoch and epoch == ARGV[2] and head < tonumber(ARGV[3]) then
  head, epoch = begin_epoch(log, meta, newest, retracted, epoch, head, epochs)
  redis.call('HSET', meta, 'head', head)
end
local log_ms = redis.call('PTTL', log)
if log_ms > redis.call('PTTL', meta) then redis.call('PEXPIRE', meta, log_ms) end
return { epoch or '0', head }
