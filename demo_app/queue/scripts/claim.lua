-- Take the next job: from the head of the first queue that has one, into the worker's claims.
-- ARGV: worker, then its lanes, most urgent first.
-- Returns {id, lane, message}; or {where the wake stream stands} when there is nothing to do.
local worker = ARGV[1]
if redis.call('SISMEMBER', 'workers', worker) == 0 then
  return redis.error_reply('LEASELOST ' .. worker .. ' was taken for dead; its jobs went to others')
end
-- A job whose workers died twice is a suspect: it runs alone.
local suspects = redis.call('EXISTS', 'suspects') == 1
local function must_wait(id)
  local holding = 0
  for i = 2, #ARGV do
    for _, held in ipairs(redis.call('LRANGE', 'claims:' .. ARGV[i] .. ':' .. worker, 0, -1)) do
      holding = holding + 1
      if redis.call('SISMEMBER', 'suspects', held) == 1 then return true end
    end
  end
  return holding > 0 and redis.call('SISMEMBER', 'suspects', id) == 1
end
-- A quiet worker ends what it has and takes nothing new.
for i = 2, redis.call('SISMEMBER', 'quiet', worker) == 1 and 1 or #ARGV do
  local lane = ARGV[i]
  local head = suspects and redis.call('LINDEX', 'queue:' .. lane, -1)
  if head and must_wait(head) then break end
  local id = redis.call('LMOVE', 'queue:' .. lane, 'claims:' .. lane .. ':' .. worker, 'RIGHT', 'LEFT')
  if id then
    record(id, 'claimed', worker)
    return {id, lane, redis.call('LINDEX', 'job:' .. id, 0)}
  end
end
local last = redis.call('XREVRANGE', 'wake', '+', '-', 'COUNT', 1)
return {last[1] and last[1][1] or '0-0'}
