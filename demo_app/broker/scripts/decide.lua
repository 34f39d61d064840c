-- A person decides over a job that waits: run it now (to the tail of its queue), discard it, or
-- forget it, since it is safe in another queue. `delete` discards one that is queued, too.
-- ARGV: id, what (retry, discard, delete, moved), by whom. Returns the state it was in, or '' when it is none of
-- these.
local id = ARGV[1]
local lane = ARGV[2] == 'delete' and lane_of(id)
if lane and redis.call('LREM', queue_key(lane), -1, id) == 1 then
  end_job('discarded', id, ARGV[3], 'from queued')
  return 'queued'
end
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  if redis.call('ZREM', set_key(state), id) == 1 then
    if ARGV[2] == 'retry' then
      release(id, ARGV[3], 'brought back from ' .. state)
    elseif ARGV[2] == 'moved' then
      forget(id, ARGV[3], 'moved')
    else
      end_job('discarded', id, ARGV[3], 'from ' .. state)
    end
    return state
  end
end
return ''
