-- Put jobs in: each at the tail of its queue, or among the scheduled when it is due later.
-- A job whose id is known already is left as it is, so that handing over twice counts once.
-- ARGV: by whom, then for each job: id, lane, due (epoch seconds, '' for now), message.
-- Returns how many were new.
local by, new = ARGV[1], 0
local at_once = event_text('enqueued', by)
for i = 2, #ARGV, 4 do
  local id, lane, due, message = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local job, later = 'job:' .. id, due ~= '' and tonumber(due) > now
  local event = later and event_text('scheduled', by, due) or at_once
  if redis.call('RPUSH', job, message, event) > 2 then
    redis.call('RPOP', job, 2)  -- it was known
  elseif later then
    new = new + 1
    redis.call('ZADD', 'scheduled', due, id)
    redis.call('SADD', 'lanes', lane)
    journal(id, 'scheduled', by, due)
  else
    new = new + 1
    -- only a list that was empty can be one that nobody has heard of
    if redis.call('LPUSH', 'queue:' .. lane, id) == 1 then redis.call('SADD', 'lanes', lane) end
    journal(id, 'enqueued', by)
  end
end
if new > 0 then
  redis.call('HINCRBY', 'counters', 'enqueued', new)
  ring()
end
return new
