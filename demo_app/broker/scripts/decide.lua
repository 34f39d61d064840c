-- A person decides over a job that waits: run it now (to the tail of its queue), or discard it.
-- ARGV: id, what (retry, discard), by whom. Returns the state it was in, or '' when it is none of
-- scheduled, retrying, dead.
local id = ARGV[1]
for _, set in ipairs({'scheduled', 'retrying', 'dead'}) do
  if redis.call('ZREM', set, id) == 1 then
    if ARGV[2] == 'retry' then
      local lane = lane_of(redis.call('LINDEX', 'job:' .. id, 0))
      redis.call('LPUSH', 'queue:' .. lane, id)
      record(id, 'enqueued', ARGV[3], 'brought back from ' .. set)
      ring()
    else
      record(id, 'discarded', ARGV[3], 'from ' .. set)
      keep_history('discarded', id, redis.call('HINCRBY', 'counters', 'discarded', 1))
    end
    return set
  end
end
return ''
