-- Put jobs in: each at the tail of its queue, or among the scheduled when it is due later.
-- A job whose id is known already is left as it is, so that handing over twice counts once.
-- ARGV: by whom, then for each job: id, lane, due (epoch seconds, '' for now), message.
-- Returns how many were new.
local by, new = ARGV[1], 0
for i = 2, #ARGV, 4 do
  local id, lane, due, message = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if redis.call('EXISTS', 'job:' .. id) == 0 then
    new = new + 1
    redis.call('RPUSH', 'job:' .. id, message)
    redis.call('SADD', 'lanes', lane)
    if due ~= '' and tonumber(due) > now then
      redis.call('ZADD', 'scheduled', due, id)
      record(id, 'scheduled', by, due)
    else
      redis.call('LPUSH', 'queue:' .. lane, id)
      record(id, 'enqueued', by)
    end
  end
end
if new > 0 then
  redis.call('HINCRBY', 'counters', 'enqueued', new)
  ring()
end
return new
