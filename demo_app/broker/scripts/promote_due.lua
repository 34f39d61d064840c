-- Move due jobs, scheduled or retrying, to the tails of their queues.
-- ARGV: worker, limit (maximum number of jobs to move from each of the two states).
-- Returns {number of moved jobs, seconds until the next job is due ('' for none)}.
local moved, soonest = 0, math.huge
follow_clock()
for _, state in ipairs({'scheduled', 'retrying'}) do
  local key = set_key(state)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now_text, 'LIMIT', 0, ARGV[2])) do  -- keeps: not-early
    redis.call('ZREM', key, id)
    release(id, ARGV[1], 'it was due')
    moved = moved + 1
  end
  local due = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  soonest = math.min(soonest, tonumber(due or math.huge) - now)
end
return {moved, soonest < math.huge and tostring(soonest) or ''}
