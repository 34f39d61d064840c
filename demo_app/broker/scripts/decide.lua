-- A person decides over a job that waits: run it now (to the tail of its queue), or discard it.
-- ARGV: id, what (retry, discard), by whom. Returns the state it was in, or '' when it is none of
-- scheduled, retrying, dead.
local id = ARGV[1]
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  if redis.call('ZREM', set_key(state), id) == 1 then
    if ARGV[2] == 'retry' then
      local lane = lane_of(redis.call('LINDEX', job_key(id), 0))
      redis.call('LPUSH', queue_key(lane), id)
      record(id, 'enqueued', ARGV[3], 'brought back from ' .. state)
      notify()
    else
      end_job('discarded', id, ARGV[3], 'from ' .. state)
    end
    return state
  end
end
return ''
